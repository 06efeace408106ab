import { describe, expect, test } from 'vitest';
import {
  delayWords,
  latencyWords,
  loadingLook,
  mostUrgentFirst,
  needsPerson,
  phaseSteps,
  positionWords,
  statusWords,
  stoppedLines,
  tableLook,
  taskLook,
} from '../../../src/shared/snapshot-words.js';
import { formatDuration, loadPercent, plainWords as t } from '../../../src/shared/format.js';
import { stateWords, stepsOf } from '../../../webview/monitor/phases.js';
import type { TableProgress, TaskSnapshot, TaskState } from '../../../src/shared/snapshot.js';
import { taskStates } from '../../../src/shared/snapshot.js';

const snapshot = (change: Partial<TaskSnapshot> = {}): TaskSnapshot => ({
  id: 't-1',
  name: 'orders',
  file: '/tasks/orders.rowferry.json',
  state: 'running',
  phase: 'full',
  tables: [
    { source: 'shop.a', destination: 'a', phase: 'full', rows: 500, estimatedRows: 1000 },
    { source: 'shop.b', destination: 'b', phase: 'waiting', rows: 0, estimatedRows: 1000 },
  ],
  rows: { full: 500, inserted: 0, updated: 0, deleted: 0 },
  rowsPerSecond: 20_134,
  bytesPerSecond: 5e6,
  latencyMs: null,
  position: null,
  caughtUp: false,
  dirty: 0,
  engineRss: 1,
  atMs: 1,
  ...change,
});
const look = (change: Partial<TaskSnapshot>) => taskLook(snapshot(change), true, t, 'en');

describe('a task in the tree', () => {
  test('says the phase, the percent and the speed of a full load', () => {
    expect(look({}).description).toBe('full load 25% · 20.1K rows/s');
    expect(look({}).icon).toBe('sync~spin');
  });

  test('says the latency when it follows the binlog, and "caught up" at 0', () => {
    expect(look({ phase: 'incremental', latencyMs: 1250, rowsPerSecond: 0 }).description).toBe(
      'live · 1.3 s behind',
    );
    expect(look({ phase: 'incremental', latencyMs: 0, rowsPerSecond: 12 }).description).toBe(
      'live · caught up · 12 rows/s',
    );
    expect(latencyWords(null, t)).toBe('latency unknown');
  });

  test('shows dirty rows wherever there are some', () => {
    expect(look({ state: 'blocked', dirty: 3 }).description).toBe('blocked · 3 dirty');
    expect(look({ phase: 'incremental', latencyMs: 0, rowsPerSecond: 0, dirty: 1200 }).description).toBe(
      'live · caught up · 1,200 dirty',
    );
  });

  test.each(taskStates)(
    'in state %s offers Start or Stop, and both only while it waits',
    (state: TaskState) => {
      const { canStart, canStop, description, icon } = look({ state });
      expect(canStart && canStop).toBe(state === 'blocked' || state === 'waiting-for-credentials');
      expect(canStart || canStop || state === 'stopping').toBe(true);
      expect(description).not.toBe('');
      expect(icon).not.toBe('');
    },
  );

  test('is not all green when rows were skipped', () => {
    const live = { phase: 'incremental', latencyMs: 0 } as const;
    expect(look(live).color).toBe('charts.green');
    expect(look({ ...live, dirty: 1 }).color).toBe('charts.yellow');
    expect(look({ state: 'completed', dirty: 1 }).color).toBe('charts.yellow');
    const colors = phaseSteps(
      snapshot({ ...live, dirty: 1 }),
      { schema: false, full: false, incremental: true },
      t,
    ).map(({ color }) => color);
    expect(colors).toEqual(['charts.yellow']);
  });

  test('is not called started or not before its engine was looked for', () => {
    expect(loadingLook(t)).toMatchObject({ description: 'Loading…', canStart: false, canStop: false });
  });

  test('comes before others when it needs a person more', () => {
    const states = ['running', 'blocked', 'failed', 'stopped', 'completed'] as const;
    const all = states.map((state) => snapshot({ state, phase: 'incremental' }));
    expect(mostUrgentFirst(all).map(({ state }) => state)).toEqual(['failed', 'blocked', 'running']);
  });

  test('a file that is not valid cannot be started', () => {
    expect(taskLook(undefined, false, t)).toMatchObject({ canStart: false, canStop: false, icon: 'error' });
    expect(taskLook(undefined, true, t)).toMatchObject({ canStart: true, canStop: false });
    expect(taskLook(snapshot({ state: 'stopped' }), false, t).canStart).toBe(false);
  });

  test('a table says its part of the load, and its problem when it stopped', () => {
    const table = snapshot().tables[0]!;
    expect(tableLook(table, t, 'en').description).toBe('50% · 500 rows');
    const problem = { code: 'ROW-S106' as const, message: 'no key', remedy: 'add one' };
    expect(tableLook({ ...table, problem }, t)).toMatchObject({ icon: 'error', description: 'no key' });
    const named = { ...problem, message: 'shop.a was truncated.' };
    expect(tableLook({ ...table, problem: named }, t)).toMatchObject({ description: 'was truncated.' });
  });
});

describe('percent of a full load', () => {
  test('never says 100 before every table is through, though the estimate was too low', () => {
    const tables = [
      { source: 'a', destination: 'a', phase: 'full' as const, rows: 5000, estimatedRows: 1000 },
    ];
    expect(loadPercent({ phase: 'full', tables })).toBe(99);
    expect(loadPercent({ phase: 'full', tables: [{ ...tables[0]!, phase: 'done' }] })).toBe(100);
  });

  test('is unknown while an estimate is, and outside the load', () => {
    const tables = [{ source: 'a', destination: 'a', phase: 'full' as const, rows: 5, estimatedRows: null }];
    expect(loadPercent({ phase: 'full', tables })).toBeNull();
    expect(loadPercent({ phase: 'incremental', tables: [] })).toBeNull();
  });
});

describe('the status bar', () => {
  test('is silent when nothing runs or waits', () => {
    expect(statusWords([], t)).toBeUndefined();
    expect(
      statusWords([snapshot({ state: 'stopped' }), snapshot({ state: 'completed' })], t),
    ).toBeUndefined();
  });

  test('names the only task', () => {
    expect(statusWords([snapshot()], t, 'en')).toMatchObject({
      text: '$(sync~spin) orders: full load 25% · 20.1K rows/s',
      severity: 'none',
    });
  });

  test('counts several, the worst first', () => {
    const words = statusWords(
      [snapshot(), snapshot({ state: 'blocked', dirty: 1 }), snapshot({ state: 'failed' })],
      t,
      'en',
    );
    expect(words).toMatchObject({
      text: '$(error) 1 failed · 1 waiting for you · 3 tasks',
      severity: 'error',
    });
    expect(words?.lines).toHaveLength(3);
  });

  test('a name cannot smuggle an icon in', () => {
    expect(statusWords([snapshot({ name: '$(flame)' })], t)?.text).not.toContain('$(flame)');
  });
});

describe('tables that have stopped', () => {
  const table = (name: string, phase: TableProgress['phase'], message?: string): TableProgress => ({
    source: `shop.${name}`,
    destination: name,
    phase,
    rows: 1,
    estimatedRows: 1,
    ...(message !== undefined && { problem: { code: 'ROW-S113', message, remedy: 'Load it again.' } }),
  });
  const some = [
    table('a', 'incremental'),
    table('b', 'stopped', 'shop.b was truncated at the source.'),
    table('c', 'stopped', 'shop.c stopped: its key was dropped.'),
  ];
  const all = some.slice(1);
  const live = { phase: 'incremental', latencyMs: 0, caughtUp: true, rowsPerSecond: 0 } as const;
  /** Everything that tree, status bar and monitor say of a task. */
  const everything = (change: Partial<TaskSnapshot>) => {
    const one = snapshot(change);
    const synchronization = { schema: true, full: true, incremental: true };
    return JSON.stringify([
      taskLook(one, true, t, 'en'),
      statusWords([one], t, 'en'),
      statusWords([one, one], t, 'en'),
      phaseSteps(one, synchronization, t, 'en'),
      stepsOf(one, synchronization, t),
      stateWords(one, t),
      delayWords(one, t),
      one.tables.map((of) => tableLook(of, t, 'en')),
    ]);
  };

  test('lead what is said of the task, with a warning', () => {
    expect(look({ ...live, tables: some })).toMatchObject({
      icon: 'warning',
      color: 'list.warningForeground',
      description: '2 tables stopped · live · caught up',
    });
    expect(look({ tables: some.slice(0, 2) }).description).toMatch(/^1 table stopped · full load/);
    expect(look({ state: 'paused', tables: some }).description).toBe('2 tables stopped · paused');
    expect(look({ state: 'stopped', tables: some }).description).toBe('2 tables stopped · not running');
    expect(look({ state: 'failed', tables: some }).description).toBe('failed · 2 tables stopped');
    expect(look({ state: 'completed', tables: some })).toMatchObject({
      icon: 'warning',
      description: '2 tables stopped · completed · 500 rows',
    });
  });

  test.each(taskStates)('are told of in state %s, whatever else there is to say', (state) => {
    expect(look({ ...live, state, tables: some }).description).toContain('2 tables stopped');
    expect(look({ ...live, state, tables: all }).description).toContain('all 2 tables stopped');
  });

  test('a task of which all have stopped is in error, and nowhere caught up or live', () => {
    expect(look({ ...live, tables: all })).toMatchObject({
      icon: 'error',
      color: 'list.errorForeground',
      description: 'all 2 tables stopped',
    });
    expect(look({ ...live, tables: all.slice(1) }).description).toBe('1 table stopped');
    for (const state of taskStates) {
      const said = everything({ ...live, state, tables: all });
      expect(said, state).not.toMatch(/caught up|live|behind/);
    }
    const [, , incremental] = phaseSteps(
      snapshot({ ...live, tables: all }),
      { schema: true, full: true, incremental: true },
      t,
    );
    expect(incremental).toMatchObject({
      icon: 'error',
      description: 'no table is replicating · 0 inserted, 0 updated, 0 deleted',
    });
  });

  test('count as trouble in the status bar, by their number, with reasons to read', () => {
    expect(statusWords([snapshot({ ...live, tables: some })], t, 'en')).toEqual({
      text: '$(warning) orders: 2 tables stopped · live · caught up',
      severity: 'warning',
      lines: [
        'orders: 2 tables stopped · live · caught up',
        '  shop.b: was truncated at the source.',
        '  shop.c: its key was dropped.',
      ],
    });
    expect(
      statusWords(
        [snapshot(), snapshot({ ...live, tables: some }), snapshot({ ...live, tables: all })],
        t,
        'en',
      ),
    ).toMatchObject({ text: '$(error) 4 tables stopped · 3 tasks', severity: 'error' });
    // A migration that has come to its end without some of its tables is not over for its person.
    expect(statusWords([snapshot({ state: 'completed', tables: some })], t)).toMatchObject({
      severity: 'warning',
    });
    expect(statusWords([snapshot({ state: 'stopped', tables: some })], t)).toBeUndefined();
    expect(needsPerson(snapshot({ tables: some }))).toBe(true);
    expect(needsPerson(snapshot())).toBe(false);
  });

  test('a thousand of them have a few lines', () => {
    const tables = Array.from({ length: 1000 }, (_, n) => table(`t${n}`, 'stopped', `shop.t${n} went.`));
    expect(stoppedLines({ tables }, t, 'en')).toEqual([
      '  shop.t0: went.',
      '  shop.t1: went.',
      '  shop.t2: went.',
      '  and 997 more',
    ]);
  });

  test('nobody waits for them in the load of the others', () => {
    const loading = [...all, table('d', 'done')];
    expect(loadPercent({ phase: 'full', tables: loading })).toBe(100);
    expect(loadPercent({ phase: 'full', tables: all })).toBeNull();
  });
});

test('durations are in the unit that people would use', () => {
  expect(
    [0, 999, 1000, 59_000, 60_000, 5_400_000, 200_000_000].map((ms) => formatDuration(ms, t, 'en')),
  ).toEqual(['0 ms', '999 ms', '1 s', '59 s', '1 min', '1.5 h', '2.3 d']);
});

describe('the phases of a task', () => {
  const all = { schema: true, full: true, incremental: true };
  const steps = (change: Partial<TaskSnapshot>, wanted = all) =>
    phaseSteps(snapshot(change), wanted, t, 'en').map(({ id, icon, description }) => [id, icon, description]);

  test('behind, present, to come', () => {
    expect(steps({})).toEqual([
      ['schema', 'pass', '2 tables'],
      ['full', 'loading~spin', '25% · 500 rows'],
      ['incremental', 'circle-large-outline', 'waiting'],
    ]);
  });
  test('the last one never ends while it runs, and stands still when stopped', () => {
    const rows = { full: 2000, inserted: 3, updated: 2, deleted: 1 };
    const live = steps({ phase: 'incremental', latencyMs: 0, rows })[2];
    expect(live).toEqual(['incremental', 'pulse', 'caught up · 3 inserted, 2 updated, 1 deleted']);
    const stopped = steps({ state: 'stopped', phase: 'incremental', rows })[2];
    expect(stopped).toEqual(['incremental', 'circle-large-outline', '3 inserted, 2 updated, 1 deleted']);
  });
  test('only those the task has; all behind when it is complete', () => {
    expect(steps({ state: 'completed', phase: 'none' }, { ...all, incremental: false })).toEqual([
      ['schema', 'pass', '2 tables'],
      ['full', 'pass', '500 rows'],
    ]);
  });
});

test('a place in the source is told in all the ways that people look for it', () => {
  expect(positionWords(null, t)).toEqual([]);
  expect(positionWords({ file: 'binlog.000002', offset: 157 }, t)).toEqual(['Position: binlog.000002:157']);
  const whole = positionWords({ gtidSet: 'a:1-5', file: 'b.1', offset: 4, commitMicros: 1e15 }, t, 'en-US');
  expect(whole.slice(0, 2)).toEqual(['GTID set: a:1-5', 'Position: b.1:4']);
  expect(whole[2]).toMatch(/^Committed: 9\/\d+\/2001/);
});

describe('rows that were not written', () => {
  const table: TableProgress = {
    source: 'd.t',
    destination: 't',
    phase: 'full',
    rows: 1000,
    kept: 20,
    dropped: 30,
    dirty: 50,
    estimatedRows: 2200,
  };

  test('make the progress with those that were, and are told apart', () => {
    expect(tableLook(table, t, 'en').description).toBe('50% · 1,000 rows · 20 kept · 30 dropped · 50 dirty');
    expect(loadPercent({ phase: 'full', tables: [table] })).toBe(50);
    const { kept: _, dropped: _d, dirty: _y, ...plain } = table;
    expect(tableLook(plain, t, 'en').description).toBe('45% · 1,000 rows');
  });
});
