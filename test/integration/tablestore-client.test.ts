import net from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startLocalTablestore, type LocalTablestore } from '../../src/local-tablestore/index.js';
import { BatchSlice, writeRows, operationTypes } from '../../src/tablestore/writer/batch.js';
import { TablestoreClient } from '../../src/tablestore/client/client.js';
import { keyOf, keyOnly } from '../../src/tablestore/writer/compose.js';
import { TablestoreError } from '../../src/tablestore/client/errors.js';
import {
  batchGetRow,
  createTable,
  deleteTable,
  describeTable,
  getRange,
  getRow,
  keyBounds,
  listTables,
} from '../../src/tablestore/client/operations.js';
import { withRetry } from '../../src/tablestore/client/retry.js';
import { decodeRows } from '../../src/tablestore/wire/plainbuffer.js';
import { RowWriter, prepareName } from '../../src/tablestore/wire/row-writer.js';

let server: LocalTablestore;
let client: TablestoreClient;
const windows = { connectionMs: 5000, otherMs: 5000 };

beforeAll(async () => {
  server = await startLocalTablestore({ data: ':memory:', limits: { tableNotReadyMs: 0 } });
  client = new TablestoreClient({ endpoint: server.url, ...server });
});
afterAll(async () => {
  client.close();
  await server.close();
});

const id = prepareName('id');
const part = prepareName('part');
const note = prepareName('timestamp');

function rows(count: number, first = 0) {
  const writer = new RowWriter();
  for (let n = first; n < first + count; n++) {
    writer.beginRow();
    writer.key(part).text(`p${n % 3}`);
    writer.key(id).integer(n);
    writer.attribute(note).text(`row ${n} 😀`);
    writer.endRow();
  }
  return writer.takeBatch();
}

const failure = async (promise: Promise<unknown>): Promise<TablestoreError> => {
  try {
    await promise;
  } catch (error) {
    expect(error).toBeInstanceOf(TablestoreError);
    return error as TablestoreError;
  }
  throw new Error('expected a failure');
};

describe('tables and rows', () => {
  const table = {
    name: 'things',
    keys: [
      { name: 'part', type: 'STRING' as const },
      { name: 'id', type: 'INTEGER' as const },
    ],
    timeToLive: 86400 * 7,
    maxVersions: 2,
    reservedRead: 0,
    reservedWrite: 0,
  };

  test('a table is made, described, listed, filled, read, deleted', async () => {
    expect(await describeTable(client, 'things')).toBeNull();
    await createTable(client, table);
    await withRetry(windows, () => getRow(client, 'things', keyOnly(keyOf(rows(1).buffer))));
    expect(await describeTable(client, 'things')).toEqual({ ...table, status: 'active' });
    expect(await listTables(client)).toContain('things');
    expect((await failure(createTable(client, table))).service).toBe('OTSObjectAlreadyExist');

    for (const mode of ['bulk-import', 'batch-write'] as const) {
      const batch = rows(150, mode === 'bulk-import' ? 0 : 150);
      const slice = new BatchSlice(batch, 0, batch.count, operationTypes.put, 'ignore');
      expect(await writeRows(client, mode, 'things', slice)).toEqual([]);
    }

    const { start, end } = keyBounds(['part', 'id']);
    const read: bigint[] = [];
    let pages = 0;
    for (let from: Buffer | null = start; from !== null; pages++) {
      const page = await getRange(client, { table: 'things', start: from, end, limit: 90 });
      read.push(...decodeRows(page.rows).map((row) => row.primaryKey[1]![1] as bigint));
      from = page.next;
    }
    expect(pages).toBe(4);
    expect(read.sort((a, b) => Number(a - b))).toEqual(Array.from({ length: 300 }, (_, n) => BigInt(n)));

    const batch = rows(3, 298);
    const keys = [0, 1, 2].map((i) =>
      keyOnly(keyOf(batch.buffer.subarray(i === 0 ? 0 : batch.ends[i - 1]!, batch.ends[i]))),
    );
    const found = await batchGetRow(client, 'things', keys);
    expect(found.map((row) => row instanceof Buffer && decodeRows(row)[0]!.cells[0]!.value)).toEqual([
      'row 298 😀',
      'row 299 😀',
      false,
    ]);
    expect(found[2]).toBeNull();
    expect(decodeRows((await getRow(client, 'things', keys[0]!))!)[0]!.cells[0]!.name).toBe('timestamp');

    await deleteTable(client, 'things');
    expect(await describeTable(client, 'things')).toBeNull();
  });

  test('a condition that does not hold, and a row of a wrong key, are told by row', async () => {
    await createTable(client, { ...table, name: 'conditions' });
    const batch = rows(3);
    const put = (condition: 'ignore' | 'not-exist', from: number, to: number) =>
      writeRows(
        client,
        'batch-write',
        'conditions',
        new BatchSlice(batch, from, to, operationTypes.put, condition),
      );
    expect(await put('ignore', 1, 2)).toEqual([]);
    expect(await put('not-exist', 0, 3)).toMatchObject([
      { index: 1, kind: 'condition', code: 'OTSConditionCheckFail' },
    ]);
    const wrong = new RowWriter();
    wrong.beginRow();
    wrong.key(part).integer(1);
    wrong.key(id).integer(1);
    wrong.endRow();
    const slice = new BatchSlice(wrong.takeBatch(), 0, 1, operationTypes.put, 'ignore');
    expect(await writeRows(client, 'bulk-import', 'conditions', slice)).toMatchObject([
      { index: 0, kind: 'row', code: 'OTSInvalidPK' },
    ]);
    expect(await writeRows(client, 'bulk-import', 'nowhere', slice)).toMatchObject([
      { index: 0, kind: 'fatal', code: 'OTSObjectNotExist' },
    ]);
  });
});

/** On a port that is free; gives the address. */
async function listening(server: net.Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
}

describe('failures have codes', () => {
  const other = (changes: object) =>
    new TablestoreClient({ endpoint: server.url, ...server, ...changes }, { requestTimeoutMs: 300 });

  test('wrong secret, wrong key, wrong instance, nobody there', async () => {
    const secret = await failure(listTables(other({ accessKeySecret: 'wrong' })));
    expect(secret).toMatchObject({ code: 'ROW-D102', service: 'OTSAuthFailed', kind: 'fatal', status: 403 });
    expect(await failure(listTables(other({ accessKeyId: 'wrong' })))).toMatchObject({ code: 'ROW-D102' });
    expect(await failure(listTables(other({ instance: 'elsewhere' })))).toMatchObject({ code: 'ROW-D103' });
    const nobody = await failure(listTables(other({ endpoint: 'http://127.0.0.1:1' })));
    expect(nobody).toMatchObject({ code: 'ROW-D101', service: 'Unreachable', maybeApplied: false });
    expect(await failure(listTables(other({ endpoint: 'http://nowhere.invalid' })))).toMatchObject({
      code: 'ROW-D101',
      service: 'Unreachable',
    });
  });

  test('a silent service is given up in time, and its connection destroyed', async () => {
    let ended = 0;
    const silent = net.createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('close', () => ended++);
      socket.resume();
    });
    const endpoint = await listening(silent);
    try {
      const began = performance.now();
      const error = await failure(listTables(other({ endpoint })));
      expect(error).toMatchObject({ code: 'ROW-D101', service: 'Timeout', maybeApplied: true });
      expect(performance.now() - began).toBeLessThan(2000);
      await expect.poll(() => ended).toBe(1);
    } finally {
      silent.close();
    }
  });

  test('an answer that is not from Tablestore', async () => {
    const { createServer } = await import('node:http');
    const front = createServer((request, response) => {
      request.resume();
      response.statusCode = 502;
      response.end('<html>bad gateway</html>');
    });
    const endpoint = await listening(front);
    try {
      const error = await failure(listTables(other({ endpoint })));
      expect(error).toMatchObject({
        code: 'ROW-D108',
        service: 'HTTP502',
        kind: 'connection',
        maybeApplied: true,
      });
    } finally {
      front.close();
    }
  });

  test('a connection that is reset, and requests over kept connections', async () => {
    server.faults.set([{ kind: 'reset', operation: 'ListTable', times: 1 }]);
    const reset = await failure(listTables(client));
    expect(reset).toMatchObject({ code: 'ROW-D101', service: 'Interrupted', maybeApplied: true });
    server.faults.set([{ kind: 'error', operation: 'ListTable', code: 'OTSServerBusy', times: 2 }]);
    const states: (string | null)[] = [];
    await withRetry(windows, () => listTables(client), {
      onRetry: (state) => states.push(state === null ? null : `${state.error.service} ${state.attempt}`),
    });
    expect(states).toEqual(['OTSServerBusy 1', 'OTSServerBusy 2', null]);
    await expect(
      withRetry({ connectionMs: 5000, otherMs: 100 }, async () => {
        throw TablestoreError.fromService(500, 'OTSInternalServerError', '', 'x');
      }),
    ).rejects.toMatchObject({ code: 'ROW-D109' });
  });
});
