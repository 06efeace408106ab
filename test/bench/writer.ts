/**
 * Rows that the writer sends in a second, and the CPU time it takes for them, with an embedded Tablestore that
 * discards writes in another process: row batches as in the full load, and queued changes as in the incremental
 * phase. Ten columns, about 480 bytes of data a row.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startLocalTablestore } from '../../src/local-tablestore/index.js';
import { TablestoreClient } from '../../src/tablestore/client/client.js';
import { createTable, describeTable } from '../../src/tablestore/client/operations.js';
import { TablestoreWriter } from '../../src/tablestore/writer/writer.js';
import { RowWriter, prepareName } from '../../src/tablestore/wire/row-writer.js';

interface Address {
  url: string;
  instance: string;
  accessKeyId: string;
  accessKeySecret: string;
}

async function serve(): Promise<void> {
  const { url, instance, accessKeyId, accessKeySecret } = await startLocalTablestore({
    data: ':memory:',
    discard: true,
    limits: { tableNotReadyMs: 0 },
  });
  process.send!({ url, instance, accessKeyId, accessKeySecret } satisfies Address);
}

async function main(): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url));
  const address = await new Promise<Address>((resolve) =>
    child.once('message', (message) => resolve(message as Address)),
  );
  const client = new TablestoreClient({ endpoint: address.url, ...address });
  const keys = [{ name: 'id', type: 'INTEGER' as const }];
  const table = { name: 'bench', keys, timeToLive: -1, maxVersions: 1, reservedRead: 0, reservedWrite: 0 };
  if ((await describeTable(client, 'bench')) === null) await createTable(client, table);

  for (let round = 0; round < 3; round++) {
    await measure('dense ', 200_000, (count) => batch(client, count));
    await measure('queued', 100_000, (count) => queued(client, count));
  }
  client.close();
  child.kill();
}

async function measure(name: string, count: number, run: (count: number) => Promise<void>): Promise<void> {
  const cpu = process.cpuUsage();
  const began = performance.now();
  await run(count);
  const seconds = (performance.now() - began) / 1000;
  const used = process.cpuUsage(cpu);
  const perRow = (used.user + used.system) / count;
  console.log(
    `${name} ${Math.round(count / seconds).toLocaleString()} rows/s, ${perRow.toFixed(2)} µs CPU a row`,
  );
}

const source = Buffer.alloc(1024, 'The quick brown fox jumps over the lazy dog. ');
const id = prepareName('id');
const columns = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].map((letter) =>
  prepareName(`column_${letter}`),
);
const rows = new RowWriter();

function row(key: number): void {
  rows.beginRow();
  rows.key(id).integer(key);
  for (const column of columns) rows.attribute(column).utf8(source, 0, 44);
  rows.endRow();
}

async function batch(client: TablestoreClient, count: number): Promise<void> {
  const writer = new TablestoreWriter(client);
  const open = new Set<Promise<unknown>>();
  for (let key = 0; key < count;) {
    for (let n = 0; n < 200; n++) row(key++);
    const batch = writer.writeBatch('bench', rows.takeBatch()).finally(() => open.delete(batch));
    open.add(batch);
    if (open.size >= 12) await Promise.race(open);
  }
  await Promise.all(open);
  writer.close();
}

async function queued(client: TablestoreClient, count: number): Promise<void> {
  let go: (() => void) | undefined;
  const writer = new TablestoreWriter(client, {}, { onDrain: () => go?.() });
  const owner = { acknowledged: () => undefined, rejected: () => undefined };
  for (let key = 0; key < count; key++) {
    row(key);
    const change = {
      table: 'bench',
      op: 'put' as const,
      key: rows.rowKey(),
      row: rows.copyRow(),
      dataBytes: rows.dataBytes,
      owner,
      tag: key,
    };
    rows.reset();
    if (!writer.enqueue(change)) await new Promise<void>((resolve) => (go = resolve));
  }
  await writer.drain();
  writer.close();
}

if (process.send === undefined) await main();
else await serve();
