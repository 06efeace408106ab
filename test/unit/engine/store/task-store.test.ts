import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digest } from '../../../../src/sync/dirty/dirty.js';
import { DirtyRecords, isOpen } from '../../../../src/engine/store/dirty-records.js';
import { EngineStore } from '../../../../src/engine/store/engine-store.js';
import { Database } from '../../../../src/engine/store/database.js';
import {
  keepDestinations,
  keepStopKinds,
  migrations,
  quoteNames,
} from '../../../../src/engine/store/migrations.js';
import { readState, writeState } from '../../../../src/engine/store/state-file.js';
import { SqliteTaskStore } from '../../../../src/engine/store/task-store.js';
import type { DestinationSettings } from '../../../../src/shared/task.js';
import { Destinations } from '../../../../src/sync/state/destinations.js';
import type { NewDirtyRecord, TableRecord } from '../../../../src/sync/state/task-store.js';

let dir: string;
let engine: EngineStore;
let store: SqliteTaskStore;
let other: SqliteTaskStore;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rowferry-task-store-'));
  open();
});
afterEach(() => {
  engine.close();
  rmSync(dir, { recursive: true, force: true });
});

function open() {
  engine = EngineStore.open(join(dir, 'store.db'));
  store = new SqliteTaskStore(engine.database, 'a');
  other = new SqliteTaskStore(engine.database, 'b');
}

const dirty = (identity: string, change: Partial<NewDirtyRecord> = {}): NewDirtyRecord => ({
  identity,
  source: 'shop.a',
  destination: 'a',
  operation: 'INSERT',
  key: '1',
  keyHash: digest(change.key ?? '1'),
  rowHash: null,
  locator: null,
  holds: false,
  code: 'ROW-V103',
  message: 'refused',
  position: { file: 'binlog.1', offset: 5 },
  sourceRow: new Map([
    ['id', '1'],
    ['n', null],
  ]),
  cells: new Map([['id', '1']]),
  atMs: 1000,
  ...change,
});

describe('what replication keeps', () => {
  it('survives a restart, each task for itself', () => {
    const progress = {
      start: { gtidSet: 'u:1-5' },
      checkpoint: { gtidSet: 'u:1-9', commitMicros: 1_700_000_000_123_456 },
      loadedAt: null,
      rows: { full: 2 ** 40, inserted: 1, updated: 2, deleted: 3 },
    };
    store.saveProgress(progress);
    store.saveChunk('shop.a', {
      chunk: { index: 1, lower: ['ä'], upper: null },
      done: true,
      rows: 7,
      kept: 2,
      dropped: 3,
    });
    store.saveChunk('shop.a', {
      chunk: { index: 0, lower: null, upper: ['ä'] },
      done: false,
      rows: 0,
      kept: 0,
      dropped: 0,
    });
    store.beginTable({ source: 'shop.a', destination: 'a', rows: 7 } as TableRecord);
    const part = { xid: '1:ab:', place: 'binlog.1:4', source: 'shop.a' };
    store.saveXa({ ...part, state: 'open' });
    store.saveXa({ ...part, source: '', state: 'open' });
    store.appendXa(part, 0, Buffer.from([0, 255]));
    store.appendXa(part, 1, Buffer.from([1]));
    store.saveXa({ ...part, state: 'prepared' });
    engine.close();
    open();
    expect(store.progress()).toEqual(progress);
    expect(store.chunks('shop.a').map((c) => [c.chunk.index, c.done, c.chunk.lower])).toEqual([
      [0, false, null],
      [1, true, ['ä']],
    ]);
    expect(store.tables()).toMatchObject([{ source: 'shop.a', rows: 7 }]);
    expect([0, 1, 2].map((number) => store.xaPiece(part, number))).toEqual([
      Uint8Array.of(0, 255),
      Uint8Array.of(1),
      null,
    ]);
    expect(store.xaParts()).toEqual([
      { ...part, source: '', state: 'open' },
      { ...part, state: 'prepared' },
    ]);
    expect([other.progress(), other.chunks('shop.a'), other.tables(), other.xaParts()]).toEqual([
      null,
      [],
      [],
      [],
    ]);
    // The table begins anew: its rows in branches that are known are not to be had any more, nor those of a new table.
    store.loseXa('shop.a');
    store.loseXa('shop.new');
    expect([store.xaPiece(part, 0), ...store.xaParts().map((one) => [one.source, one.state])]).toEqual([
      null,
      ['', 'open'],
      ['shop.a', 'lost'],
      ['shop.new', 'lost'],
    ]);
    store.clear();
    expect([store.progress(), store.chunks('shop.a'), store.tables(), store.xaParts()]).toEqual([
      null,
      [],
      [],
      [],
    ]);
  });

  it('checkpoint and dirty record go together or not at all', () => {
    expect(() =>
      store.transaction(() => {
        store.recordDirty(dirty('x'));
        store.saveProgress({
          start: null,
          checkpoint: null,
          loadedAt: null,
          rows: { full: 1, inserted: 0, updated: 0, deleted: 0 },
        });
        throw new Error('killed');
      }),
    ).toThrow('killed');
    expect([store.dirtyCount(), store.progress()]).toEqual([0, null]);
  });
});

describe('dirty records', () => {
  it('a replay finds the record and the decision instead of making another', () => {
    const first = store.recordDirty(dirty('x'));
    expect(first.decision).toBeNull();
    expect(store.recordDirty(dirty('x', { message: 'again', atMs: 2000 }))).toEqual(first);
    const records = new DirtyRecords(engine.database, 'a');
    expect(records.decide({ ids: [first.id] }, 'skip')).toBe(1);
    expect(store.recordDirty(dirty('x'))).toEqual({ id: first.id, decision: 'skip' });
    expect([store.dirtyCount(), other.dirtyCount()]).toEqual([1, 0]);
  });

  it('are listed by what narrows them, in pages', () => {
    for (let n = 0; n < 10; n++) {
      store.recordDirty(
        dirty(`r${n}`, {
          atMs: n,
          source: n % 2 ? 'shop.a' : 'shop.b',
          code: n < 5 ? 'ROW-V101' : 'ROW-V102',
        }),
      );
    }
    other.recordDirty(dirty('r0'));
    const records = new DirtyRecords(engine.database, 'a');
    const all = { offset: 0, limit: 100 };
    expect(records.page({}, { offset: 8, limit: 5 })).toMatchObject({
      total: 10,
      records: [{ atMs: 8 }, { atMs: 9 }],
    });
    expect(records.page({ source: 'shop.b', code: 'ROW-V101' }, all).records.map((r) => r.atMs)).toEqual([
      0, 2, 4,
    ]);
    expect(records.page({ sinceMs: 3, untilMs: 5 }, all).total).toBe(3);
    // Whatever is shown, the codes are those of all: what a filter can be set to.
    expect(records.page({ code: 'ROW-V102' }, all).codes).toEqual(['ROW-V101', 'ROW-V102']);
    expect(records.page({ ids: [] }, all).total).toBe(0);
    expect(records.page({}, all).records[0]).toMatchObject({
      sourceRow: { id: '1', n: null },
      position: { file: 'binlog.1' },
      error: { code: 'ROW-V101', remedy: expect.stringContaining('Change the type') },
    });
    expect(records.discard({ code: 'ROW-V102' })).toBe(5);
    expect([store.dirtyCount(), other.dirtyCount()]).toEqual([5, 1]);
    expect(records.discard({})).toBe(5);
    expect([store.dirtyCount(), records.page({}, all).total]).toEqual([0, 0]);
  });

  it('are counted, filtered and paged in an index: 100,000 wide ones would take seconds', () => {
    const plan = engine.database
      .all<{ detail: string }>(
        `EXPLAIN QUERY PLAN SELECT id FROM dirty WHERE task = 'a' AND ${isOpen} AND source = 's' AND code = 'c'
         AND at_ms >= 1 ORDER BY id LIMIT 100 OFFSET 90000`,
      )
      .map(({ detail }) => detail);
    expect(plan).toEqual([
      expect.stringContaining('USING COVERING INDEX dirty_shown (task=? AND discarded=?)'),
    ]);
  });

  it('that hold the checkpoint stay until the replay has passed them as decided', () => {
    const locator = [{ column: 'id', type: 'STRING' as const, value: '1' }];
    const held = ['skip', 'retry', 'gone', 'open'].map((name) =>
      store.recordDirty(dirty(name, { holds: true, locator, atMs: 0 })),
    );
    const [skip, retry, gone, open] = held.map(({ id }) => id);
    const records = new DirtyRecords(engine.database, 'a');
    const nothing = { keepDays: 1, maxMegabytes: 0.000001 };
    expect(store.pruneDirty(nothing, 1e15)).toEqual({ expired: 0, tooMany: 0 });
    records.decide({ ids: [skip!] }, 'skip');
    records.triedAnew([{ id: Number(retry), problem: null }]);
    records.discard({ ids: [gone!] });
    expect(store.undecidedDirty()).toBe(1);
    expect([...store.dirtyDecisions()]).toEqual([
      ['skip', { id: skip, decision: 'skip', locator }],
      ['retry', { id: retry, decision: 'retry', locator }],
      ['gone', { id: gone, decision: 'skip', locator: null }],
    ]);
    // Tried again and dirty again: somebody has to decide once more.
    expect(store.recordDirty(dirty('retry', { holds: true, locator }))).toEqual({
      id: retry,
      decision: null,
    });
    expect(store.undecidedDirty()).toBe(2);
    records.triedAnew([{ id: Number(retry), problem: null }]);
    for (const id of [skip!, retry!, gone!]) store.settleDirty(id);
    expect(store.dirtyDecisions().size).toBe(0);
    expect(records.page({}, { offset: 0, limit: 9 }).records.map((r) => r.id)).toEqual([skip, open]);
    store.pruneDirty(nothing, 1e15);
    expect(records.page({}, { offset: 0, limit: 9 }).records.map((r) => r.id)).toEqual([open]);
  });

  it('are kept for so many days and so much space, the newest longest', () => {
    const day = 86_400_000;
    for (let n = 0; n < 300; n++)
      store.recordDirty(dirty(`r${n}`, { atMs: n * day, cells: new Map([['x', 'y'.repeat(5000)]]) }));
    const records = new DirtyRecords(engine.database, 'a');
    expect(store.pruneDirty({ keepDays: 299, maxMegabytes: 1000 }, 300 * day)).toEqual({
      expired: 1,
      tooMany: 0,
    });
    store.pruneDirty({ keepDays: 1000, maxMegabytes: 1 }, 300 * day);
    const left = records.page({}, { offset: 0, limit: 1000 }).records;
    expect(left.length).toBeGreaterThan(90);
    expect(left.length).toBeLessThan(200);
    expect(left.at(-1)!.atMs).toBe(299 * day);
  });
});

describe('a store of an earlier version', () => {
  it('has its tables under names that are theirs alone', () => {
    const database = Database.open(join(dir, 'old.db'), migrations.slice(0, migrations.indexOf(quoteNames)));
    const old = (database_: string, name: string, more = {}) => ({
      source: [database_, name].join('.'),
      definition: { database: database_, name },
      phase: 'loaded',
      ...more,
    });
    const records = [
      old('shop', 'items'),
      old('a.b', 'c'),
      old('a', 'x`y', { mapping: JSON.stringify({ merged: true }) }),
    ];
    for (const record of records) {
      database.run('INSERT INTO source_table VALUES (?, ?, ?)', 't', record.source, JSON.stringify(record));
      database.run(
        'INSERT INTO chunk (task, source, number, bounds, done, row_count) VALUES (?, ?, 0, ?, 1, 5)',
        't',
        record.source,
        '{"index":0,"lower":null,"upper":null}',
      );
    }
    database.run(
      "INSERT INTO dirty (task, identity, source, destination, operation, key, code, message, source_row, cells, at_ms) VALUES ('t', 'a.b.c u:5 1', 'a.b.c', 'c', 'INSERT', 'id=1', 'ROW-V101', '', '{}', '{}', 1)",
    );
    database.run("INSERT INTO xa_part VALUES ('t', 'x', 'p', 'a.b.c', 'prepared')");
    database.close();
    for (let opened = 0; opened < 2; opened++) {
      const now = Database.open(join(dir, 'old.db'), migrations);
      const kept = new SqliteTaskStore(now, 't');
      expect(kept.tables().map(({ source, phase }) => [source, phase])).toEqual([
        ['`a.b`.c', 'loaded'],
        ['a.`x``y`', 'stopped'],
        ['shop.items', 'loaded'],
      ]);
      for (const { source } of kept.tables()) expect(kept.chunks(source)).toHaveLength(1);
      expect(kept.xaParts()).toEqual([{ xid: 'x', place: 'p', source: '`a.b`.c', state: 'prepared' }]);
      expect(now.all('SELECT source, identity FROM dirty')).toEqual([
        { source: '`a.b`.c', identity: '`a.b`.c u:5 1' },
      ]);
      now.raw.exec(quoteNames);
      now.close();
    }
  });

  it('tells by kind why its tables had stopped', () => {
    const file = join(dir, 'old.db');
    const database = Database.open(file, migrations.slice(0, migrations.indexOf(keepStopKinds)));
    const stopped = (source: string, code: string, message: string) =>
      database.run(
        'INSERT INTO source_table VALUES (?, ?, ?)',
        't',
        source,
        JSON.stringify({ source, phase: 'stopped', problem: { code, message, remedy: '' } }),
      );
    stopped('d.a', 'ROW-S113', 'd.a was dropped at the source; its rows stay in a.');
    stopped('d.b', 'ROW-S113', 'd.b was truncated at the source, and the task is set to stop the table.');
    stopped('d.c', 'ROW-S103', 'd.c cannot be read.');
    stopped('d.d', 'ROW-S113', 'd.d stopped: its key changed.');
    stopped('d.e', 'ROW-S106', 'd.e has no key.');
    stopped(
      'd.f',
      'ROW-S113',
      'd.f no longer exists at the source, or the account cannot see it. No statement in the binlog dropped it.',
    );
    database.close();
    const now = Database.open(file, migrations);
    const kinds = () => new SqliteTaskStore(now, 't').tables().map(({ stoppedBy }) => stoppedBy);
    const expected = ['dropped', 'truncated', 'unreadable', 'altered', undefined, 'dropped'];
    expect(kinds()).toEqual(expected);
    now.raw.exec(keepStopKinds);
    expect(kinds()).toEqual(expected);
    now.close();
  });

  it('keeps what its tables knew of their destinations with these, and which were never loaded', async () => {
    const file = join(dir, 'old.db');
    const before = migrations.findIndex((one) => one.includes(keepDestinations));
    const database = Database.open(file, migrations.slice(0, before));
    const add = (task: string, source: string, record: Record<string, unknown>) =>
      database.run(
        'INSERT INTO source_table VALUES (?, ?, ?)',
        task,
        source,
        JSON.stringify({ source, phase: 'loaded', rows: 0, kept: 0, created: false, ...record }),
      );
    const progress = (task: string, more: Record<string, unknown>) =>
      database.run('INSERT INTO progress VALUES (?, ?)', task, JSON.stringify({ start: {}, ...more }));
    progress('a', { loadedAt: {}, destination: 'x in cn-hz' });
    add('a', 'd.one', { destination: 'm', created: true });
    add('a', 'd.two', { destination: 'm', foundAtMs: 7 });
    add('a', 'd.making', { destination: 'making', phase: 'schema', creating: true });
    add('a', 'd.new', { destination: 'new', phase: 'schema' });
    progress('b', { loadedAt: null });
    add('b', 'd.found', { destination: 'found', foundAtMs: 5 });
    add('b', 'd.anew', { destination: 'anew', created: true, loads: true });
    database.close();
    const one = { created: false, creating: false, foundAtMs: null };
    const of = (task: string) => {
      const kept = new SqliteTaskStore(now, task);
      const unread = kept.tables().filter((table) => table.unread);
      return [kept.destinations(), unread.map(({ source }) => source)];
    };
    const now = Database.open(file, migrations);
    try {
      for (let times = 0; times < 2; times++) {
        const instance = 'x in cn-hz';
        expect(of('a')).toEqual([
          [
            { ...one, name: 'm', instance, created: true, foundAtMs: 7 },
            { ...one, name: 'making', instance, creating: true },
          ],
          [],
        ]);
        expect(of('b')).toEqual([
          [
            { ...one, name: 'anew', instance: '', created: true },
            { ...one, name: 'found', instance: '', foundAtMs: 5 },
          ],
          ['d.found'],
        ]);
        now.run("INSERT OR IGNORE INTO task (id, snapshot, added_ms) VALUES ('a', '{}', 1)");
        writeState(now, 'a', join(dir, 'state'), 1);
        await readState(now, join(dir, 'state'), true, () => undefined);
      }
      const destination = {
        instance: 'x',
        endpoint: 'https://x.cn-sh.ots.aliyuncs.com',
      } as DestinationSettings;
      const elsewhere = new Destinations(new SqliteTaskStore(now, 'a'), destination);
      expect(elsewhere.find('m')).toBeUndefined();
      elsewhere.forgetOthers();
      expect(of('a')[0]).toEqual([]);
    } finally {
      now.close();
    }
  });
});
