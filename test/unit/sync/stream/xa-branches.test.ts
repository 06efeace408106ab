import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EngineStore } from '../../../../src/engine/store/engine-store.js';
import { SqliteTaskStore } from '../../../../src/engine/store/task-store.js';
import { XaBranches, type SpooledChange } from '../../../../src/sync/stream/xa-branches.js';

/** Rows of XA branches in a real store (correctness rule 2). */
let folder: string;
let engine: EngineStore;
let store: SqliteTaskStore;
let largest = 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rowferry-xa-'));
  engine = EngineStore.open(join(folder, 'rowferry.db'));
  store = new SqliteTaskStore(engine.database, 't');
  largest = 0;
  const append = store.appendXa.bind(store);
  store.appendXa = (part, number, piece) => {
    largest = Math.max(largest, piece.length);
    append(part, number, piece);
  };
});
afterEach(() => {
  engine.close();
  rmSync(folder, { recursive: true, force: true });
});

const change = (n: number, bytes = 100): SpooledChange => ({
  table: 'a',
  op: 'put',
  key: String(n),
  row: Buffer.alloc(bytes, n % 256),
  dataBytes: bytes,
  tag: 0,
});
/** The stream that follows everything. */
const main = () => new XaBranches(store, { keeps: () => true, marks: () => [''] });
const keysOf = (branches: XaBranches, xid: string): [string, string[]][] =>
  branches
    .decided(xid)
    .parts.map(({ source, pieces }): [string, string[]] => [
      source,
      [...pieces()].flat().map((row) => (row as SpooledChange).key),
    ]);
const unpassed = () => store.xaParts().filter(({ state }) => state === 'open').length;

describe('rows of an XA branch', () => {
  it('of any size are held in pieces, and come back in order, of each table for itself', () => {
    const branches = main();
    branches.begin('x', 'binlog.1:4');
    for (let n = 0; n < 2000; n++) {
      branches.add('d.a', change(n, 10_000));
      if (n % 500 === 0) branches.add('d.b', { ...change(n), condition: 'exist' });
    }
    store.transaction(branches.prepare());
    expect(largest).toBeLessThan(1.1 * 1024 * 1024);
    const { parts, unknown } = main().decided('x');
    expect([unknown, parts.map(({ source }) => source)]).toEqual([[], ['', 'd.a', 'd.b']]);
    const rows: SpooledChange[] = [];
    for (const piece of parts[1]!.pieces()) {
      expect(piece.length).toBeLessThan(120);
      rows.push(...(piece as SpooledChange[]));
    }
    expect(rows.map(({ key }) => key)).toEqual(Array.from({ length: 2000 }, (_, n) => String(n)));
    expect(rows[1999]).toEqual(change(1999, 10_000));
    // One row that waits in a queue does not keep the piece that it came in.
    expect(rows[0]!.row.buffer.byteLength).toBeLessThan(100_000);
    expect([...parts[2]!.pieces()].flat()).toHaveLength(4);
    expect([...parts[2]!.pieces()].flat()[0]).toMatchObject({ condition: 'exist' });
  });

  it('are dropped by a new run when the checkpoint has not passed their PREPARE, for they come again', () => {
    const branches = main();
    branches.begin('x', 'binlog.1:4');
    for (let n = 0; n < 200; n++) branches.add('d.a', change(n, 10_000));
    expect(unpassed()).toBe(2);
    const again = main();
    expect([store.xaParts(), again.decided('x').unknown]).toEqual([[], ['']]);
    again.begin('x', 'binlog.1:4');
    again.add('d.a', change(7));
    const passed = again.prepare();
    expect(keysOf(again, 'x')).toEqual([
      ['', []],
      ['d.a', ['7']],
    ]);
    store.transaction(passed);
    // Read again though the checkpoint had passed them: nothing is there twice.
    again.begin('x', 'binlog.1:4');
    again.add('d.a', change(7));
    store.transaction(again.prepare());
    expect(keysOf(main(), 'x')[1]).toEqual(['d.a', ['7']]);
  });

  it('a link that broke in the middle of them leaves nothing behind', () => {
    const branches = main();
    branches.begin('x', 'binlog.1:4');
    for (let n = 0; n < 300; n++) branches.add('d.a', change(n, 10_000));
    branches.abandon();
    branches.begin('x', 'binlog.1:4');
    branches.add('d.a', change(1));
    store.transaction(branches.prepare());
    expect(keysOf(branches, 'x')[1]).toEqual(['d.a', ['1']]);
  });

  it('belong to their own branch when an XID is used again before the checkpoint has passed the first', () => {
    const branches = main();
    const prepare = (place: string, n: number) => {
      branches.begin('x', place);
      branches.add('d.a', change(n));
      return branches.prepare();
    };
    store.transaction(prepare('binlog.1:4', 1));
    const first = branches.decided('x');
    const second = prepare('binlog.1:900', 2);
    // A kill here: the first COMMIT is read again, then the second PREPARE.
    const next = main();
    expect(keysOf(next, 'x')[1]).toEqual(['d.a', ['1']]);
    // Without a kill the COMMIT of the first is passed, which takes nothing of the second.
    prepare('binlog.1:900', 2);
    store.transaction(() => {
      first.forget();
      second();
    });
    expect(keysOf(branches, 'x')[1]).toEqual(['d.a', ['2']]);
    const { forget } = branches.decided('x');
    store.transaction(forget);
    expect([store.xaParts(), branches.decided('x').unknown]).toEqual([[], ['']]);
  });

  it('committed in one phase come back too, from memory or from the store', () => {
    const branches = main();
    for (const count of [1, 300]) {
      branches.begin('x', `binlog.1:${count}`);
      for (let n = 0; n < count; n++) branches.add('d.a', change(n, 10_000));
      const { parts, forget } = branches.endInOnePhase();
      const rows = parts
        .filter(({ source }) => source === 'd.a')
        .flatMap(({ pieces }) => [...pieces()].flat());
      expect(rows).toHaveLength(count);
      expect(branches.isOpen).toBe(false);
      store.transaction(forget);
      expect(store.xaParts()).toEqual([]);
    }
  });

  it('of a table that began anew since are told to be unknown, and of one that has none it is known', () => {
    const branches = main();
    branches.begin('x', 'binlog.1:4');
    branches.add('d.a', change(1));
    store.transaction(branches.prepare());
    // The stream of a table that joins notes each branch for its tables, with rows or without.
    const joining = new XaBranches(store, { keeps: (source) => source === 'd.b', marks: () => ['d.b'] });
    expect(joining.decided('x').unknown).toEqual(['d.b']);
    joining.begin('y', 'binlog.1:900');
    store.transaction(joining.prepare());
    expect(joining.decided('y').unknown).toEqual([]);
    store.loseXa('d.a');
    expect(branches.decided('x').unknown).toEqual(['d.a']);
    // Also when the checkpoint passes the PREPARE only then.
    branches.begin('z', 'binlog.1:990');
    branches.add('d.a', change(1));
    const passed = branches.prepare();
    store.loseXa('d.a');
    store.transaction(passed);
    const { unknown, parts, forget } = branches.decided('z');
    expect([unknown, parts.map(({ source }) => source)]).toEqual([['d.a'], ['']]);
    store.transaction(forget);
    expect(store.xaParts().filter(({ xid }) => xid === 'z')).toEqual([]);
  });

  it('of a table whose own stream begins behind their PREPARE are unknown, not none', () => {
    const stream = new XaBranches(store, {
      keeps: (source) => !source.startsWith('new.'),
      marks: () => [''],
      absent: () => ['new.behind', 'new.before'],
    });
    stream.begin('x', 'binlog.1:4');
    // The one comes by, before or after the main stream does.
    const joining = new XaBranches(store, {
      keeps: (source) => source === 'new.before',
      marks: () => ['new.before'],
    });
    joining.begin('x', 'binlog.1:4');
    joining.add('new.before', change(1));
    stream.prepare();
    joining.prepare();
    expect(stream.decided('x').unknown).toEqual(['new.behind']);
    joining.begin('x', 'binlog.1:4');
    joining.add('new.before', change(1));
    joining.prepare();
    expect(stream.decided('x').unknown).toEqual(['new.behind']);
    expect(keysOf(stream, 'x')).toEqual([
      ['', []],
      ['new.before', ['1']],
    ]);
  });

  it('is not lost to an earlier one of the same XID that the checkpoint passes late', () => {
    const branches = main();
    const passed: (() => void)[] = [];
    for (const place of ['binlog.1:4', 'binlog.1:90']) {
      branches.begin('x', place);
      branches.add('d.a', change(Number(place.slice(9))));
      passed.push(branches.prepare());
      if (place === 'binlog.1:4') passed.push(branches.decided('x').forget);
    }
    for (const work of passed) store.transaction(work);
    expect(keysOf(branches, 'x')).toEqual([
      ['', []],
      ['d.a', ['90']],
    ]);
    expect(branches.decided('x').unknown).toEqual([]);
  });
});
