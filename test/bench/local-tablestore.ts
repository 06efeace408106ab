/**
 * Rows a second that the embedded Tablestore takes from one client: ten columns, about 480 bytes of data a row,
 * 200 rows a request, ten requests in flight, the server a process of its own.
 *
 *     npm run bench -- local-tablestore [rows] [folder] [words of the cases wanted]
 *
 * Besides the rate of the clock it prints the rate by the server's CPU time, which other load on the machine
 * does not change, and the server's memory.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startLocalTablestore } from '../../src/local-tablestore/index.js';
import { TablestoreClient } from '../../src/tablestore/client/client.js';
import {
  BatchWriteRowRequest,
  BulkImportRequest,
  CreateTableRequest,
  OperationType,
  PrimaryKeyType,
} from '../../src/tablestore/wire/messages.js';
import { prepareName, RowWriter } from '../../src/tablestore/wire/row-writer.js';

const BATCH = 200;
const IN_FLIGHT = 10;
const KEYS = { accessKeyId: 'bench', accessKeySecret: 'bench-secret' };

interface Usage {
  cpuMs: number;
  rssMb: number;
}

async function serve(data: string, discard: boolean): Promise<void> {
  const server = await startLocalTablestore({ data, discard, ...KEYS });
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    const rssMb = process.memoryUsage.rss() / 2 ** 20;
    process.send!({ cpuMs: (user + system) / 1000, rssMb } satisfies Usage);
  });
  process.on('disconnect', () => void server.close().then(() => process.exit(0)));
  process.send!(server.url);
}

async function measureAll(rows: number, parent: string | undefined, wanted: string[]): Promise<void> {
  for (const discard of [false, true]) {
    for (const operation of ['BatchWriteRow', 'BulkImport'] as const) {
      for (const order of ['ascending', 'random'] as const) {
        const name = `${operation} ${discard ? '--discard' : order}`;
        if ((discard && order === 'random') || !wanted.every((word) => name.includes(word))) continue;
        await measure(name, rows * (discard ? 5 : 1), parent, operation, order, discard);
      }
    }
  }
}

async function measure(
  name: string,
  rows: number,
  parent: string | undefined,
  operation: 'BatchWriteRow' | 'BulkImport',
  order: 'ascending' | 'random',
  discard: boolean,
): Promise<void> {
  const folder = mkdtempSync(join(parent ?? tmpdir(), 'rowferry-bench-'));
  const child = fork(fileURLToPath(import.meta.url), ['serve', folder, discard ? 'discard' : 'store']);
  const next = <T>(): Promise<T> => new Promise((resolve) => child.once('message', (m) => resolve(m as T)));
  const usage = (): Promise<Usage> => {
    child.send('usage');
    return next<Usage>();
  };
  const endpoint = await next<string>();
  const client = new TablestoreClient({ endpoint, instance: 'local', ...KEYS });
  await createTable(client);
  const bodies = makeBodies(operation, order);
  // The first requests warm the compiler of both sides.
  for (const body of bodies.slice(0, 20)) await client.call(operation, body(0));
  const before = await usage();
  const started = performance.now();
  const requests = Math.ceil(rows / BATCH);
  let sent = 0;
  const lane = async (): Promise<void> => {
    while (sent < requests) {
      const n = sent++;
      await client.call(operation, bodies[n % bodies.length]!(discard ? 0 : Math.floor(n / bodies.length)));
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  const seconds = (performance.now() - started) / 1000;
  const after = await usage();
  client.close();
  child.disconnect();
  await new Promise((resolve) => child.once('exit', resolve));
  rmSync(folder, { recursive: true });
  const done = requests * BATCH;
  const cpuSeconds = (after.cpuMs - before.cpuMs) / 1000;
  console.log(
    `${name.padEnd(32)} ${rate(done / seconds)} rows/s   ${rate(done / cpuSeconds)} rows/s of server CPU   ` +
      `RSS ${before.rssMb.toFixed(0)} → ${after.rssMb.toFixed(0)} MB`,
  );
}

const rate = (value: number): string => Math.round(value).toLocaleString('en').padStart(9);

async function createTable(client: TablestoreClient): Promise<void> {
  await client.call(
    'CreateTable',
    CreateTableRequest.encode({
      tableMeta: {
        tableName: 'bench',
        primaryKey: [{ name: 'id', type: PrimaryKeyType.INTEGER }],
        definedColumn: [],
      },
      reservedThroughput: { capacityUnit: { read: 0, write: 0 } },
      tableOptions: { timeToLive: -1, maxVersions: 1 },
      partitions: [],
      indexMetas: [],
    }),
  );
}

/** The first requests are made beforehand; with more rows than the pool holds, further ones as they are sent. */
function makeBodies(operation: 'BatchWriteRow' | 'BulkImport', order: string): ((round: number) => Buffer)[] {
  const rowsOf = (n: number): Buffer[] =>
    Array.from({ length: BATCH }, (_, index) =>
      row(order === 'random' ? Math.floor(Math.random() * 2 ** 52) : n * BATCH + index),
    );
  const encode = (rows: Buffer[]): Buffer => {
    const changes = rows.map((rowChange) => ({ type: OperationType.PUT, rowChange }));
    return operation === 'BulkImport'
      ? BulkImportRequest.encode({ tableName: 'bench', rows: changes })
      : BatchWriteRowRequest.encode({
          tables: [
            {
              tableName: 'bench',
              rows: changes.map((change) => ({ ...change, condition: { rowExistence: 0 } })),
            },
          ],
        });
  };
  const POOL = 1000;
  return Array.from({ length: POOL }, (_, n) => {
    const first = Buffer.from(encode(rowsOf(n)));
    return (round: number) => (round === 0 ? first : Buffer.from(encode(rowsOf(round * POOL + n))));
  });
}

const source = Buffer.alloc(4096, 'The quick brown fox jumps over the lazy dog. ');
const id = prepareName('id');
const columns = [
  'customer',
  'amount',
  'status',
  'created_at',
  'note',
  'address',
  'email',
  'score',
  'flags',
].map(prepareName);
const writer = new RowWriter(1 << 16);

function row(key: number): Buffer {
  const [customer, amount, status, created, note, address, email, score, flags] = columns as [
    ...(typeof columns)[0][],
  ];
  writer.beginRow();
  writer.key(id).integer(key);
  writer.attribute(customer!).integer(key % 1000);
  writer.attribute(amount!).text('1234.56');
  writer.attribute(status!).utf8(source, 0, 9);
  writer.attribute(created!).text('2024-05-06 07:08:09');
  writer.attribute(note!).utf8(source, 10, 210);
  writer.attribute(address!).utf8(source, 300, 400);
  writer.attribute(email!).utf8(source, 20, 44);
  writer.attribute(score!).double(key / 3);
  writer.attribute(flags!).integer(key % 7);
  writer.endRow();
  const copy = Buffer.from(writer.copyRow());
  writer.reset();
  return copy;
}

if (process.argv[2] === 'serve') await serve(process.argv[3]!, process.argv[4] === 'discard');
else await measureAll(Number(process.argv[2] ?? 400_000), process.argv[3], process.argv.slice(4));
