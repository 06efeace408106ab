import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { Database } from '../../../../src/engine/store/database.js';
import { migrations } from '../../../../src/engine/store/migrations.js';
import { SqliteTaskStore } from '../../../../src/engine/store/task-store.js';
import type { PlainError } from '../../../../src/shared/errors.js';
import { CheckpointTracker, type Transaction } from '../../../../src/sync/state/checkpoint.js';
import { TableRecords } from '../../../../src/sync/state/table-records.js';
import { stateOf, stepOf, type TableState } from '../../../../src/sync/state/table-state.js';
import { StaleRecord, type NewTableRecord, type TableRecord } from '../../../../src/sync/state/task-store.js';

const folder = mkdtempSync(join(tmpdir(), 'rowferry-records-'));
const database = Database.open(join(folder, 'store.db'), migrations);
afterAll(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

const names = ['a', 'b'] as const;
type Name = (typeof names)[number];
const textDefaults = { charset: null, collation: null };
const problem = (text: string): PlainError => ({ code: 'ROW-S113', message: text, remedy: '' });

/** A definition is told by the number of its columns alone. */
const definition = (source: string, number: number) =>
  ({
    database: 'd',
    name: source,
    columns: [],
    keys: [],
    engine: '',
    averageRowBytes: 0,
    estimatedRows: number,
  }) as const;
const fresh = (source: string, number: number, joins: boolean): NewTableRecord => ({
  source,
  destination: source,
  phase: 'schema',
  created: false,
  rows: 0,
  kept: 0,
  definition: definition(source, number),
  textDefaults,
  ...(joins && { from: { gtidSet: 'u:1' } }),
});

/** What must be true of a table, told without versions, lives and steps. */
interface Plain {
  state: TableState;
  phase: TableRecord['phase'];
  definition: number;
  reason: string | null;
  reload: boolean;
}

interface Model {
  tables: Map<Name, Plain>;
  /** What the source has. */
  source: Map<Name, number>;
  /** Statements behind the checkpoint: of which table, as it began then, and what it makes of it. */
  log: { table: Name; plain: Plain; definition: number }[];
}

/** A run: what is in memory, and goes with a kill. */
class Run {
  records: TableRecords;
  readonly tracker: CheckpointTracker;
  open: Transaction[] = [];
  readonly views = new Map<Name, TableRecord>();

  constructor(readonly store: SqliteTaskStore) {
    this.records = new TableRecords(store);
    this.tracker = new CheckpointTracker(
      { gtidSet: '' },
      { written: () => null, uncounted: () => undefined, rejected: () => undefined },
    );
    for (const record of this.records.all)
      if (stateOf(record) === 'incremental') this.views.set(record.source as Name, record);
  }

  alter(name: Name, number: number): void {
    const view = this.views.get(name)!;
    const revision = (view.revision ?? 0) + 1;
    const next = { ...view, revision, definition: definition(name, number) };
    this.views.set(name, next);
    const transaction = this.tracker.begin(0, '');
    transaction.expect();
    const step = {
      step: 'altered',
      revision,
      definition: next.definition,
      textDefaults,
      dropped: undefined,
    } as const;
    transaction.onPassed.push(() => void this.records.step(name, step, view.life));
    transaction.seal({ gtidSet: 'u:2' });
    this.open.push(transaction);
  }

  save(): void {
    const passed = this.tracker.takePassed();
    this.store.transaction(() => passed.forEach((step) => step()));
  }
}

class Real {
  run: Run;
  constructor(readonly store: SqliteTaskStore) {
    this.run = new Run(store);
  }
}

let tasks = 0;
type Command = fc.Command<Model, Real>;
const command = (text: string, check: (m: Model) => boolean, run: (m: Model, r: Real) => void): Command => ({
  toString: () => text,
  check,
  run: (m, r) => {
    run(m, r);
    const found = Object.fromEntries(
      r.store.tables().map((record): [string, Plain] => [
        record.source,
        {
          state: stateOf(record),
          phase: record.phase,
          definition: record.definition.estimatedRows,
          reason: record.problem?.message ?? null,
          reload: record.reload === true,
        },
      ]),
    );
    expect(found).toEqual(Object.fromEntries(m.tables));
    for (const record of r.run.records.all) expect(r.store.tables()).toContainEqual(record);
  },
});
const is = (m: Model, name: Name, ...states: (TableState | 'gone')[]) =>
  states.includes(m.tables.get(name)?.state ?? 'gone');

const begin = (name: Name, joins: boolean) =>
  command(
    `begin(${name}${joins ? ', beside the stream' : ''})`,
    () => true,
    (m, r) => {
      const number = m.source.get(name)!;
      r.run.views.delete(name);
      r.run.records.begin(fresh(name, number, joins));
      m.tables.set(name, {
        state: joins ? 'joining' : 'loading',
        phase: 'schema',
        definition: number,
        reason: null,
        reload: false,
      });
    },
  );
const loadOn = (name: Name) =>
  command(
    `loadOn(${name})`,
    (m) => is(m, name, 'loading', 'joining') && m.tables.get(name)!.phase !== 'loaded',
    (m, r) => {
      const table = m.tables.get(name)!;
      const { life } = r.run.records.get(name);
      r.run.records.count(name, { rows: 5, kept: 1, dropped: 0 });
      if (table.phase === 'schema') {
        r.run.records.step(name, { step: 'creating' }, life);
        r.run.records.step(name, { step: 'created', isOwn: true, sweep: false, isLoaded: false }, life);
        table.phase = 'full';
      } else {
        r.run.records.step(name, { step: 'loaded' }, life);
        table.phase = 'loaded';
        if (table.state === 'loading') {
          table.state = 'incremental';
          r.run.views.set(name, r.run.records.get(name));
        }
      }
    },
  );
const handOver = (name: Name) =>
  command(
    `handOver(${name})`,
    (m) => is(m, name, 'joining') && m.tables.get(name)!.phase === 'loaded',
    (m, r) => {
      const { life } = r.run.records.get(name);
      r.run.records.step(name, { step: 'moved', from: { gtidSet: 'u:9' } }, life);
      r.run.records.step(name, { step: 'joined' }, life);
      r.run.views.set(name, r.run.records.get(name));
      m.tables.get(name)!.state = 'incremental';
    },
  );
const alter = (name: Name, number: number) =>
  command(
    `alter(${name}, ${number})`,
    (m) => is(m, name, 'incremental'),
    (m, r) => {
      m.source.set(name, number);
      m.log.push({ table: name, plain: m.tables.get(name)!, definition: number });
      r.run.alter(name, number);
    },
  );
const stop = (name: Name, why: string) =>
  command(
    `stop(${name}, ${why})`,
    (m) => !is(m, name, 'gone'),
    (m, r) => {
      r.run.records.step(name, { step: 'stopped', problem: problem(why) }, r.run.records.get(name).life);
      r.run.views.delete(name);
      Object.assign(m.tables.get(name)!, { state: 'stopped', phase: 'stopped', reason: why });
    },
  );
/** The oldest transactions are at the destination, and the checkpoint is saved. */
const pass = (count: number) =>
  command(
    `pass(${count})`,
    (m) => m.log.length > 0,
    (m, r) => {
      for (const transaction of r.run.open.splice(0, count)) {
        transaction.settled();
      }
      r.run.save();
      for (const { table, plain, definition } of m.log.splice(0, count))
        if (m.tables.get(table) === plain && plain.state === 'incremental') plain.definition = definition;
    },
  );
const restart = command(
  'kill, restart',
  () => true,
  (m, r) => {
    r.run = new Run(r.store);
    // What the checkpoint has not passed comes again, for the tables that are followed from there.
    for (const entry of [...m.log]) {
      if (m.tables.get(entry.table) === entry.plain && entry.plain.state === 'incremental')
        r.run.alter(entry.table, entry.definition);
      else m.log.splice(m.log.indexOf(entry), 1);
    }
  },
);
const askReload = (name: Name) =>
  command(
    `askReload(${name})`,
    (m) => !is(m, name, 'gone'),
    (m, r) => {
      r.run.records.step(name, { step: 'reload-asked', remake: false });
      m.tables.get(name)!.reload = true;
    },
  );
const remove = (name: Name) =>
  command(
    `remove(${name})`,
    (m) => !is(m, name, 'gone'),
    (m, r) => {
      r.run.records.remove(name);
      r.run.views.delete(name);
      m.tables.delete(name);
    },
  );

const several = (...parts: Command[]): Command => ({
  toString: () => parts.join(', '),
  check: (m) => parts[0]!.check(m),
  run: (m, r) => {
    for (const part of parts) void part.run(m, r);
  },
});

describe('records of tables', () => {
  it('are what they would be without versions, lives and steps, whatever comes between', () => {
    const name = fc.constantFrom(...names);
    // Most of what is drawn must find the table followed, or nothing is tried.
    const all = [
      name.map((n) => several(begin(n, false), loadOn(n), loadOn(n))),
      name.map((n) => several(begin(n, true), loadOn(n), loadOn(n), handOver(n))),
      fc.tuple(name, fc.boolean()).map(([n, joins]) => begin(n, joins)),
      name.map(loadOn),
      name.map(loadOn),
      name.map(handOver),
      fc.tuple(name, fc.integer({ min: 1, max: 99 })).map(([n, number]) => alter(n, number)),
      fc.tuple(name, fc.integer({ min: 1, max: 99 })).map(([n, number]) => alter(n, number)),
      fc.tuple(name, fc.constantFrom('truncated', 'dropped')).map(([n, why]) => stop(n, why)),
      fc.integer({ min: 1, max: 3 }).map(pass),
      fc.constant(restart),
      name.map(askReload),
      name.map(remove),
    ];
    fc.assert(
      fc.property(fc.commands(all, { maxCommands: 30, size: 'max' }), (commands) => {
        database.transaction(() => {
          const store = new SqliteTaskStore(database, `t-${tasks++}`);
          const model: Model = { tables: new Map(), source: new Map(names.map((n) => [n, 0])), log: [] };
          fc.modelRun(() => ({ model, real: new Real(store) }), commands);
          store.clear();
        });
      }),
      { numRuns: 2000 },
    );
  }, 60_000);

  it('cannot be changed by who has not read the newest', () => {
    const store = new SqliteTaskStore(database, 't-stale');
    const first = store.beginTable(fresh('a', 1, false));
    const second = store.changeTable(first, { rows: 7 });
    expect(() => store.changeTable(first, { phase: 'loaded' })).toThrow(StaleRecord);
    expect(store.tables()).toEqual([second]);
    store.beginTable(fresh('a', 2, false));
    expect(() => store.changeTable(second, { phase: 'loaded' })).toThrow(StaleRecord);
    store.removeTable('a');
    expect(() => store.changeTable(second, { phase: 'loaded' })).toThrow(StaleRecord);
    expect(store.tables()).toEqual([]);
  });

  it('of two statements that pass at once the later one counts, in whatever order their steps come', () => {
    const store = new SqliteTaskStore(database, 't-order');
    const records = new TableRecords(store);
    const { life } = records.begin({ ...fresh('a', 1, false), phase: 'loaded' });
    const altered = (revision: number) => ({
      step: 'altered' as const,
      revision,
      definition: definition('a', revision + 1),
      textDefaults,
      dropped: undefined,
    });
    expect([records.step('a', altered(2), life), records.step('a', altered(1), life)]).toEqual([true, false]);
    expect(records.get('a').definition.estimatedRows).toBe(3);
  });

  it('what comes late of a run that is over changes nothing, though the next has changed the record', () => {
    const store = new SqliteTaskStore(database, 't-late');
    const late = new TableRecords(store);
    late.begin({ ...fresh('a', 1, false), phase: 'loaded' });
    late.close();
    const next = new TableRecords(store);
    next.step('a', { step: 'stopped', problem: problem('dropped') });
    const kept = store.tables();
    expect(late.step('a', { step: 'mapped', mapping: 'another' })).toBe(false);
    store.removeTable('a');
    expect(late.step('a', { step: 'mapped', mapping: 'another' })).toBe(false);
    expect(kept).toMatchObject([{ phase: 'stopped' }]);
    expect(store.tables()).toEqual([]);
  });

  it('a step without a place in the state is a defect, and one that comes late is nothing', () => {
    const record = { ...fresh('a', 1, false), version: 1, life: 'x' };
    expect(() => stepOf({ ...record, phase: 'loaded' }, { step: 'creating' })).toThrow(/no place/);
    expect(() => stepOf({ ...record, phase: 'full', from: {} }, { step: 'joined' })).toThrow(/no place/);
    expect(stepOf({ ...record, phase: 'stopped' }, { step: 'loaded' })).toBeNull();
  });

  it('of the version before are read, and changed', () => {
    const store = new SqliteTaskStore(database, 't-old');
    database.run(
      "INSERT INTO source_table (task, source, record) VALUES ('t-old', 'a', ?)",
      JSON.stringify({ ...fresh('a', 1, false), phase: 'loaded' }),
    );
    const records = new TableRecords(store);
    expect(records.step('a', { step: 'stopped', problem: problem('dropped') })).toBe(true);
    expect(store.tables()).toMatchObject([{ phase: 'stopped', version: 1, life: '' }]);
  });
});
