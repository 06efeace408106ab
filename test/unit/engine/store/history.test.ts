import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { EngineStore } from '../../../../src/engine/store/engine-store.js';
import type { Alert } from '../../../../src/shared/alert.js';

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rowferry-history-'));
  file = join(dir, 'store.db');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const day = 24 * 3600 * 1000;
const point = (atMs: number) => ({
  atMs,
  rowsPerSecond: 1234.5678 + (atMs % 7),
  bytesPerSecond: 456_789.25 + (atMs % 11),
  latencyMs: atMs % 1000,
});

it('keeps a day of each task, a point in ten seconds', () => {
  const store = EngineStore.open(file);
  const begin = 1_790_000_000_000;
  store.database.transaction(() => {
    for (let at = begin; at < begin + 1.5 * day; at += 10_000) store.addHistory('t', point(at));
  });
  const kept = store.history('t', 0);
  expect(kept).toHaveLength(day / 10_000 + 1);
  expect(kept.at(-1)!.atMs - kept[0]!.atMs).toBe(day);
  expect(kept[0]).toEqual(point(kept[0]!.atMs));
  expect(store.history('t', begin + 1.5 * day - 60_000)).toHaveLength(6);
  expect(store.history('another', 0)).toEqual([]);
  store.close();
});

it('takes at most 10 MB however many tasks there are; the oldest points go', () => {
  const store = EngineStore.open(file);
  const begin = 1_790_000_000_000;
  const pragma = (name: string) => Number(Object.values(store.database.get<object>(`PRAGMA ${name}`)!)[0]);
  const used = () => (pragma('page_count') - pragma('freelist_count')) * pragma('page_size');
  const empty = used();
  // All but the last ten minutes of thirty tasks by one statement: a quarter of a million points.
  const before = day / 10_000 - 60;
  store.database.run(
    `INSERT INTO history WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ? * 30 - 1)
     SELECT 't-' || (i % 30) || 'abcdefgh', ? + (i / 30) * 10000, 1234.5678 + i % 7, 456789.25 + i % 11, i % 1000 FROM n`,
    before,
    begin,
  );
  store.database.transaction(() => {
    for (let at = begin + before * 10_000; at < begin + day; at += 10_000)
      for (let task = 0; task < 30; task++) store.addHistory(`t-${task}abcdefgh`, point(at));
  });
  expect(used() - empty).toBeLessThanOrEqual(10_000_000);
  const kept = store.history('t-0abcdefgh', 0);
  expect(kept.at(-1)!.atMs).toBe(begin + day - 10_000);
  expect(kept.length).toBeGreaterThan(3000);
  store.close();
}, 30_000);

it('remembers incidents until they are over', () => {
  const alert: Alert = {
    kind: 'failed',
    state: 'open',
    task: { id: 't', name: 'orders' },
    atMs: 1,
    message: 'm',
    latencyMs: null,
  };
  let store = EngineStore.open(file);
  store.saveIncident(alert);
  store.saveIncident({ ...alert, task: { id: 'other', name: 'other' } });
  store.close();
  store = EngineStore.open(file);
  expect(store.incidents('t')).toEqual([alert]);
  store.saveIncident({ ...alert, state: 'over' });
  expect(store.incidents('t')).toEqual([]);
  expect(store.incidents('other')).toHaveLength(1);
  store.forget('other');
  expect(store.incidents('other')).toEqual([]);
  const stops = ['shop.a', 'shop.b'].map((source) => ({
    ...alert,
    kind: 'stopped-table' as const,
    table: { source, destination: source },
  }));
  for (const stop of stops) store.saveIncident(stop);
  store.saveIncident({ ...stops[0]!, state: 'over' });
  expect(store.incidents('t')).toEqual([stops[1]]);
  store.close();
});
