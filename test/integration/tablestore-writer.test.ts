import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  startLocalTablestore,
  type FaultRule,
  type LocalTablestore,
} from '../../src/local-tablestore/index.js';
import { TablestoreClient } from '../../src/tablestore/client/client.js';
import type { ChangeOwner, KeyHold, RowChange } from '../../src/tablestore/client/model.js';
import { createTable, getRange, keyBounds } from '../../src/tablestore/client/operations.js';
import {
  TablestoreWriter,
  type WriterEvents,
  type WriterSettings,
} from '../../src/tablestore/writer/writer.js';
import { decodeRows } from '../../src/tablestore/wire/plainbuffer.js';
import { RowWriter, prepareName } from '../../src/tablestore/wire/row-writer.js';
import { applyChange, encodeChange, type ModelChange, type ModelRow } from '../support/tablestore-model.js';

let server: LocalTablestore;
let client: TablestoreClient;
let writer: TablestoreWriter;
let tables = 0;
let table = '';
const failures: unknown[] = [];

beforeAll(async () => {
  server = await startLocalTablestore({
    data: ':memory:',
    limits: { tableNotReadyMs: 0, tables: 1000, tableOperationsPerSecond: 1000 },
  });
  client = new TablestoreClient({ endpoint: server.url, ...server });
});
afterAll(async () => {
  client.close();
  await server.close();
});
beforeEach(async () => {
  failures.length = 0;
  table = await newTable();
});
afterEach(() => {
  writer.abort();
  server.faults.set([]);
  expect(failures).toEqual([]);
});

async function newTable(): Promise<string> {
  const name = `t${tables++}`;
  await createTable(client, {
    name,
    keys: [{ name: 'id', type: 'INTEGER' }],
    timeToLive: -1,
    maxVersions: 1,
    reservedRead: 0,
    reservedWrite: 0,
  });
  return name;
}

function open(settings: Partial<WriterSettings> = {}, events: WriterEvents = {}): TablestoreWriter {
  return (writer = new TablestoreWriter(
    client,
    {
      requestTimeoutMs: 2000,
      lateWriteMs: 50,
      windows: { connectionMs: 10_000, otherMs: 10_000 },
      ...settings,
    },
    { onFailed: (error) => failures.push(error), ...events },
  ));
}

/** Remembers what became of each change, and that it was told once. */
class Ledger implements ChangeOwner {
  readonly acknowledgedTags: number[] = [];
  readonly rejectedTags: { tag: number; code: string }[] = [];
  readonly held: KeyHold[] = [];
  holdRejected = false;
  private readonly seen = new Set<RowChange>();

  acknowledged(change: RowChange): void {
    this.once(change);
    this.acknowledgedTags.push(change.tag);
  }

  rejected(change: RowChange, error: { code: string }, hold: () => KeyHold): void {
    this.once(change);
    this.rejectedTags.push({ tag: change.tag, code: error.code });
    if (this.holdRejected) this.held.push(hold());
  }

  private once(change: RowChange): void {
    expect(this.seen.has(change)).toBe(false);
    this.seen.add(change);
  }
}

const put = (key: number, value: string, owner: ChangeOwner, tag = 0, extra: Partial<RowChange> = {}) =>
  encodeChange(table, key, { op: 'put', cells: { v: value } }, owner, { tag, ...extra });

async function contents(name = table): Promise<Map<number, Record<string, string>>> {
  const { start, end } = keyBounds(['id']);
  const found = new Map<number, Record<string, string>>();
  for (let from: Buffer | null = start; from !== null;) {
    const page = await getRange(client, { table: name, start: from, end });
    for (const row of decodeRows(page.rows)) {
      found.set(
        Number(row.primaryKey[0]![1] as bigint),
        Object.fromEntries(row.cells.map((cell) => [cell.name, String(cell.value)])),
      );
    }
    from = page.next;
  }
  return found;
}

const modelChange: fc.Arbitrary<ModelChange> = fc.oneof(
  fc.record({
    op: fc.constant('put' as const),
    cells: fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.string({ maxLength: 5 })),
  }),
  fc.record({
    op: fc.constant('update' as const),
    cells: fc.dictionary(
      fc.constantFrom('a', 'b', 'c'),
      fc.option(fc.string({ maxLength: 5 }), { nil: null }),
    ),
  }),
  fc.record({ op: fc.constant('delete' as const), cells: fc.constant({}) }),
);

/** Random changes of few keys, handed over in bursts; what is there at the end has to be what a model says. */
async function randomTraffic(count: number, seed: number, between: (n: number) => void = () => undefined) {
  const ledger = new Ledger();
  const model = new Map<number, ModelRow>();
  const changes = fc.sample(fc.tuple(fc.nat(30), modelChange), { numRuns: count, seed });
  for (const [n, [key, change]] of changes.entries()) {
    model.set(key, applyChange(model.get(key) ?? null, change));
    writer.enqueue(encodeChange(table, key, change, ledger, { tag: n }));
    if (n % 37 === 0) await new Promise((resolve) => setTimeout(resolve, n % 5));
    between(n);
  }
  await writer.drain();
  expect(ledger.rejectedTags).toEqual([]);
  expect([...ledger.acknowledgedTags].sort((a, b) => a - b)).toEqual(changes.map((_, n) => n));
  const expected = [...model].filter(([, row]) => row !== null).sort(([a], [b]) => a - b);
  expect([...(await contents())].sort(([a], [b]) => a - b)).toEqual(expected);
}

describe('every key sees its changes in order', () => {
  for (const batch of ['bulk-import', 'batch-write'] as const) {
    test(`by ${batch}`, async () => {
      open({ batch, buckets: 4 });
      await randomTraffic(1500, 1);
      expect(writer.stats()).toMatchObject({ rows: 1500, queueBytes: 0, queuedRows: 0, heldKeys: 0 });
    });
  }

  test('with rows that are refused for the moment, lost connections, and answers that come late', async () => {
    open({ buckets: 4 });
    server.faults.set([
      { kind: 'error', row: true, code: 'OTSRowOperationConflict', probability: 0.1 },
      { kind: 'error', code: 'OTSServerBusy', probability: 0.1, operation: 'BulkImport' },
      { kind: 'reset', probability: 0.05, operation: 'BulkImport' },
      { kind: 'reset', applied: true, probability: 0.05, operation: 'BulkImport' },
      { kind: 'late', delayMs: 30, probability: 0.05, operation: 'BulkImport' },
      { kind: 'latency', delayMs: 20, probability: 0.1, operation: 'BulkImport' },
    ]);
    await randomTraffic(1500, 2);
  });

  test('while the number of buckets changes', async () => {
    open({ buckets: 1 });
    server.faults.set([
      { kind: 'latency', delayMs: 15, probability: 0.5 },
      { kind: 'error', row: true, code: 'OTSRowOperationConflict', probability: 0.3 },
    ]);
    await randomTraffic(1500, 3, (n) => {
      if (n % 100 === 50) writer.retune({ buckets: 1 + ((n / 50) % 7), concurrency: 1 + ((n / 50) % 5) });
    });
  });

  test('with keys that are held, read and written', async () => {
    open({ buckets: 3 });
    const ledger = new Ledger();
    const reads: (string | undefined)[] = [];
    writer.enqueue(put(1, 'before', ledger, 1));
    const holding = writer.hold(table, put(1, '', ledger).key);
    writer.enqueue(put(1, 'after', ledger, 3));
    writer.enqueue(put(2, 'other', ledger, 4));
    const hold = await holding;
    reads.push((await contents()).get(1)?.['v']);
    await expect.poll(() => [...ledger.acknowledgedTags].sort()).toEqual([1, 4]);
    hold.release(put(1, 'read and written', ledger, 2));
    await writer.drain();
    expect(reads).toEqual(['before']);
    expect(ledger.acknowledgedTags.filter((tag) => tag !== 4)).toEqual([1, 2, 3]);
    expect((await contents()).get(1)).toEqual({ v: 'after' });
    expect(writer.stats()).toMatchObject({ heldKeys: 0, queueBytes: 0 });
  });

  test('two holds of a key are granted one after the other', async () => {
    open();
    const { key } = put(1, '', new Ledger());
    const first = await writer.hold(table, key);
    let second = false;
    const waiting = writer.hold(table, key).then((hold) => {
      second = true;
      return hold;
    });
    // Nothing happens.
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(second).toBe(false);
    first.release();
    (await waiting).release();
    await writer.drain();
    expect(writer.stats().heldKeys).toBe(0);
  });
});

describe('late writes (correctness rule 10)', () => {
  /** The first try is applied 400 ms after its connection was lost; the key is written again in the meantime. */
  async function scenario(lateWriteMs: number): Promise<string | undefined> {
    open({ lateWriteMs });
    server.faults.set([{ kind: 'late', delayMs: 400, times: 1, operation: 'BulkImport' }]);
    const ledger = new Ledger();
    writer.enqueue(put(1, 'old', ledger, 1));
    await expect.poll(() => ledger.acknowledgedTags).toEqual([1]);
    writer.enqueue(put(1, 'new', ledger, 2));
    await writer.drain();
    expect(ledger.acknowledgedTags).toEqual([1, 2]);
    // The first try was carried out 400 ms after it was lost, or is not any more.
    await new Promise((resolve) => setTimeout(resolve, 600));
    return (await contents()).get(1)?.['v'];
  }

  test('a later change of the key waits until the first try cannot come any more', async () => {
    expect(await scenario(600)).toBe('new');
  });

  test('without the wait the older value would win', async () => {
    expect(await scenario(0)).toBe('old');
  });
});

describe('late writes of a writer that was killed (correctness rule 10 over runs)', () => {
  async function scenario(holdMs: number): Promise<{ told: number; value: string | undefined }> {
    open();
    server.faults.set([{ kind: 'late', delayMs: 400, times: 1, operation: 'BulkImport' }]);
    writer.enqueue(put(1, 'old', new Ledger()));
    await vi.waitFor(() => expect(server.faults.list()[0]?.remaining).toBe(0));
    writer.abort();
    expect(writer.leftNothing).toBe(false);
    const began = Date.now();
    open({ earlierUntilMs: began + holdMs });
    const ledger = new Ledger();
    writer.enqueue(put(1, 'new', ledger, 1));
    writer.enqueue(put(2, 'other', ledger, 2));
    while (ledger.acknowledgedTags.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    const told = Date.now() - began;
    writer.enqueue(put(1, 'newest', ledger, 3));
    await writer.drain();
    writer.close();
    expect(writer.leftNothing).toBe(true);
    // As above.
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, began + 600 - Date.now())));
    return { told, value: (await contents()).get(1)?.['v'] };
  }

  test('without a word of it they win', async () => {
    expect((await scenario(0)).value).toBe('old');
  });

  test('what is written meanwhile is looked at again before it counts', async () => {
    const { told, value } = await scenario(550);
    expect(value).toBe('newest');
    expect(told).toBeGreaterThan(500);
  });
});

describe('late writes of row batches and of single rows', () => {
  test('a change of a row that the full load left in doubt waits', async () => {
    open({ lateWriteMs: 600 });
    server.faults.set([{ kind: 'late', delayMs: 400, times: 1, operation: 'BulkImport' }]);
    const rows = new RowWriter();
    rows.beginRow();
    rows.key(prepareName('id')).integer(1);
    rows.attribute(prepareName('v')).text('loaded');
    rows.endRow();
    const began = performance.now();
    expect(await writer.writeBatch(table, rows.takeBatch())).toMatchObject({ written: 1 });
    expect(performance.now() - began).toBeLessThan(350);
    const ledger = new Ledger();
    writer.enqueue(put(1, 'new', ledger, 1));
    await writer.drain();
    expect(performance.now() - began).toBeGreaterThan(590);
    expect(await contents()).toEqual(new Map([[1, { v: 'new' }]]));
  });

  test('only the row that the service gave no clear answer for is held', async () => {
    open({ lateWriteMs: 300, buckets: 1 });
    server.faults.set([{ kind: 'error', row: true, code: 'OTSTimeout', times: 1, operation: 'BulkImport' }]);
    const ledger = new Ledger();
    for (const key of [1, 2, 3]) writer.enqueue(put(key, 'x', ledger, key));
    await expect.poll(() => ledger.acknowledgedTags.length).toBe(3);
    expect(writer.stats().heldKeys).toBe(1);
    await writer.drain();
    expect(writer.stats()).toMatchObject({ heldKeys: 0, queueBytes: 0 });
  });
});

describe('rows that are refused', () => {
  test('a request refused whole is sent row by row: only the bad row is told, in either road', async () => {
    open({ buckets: 1 });
    const ledger = new Ledger();
    const tooBig = 'x'.repeat(2 * 1024 * 1024 + 1);
    for (let key = 0; key < 20; key++) writer.enqueue(put(key, key === 13 ? tooBig : 'fine', ledger, key));
    await writer.drain();
    expect(ledger.rejectedTags).toEqual([{ tag: 13, code: 'OTSParameterInvalid' }]);
    expect(ledger.acknowledgedTags).toHaveLength(19);
    expect((await contents()).size).toBe(19);

    table = await newTable();
    const rows = new RowWriter();
    const id = prepareName('id');
    const v = prepareName('v');
    for (let key = 0; key < 500; key++) {
      rows.beginRow();
      rows.key(id).integer(key);
      rows.attribute(v).text(key === 333 ? tooBig : `row ${key}`);
      rows.endRow();
    }
    const result = await writer.writeBatch(table, rows.takeBatch());
    expect(result).toMatchObject({ written: 499, kept: 0 });
    expect(result.rejected).toMatchObject([{ index: 333, error: { code: 'OTSParameterInvalid' } }]);
    expect((await contents()).size).toBe(499);
  });

  test('a composed row is taken apart, so that the good changes in it arrive', async () => {
    open({ buckets: 1 });
    const ledger = new Ledger();
    const update = (value: string, tag: number) =>
      encodeChange(table, 1, { op: 'update', cells: { v: value } }, ledger, { tag });
    writer.enqueue(put(1, 'good', ledger, 1));
    writer.enqueue(update('x'.repeat(2 * 1024 * 1024 + 1), 2));
    writer.enqueue(encodeChange(table, 1, { op: 'update', cells: { w: 'last' } }, ledger, { tag: 3 }));
    await writer.drain();
    expect(ledger.rejectedTags).toEqual([{ tag: 2, code: 'OTSParameterInvalid' }]);
    expect(ledger.acknowledgedTags).toEqual([1, 3]);
    expect((await contents()).get(1)).toEqual({ v: 'good', w: 'last' });
  });

  test('an owner may hold the key until it has decided', async () => {
    open({ buckets: 1 });
    const ledger = new Ledger();
    ledger.holdRejected = true;
    writer.enqueue(put(1, 'x'.repeat(2 * 1024 * 1024 + 1), ledger, 1));
    writer.enqueue(put(1, 'later', ledger, 2, { condition: 'exist' }));
    writer.enqueue(put(2, 'other', ledger, 3));
    await writer.drain();
    expect(ledger.rejectedTags).toMatchObject([{ tag: 1 }]);
    expect(ledger.acknowledgedTags).toEqual([3]);
    ledger.held[0]!.release(put(1, 'mended', ledger, 4));
    await writer.drain();
    expect(ledger.acknowledgedTags).toEqual([3, 4, 2]);
    expect((await contents()).get(1)).toEqual({ v: 'later' });
  });

  test('a condition that does not hold leaves the row as it is', async () => {
    open();
    const ledger = new Ledger();
    const update = (key: number) =>
      encodeChange(table, key, { op: 'update', cells: { w: 'new' } }, ledger, {
        tag: key,
        condition: 'exist',
      });
    writer.enqueue(put(1, 'there', ledger, 0));
    writer.enqueue(update(1));
    writer.enqueue(update(2));
    await writer.drain();
    expect(ledger.acknowledgedTags.sort()).toEqual([0, 1, 2]);
    expect(await contents()).toEqual(new Map([[1, { v: 'there', w: 'new' }]]));
  });
});

describe('row batches', () => {
  const id = prepareName('id');
  const v = prepareName('v');
  function batch(from: number, to: number, value: string) {
    const rows = new RowWriter();
    for (let key = from; key < to; key++) {
      rows.beginRow();
      rows.key(id).integer(key);
      rows.attribute(v).text(value);
      rows.endRow();
    }
    return rows.takeBatch();
  }

  test('conflict "ignore" keeps the rows that are there, and counts them', async () => {
    open();
    await writer.writeBatch(table, batch(0, 10, 'old'));
    const result = await writer.writeBatch(table, batch(5, 400, 'new'), { condition: 'not-exist' });
    expect(result).toMatchObject({ written: 390, kept: 5, rejected: [] });
    const there = await contents();
    expect([...there.values()].filter((row) => row['v'] === 'old')).toHaveLength(10);
    expect(there.size).toBe(400);
  });

  test('a row that the first, lost try had written is not called kept', async () => {
    open();
    await writer.writeBatch(table, batch(0, 3, 'old'));
    server.faults.set([{ kind: 'reset', applied: true, times: 1, operation: 'BatchWriteRow' }]);
    const result = await writer.writeBatch(table, batch(0, 10, 'new'), { condition: 'not-exist' });
    expect(result).toMatchObject({ written: 7, kept: 3 });
  });

  test('rows that fail for the moment are sent again, and only they', async () => {
    open();
    const faults: FaultRule[] = [{ kind: 'error', row: true, code: 'OTSServerBusy', probability: 0.2 }];
    server.faults.set(faults);
    expect(await writer.writeBatch(table, batch(0, 2000, 'x'))).toMatchObject({
      written: 2000,
      rejected: [],
    });
    server.faults.set([]);
    expect((await contents()).size).toBe(2000);
    expect(writer.stats().rows).toBe(2000);
  });
});

describe('the queue', () => {
  test('asks to stop when it is full and says when there is room', async () => {
    let drained = 0;
    open({ queueBytes: 100_000 }, { onDrain: () => drained++ });
    server.faults.set([{ kind: 'latency', delayMs: 100 }]);
    const ledger = new Ledger();
    let taken = 0;
    while (writer.enqueue(put(taken++, 'x'.repeat(1000), ledger)));
    expect(taken).toBeGreaterThan(70);
    expect(taken).toBeLessThan(100);
    expect(writer.stats().queueBytes).toBeLessThan(110_000);
    expect(drained).toBe(0);
    await expect.poll(() => drained).toBe(1);
    expect(writer.enqueue(put(1, 'y', ledger))).toBe(true);
    await writer.drain();
  });

  test('sends nothing while it is paused', async () => {
    open({ buckets: 1 });
    const ledger = new Ledger();
    writer.pause();
    writer.enqueue(put(1, 'x', ledger, 1));
    // Nothing happens, nor below when it is aborted.
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(ledger.acknowledgedTags).toEqual([]);
    expect((await contents()).size).toBe(0);
    writer.resume();
    await writer.drain();
    expect(ledger.acknowledgedTags).toEqual([1]);
    writer.pause();
    writer.enqueue(put(1, 'y', ledger, 2));
    await new Promise((resolve) => setTimeout(resolve, 20));
    writer.abort();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await contents()).get(1)).toEqual({ v: 'x' });
  });

  test('counts rows by bucket', async () => {
    open({ queueSize: 5, buckets: 1 });
    const ledger = new Ledger();
    const answers = [1, 2, 3, 4, 5, 6].map((key) => writer.enqueue(put(key, '', ledger)));
    expect(answers).toEqual([true, true, true, true, false, false]);
    await writer.drain();
  });
});

describe('throttling', () => {
  test('rows are held to the rate on both roads, and a new rate takes effect at once', async () => {
    const slow = { rowsPerSecond: 400, megabytesPerSecond: null };
    open({ incrementalRate: slow, fullRate: slow });
    const ledger = new Ledger();
    for (let key = 0; key < 5000; key++) writer.enqueue(put(key, '', ledger, key));
    // A rate needs time, behind the first burst.
    await new Promise((resolve) => setTimeout(resolve, 500));
    const at = writer.stats().rows;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const rate = (writer.stats().rows - at) / 1.5;
    expect(rate).toBeGreaterThan(330);
    expect(rate).toBeLessThan(470);
    writer.retune({ incrementalRate: { rowsPerSecond: null, megabytesPerSecond: null } });
    const began = performance.now();
    await writer.drain();
    expect(performance.now() - began).toBeLessThan(3000);

    const rows = new RowWriter();
    for (let key = 0; key < 400; key++) {
      rows.beginRow();
      rows.key(prepareName('id')).integer(key);
      rows.endRow();
    }
    const started = performance.now();
    await writer.writeBatch(await newTable(), rows.takeBatch());
    expect(performance.now() - started).toBeGreaterThan(700);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe('retry windows', () => {
  test('past the window the writer ends with ROW-D109, says so once, and tells no owner anything', async () => {
    const states: string[] = [];
    const failed: unknown[] = [];
    open(
      { windows: { connectionMs: 400, otherMs: 10_000 } },
      {
        onRetry: (state) => states.push(state === null ? 'well' : state.error.code),
        onFailed: (error) => failed.push(error),
      },
    );
    const ledger = new Ledger();
    server.faults.set([{ kind: 'reset' }]);
    for (let key = 0; key < 50; key++) writer.enqueue(put(key, '', ledger));
    await expect(writer.drain()).rejects.toMatchObject({ code: 'ROW-D109' });
    expect(failed).toMatchObject([{ code: 'ROW-D109' }]);
    expect(states[0]).toBe('ROW-D101');
    expect(ledger.acknowledgedTags).toEqual([]);
    expect(() => writer.enqueue(put(1, '', ledger))).toThrow();
  });

  test('a service that comes back within the window goes on, and the state says so', async () => {
    const states: string[] = [];
    open({}, { onRetry: (state) => states.push(state === null ? 'well' : state.error.code) });
    server.faults.set([{ kind: 'reset', times: 5 }]);
    const ledger = new Ledger();
    writer.enqueue(put(1, 'x', ledger, 1));
    await writer.drain();
    expect(states).toEqual([...Array<string>(5).fill('ROW-D101'), 'well']);
    expect(ledger.acknowledgedTags).toEqual([1]);
  });

  test('rows of a lost table are rejected with that, and the other tables go on', async () => {
    const failed: unknown[] = [];
    open({}, { onFailed: (error) => failed.push(error) });
    const ledger = new Ledger();
    for (let key = 0; key < 3; key++)
      writer.enqueue(encodeChange('missing', key, { op: 'put', cells: {} }, ledger));
    writer.enqueue(put(1, 'x', ledger, 7));
    await writer.drain();
    expect(ledger.rejectedTags.map(({ code }) => code)).toEqual(Array<string>(3).fill('ROW-D110'));
    expect(ledger.acknowledgedTags).toEqual([7]);
    expect(failed).toEqual([]);
  });

  test('being throttled is waited out beyond any window', async () => {
    open({ windows: { connectionMs: 50, otherMs: 50 } });
    server.faults.set([{ kind: 'error', code: 'OTSServerBusy', times: 8 }]);
    const ledger = new Ledger();
    writer.enqueue(put(1, 'x', ledger, 1));
    await writer.drain();
    expect(ledger.acknowledgedTags).toEqual([1]);
  });
});
