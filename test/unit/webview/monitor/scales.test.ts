import { expect, test } from 'vitest';
import type { TableProgress } from '../../../../src/shared/snapshot.js';
import { plainWords } from '../../../../src/shared/format.js';
import { stepsOf } from '../../../../webview/monitor/phases.js';
import {
  binned,
  durationTop,
  fittingTicks,
  roundTop,
  timeTicks,
  withGaps,
} from '../../../../webview/monitor/scales.js';
import { shownTables } from '../../../../webview/monitor/tables.js';

const point = (atMs: number, rowsPerSecond = 1, latencyMs: number | null = null) => ({
  atMs,
  rowsPerSecond,
  bytesPerSecond: rowsPerSecond * 100,
  latencyMs,
});

test('axes end at round numbers that stay while values move', () => {
  expect([0, 0.3, 1, 1.1, 7, 10, 11, 4321, 5001].map(roundTop)).toEqual([
    1, 1, 1, 2, 10, 10, 20, 5000, 10_000,
  ]);
  expect([0, 3, 11, 999, 1001, 25_000, 61_000].map(durationTop)).toEqual([
    10, 10, 20, 1000, 2000, 30_000, 120_000,
  ]);
});

test('times are labelled at whole seconds of the clock of the reader, a few of them', () => {
  expect(timeTicks(1000.25, 1060.75, 0, 5)).toEqual([1005, 1020, 1035, 1050]);
  expect(timeTicks(0, 600, 0, 5)).toEqual([0, 120, 240, 360, 480, 600]);
  // A clock that is five and a half hours ahead has its whole hours at half past.
  const day = timeTicks(0, 86_400, 19_800, 5);
  expect(day.length).toBeLessThanOrEqual(6);
  for (const at of day) expect((at + 19_800) % 3600).toBe(0);
  expect(timeTicks(5, 5, 0, 5)).toEqual([]);
});

test('labels of times neither touch nor reach over an end, at any width and span', () => {
  for (const axis of [60, 120, 176, 233, 480, 1000])
    for (const label of [28, 50, 80])
      for (let span = 60; span <= 86_400; span = Math.ceil(span * 1.07)) {
        const from = 1_790_000_003;
        const ticks = fittingTicks(from, from + span, 7200, { axis, label });
        const places = ticks.map((at) => ((at - from) * axis) / span);
        for (const [i, place] of places.entries()) {
          expect(place).toBeGreaterThanOrEqual(label / 2 - 1e-6);
          expect(place).toBeLessThanOrEqual(axis - label / 2 + 1e-6);
          if (i > 0) expect(place - places[i - 1]!).toBeGreaterThan(label);
        }
        if (axis > 3 * label) expect(ticks.length).toBeGreaterThan(0);
      }
  expect(fittingTicks(0, 60, 0, { axis: 0, label: 50 })).toEqual([]);
  expect(fittingTicks(0, 600, 0, { axis: 1000, label: 28 })).toEqual([120, 240, 360, 480]);
});

test('a line is broken where nothing was recorded', () => {
  const [times, values] = withGaps(
    [point(1000), point(2000), point(60_000, 7)],
    (p) => p.rowsPerSecond,
    10_000,
  );
  expect(times).toEqual([1, 2, 2.001, 60]);
  expect(values).toEqual([1, 1, null, 7]);
});

test('the table has averages and the highest latency, newest first', () => {
  expect(binned([point(1000, 10, 5), point(2000, 20, null), point(11_000, 3)], 10_000)).toEqual([
    { atMs: 10_000, rowsPerSecond: 3, bytesPerSecond: 300, latencyMs: null },
    { atMs: 0, rowsPerSecond: 15, bytesPerSecond: 1500, latencyMs: 5 },
  ]);
});

test('phases are those of the task, up to where it is', () => {
  const states = (snapshot: Parameters<typeof stepsOf>[0], full = true) =>
    stepsOf(snapshot, { schema: true, full, incremental: true }, plainWords).map((step) => step.state);
  expect(states({ phase: 'full', state: 'running', tables: [] })).toEqual(['done', 'done', 'now', 'waiting']);
  expect(states({ phase: 'incremental', state: 'running', tables: [] }, false)).toEqual([
    'done',
    'done',
    'now',
  ]);
  expect(states({ phase: 'full', state: 'failed', tables: [] })).toEqual([
    'done',
    'done',
    'waiting',
    'waiting',
  ]);
  expect(new Set(states({ phase: 'incremental', state: 'completed', tables: [] }))).toEqual(
    new Set(['done']),
  );
});

test('tables are searched and sorted, equal ones by name', () => {
  const table = (source: string, rows: number, inserted = 0): TableProgress => ({
    source,
    destination: source.toUpperCase(),
    phase: 'full',
    rows,
    estimatedRows: 100,
    changes: { inserted, updated: 0, deleted: 0 },
  });
  const tables = [table('shop.b', 5, 2), table('shop.a', 5), table('other.c', 50, 1)];
  const names = (search: string, key: Parameters<typeof shownTables>[2]['key'], descending: boolean) =>
    shownTables(tables, search, { key, descending }).map(({ source }) => source);
  expect(names('', 'rows', true)).toEqual(['other.c', 'shop.a', 'shop.b']);
  expect(names('', 'changes', true)).toEqual(['shop.b', 'other.c', 'shop.a']);
  expect(names('SHOP.', 'source', false)).toEqual(['shop.a', 'shop.b']);
});
