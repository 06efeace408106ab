import { request } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { MetricsServer } from '../../../src/cli/metrics.js';
import type { TaskSnapshot } from '../../../src/shared/snapshot.js';

const snapshot: TaskSnapshot = {
  id: 't',
  name: 'orders',
  file: 'f',
  state: 'running',
  phase: 'incremental',
  tables: [
    {
      source: 'shop.a',
      destination: 'a',
      phase: 'incremental',
      rows: 10,
      estimatedRows: 9,
      changes: { inserted: 1, updated: 2, deleted: 3 },
    },
  ],
  rows: { full: 10, inserted: 1, updated: 2, deleted: 3 },
  rowsPerSecond: 5,
  bytesPerSecond: 6,
  latencyMs: 1500,
  position: { commitMicros: 1_700_000_000_500_000 },
  caughtUp: true,
  dirty: 4,
  engineRss: 7,
  atMs: Date.now(),
};

let metrics: MetricsServer;
afterEach(() => metrics.close());

it('serves figures in seconds and bytes, and health', async () => {
  metrics = new MetricsServer();
  const port = await metrics.listen(0);
  const get = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: answer.status, text: await answer.text() };
  };
  expect((await get('/healthz')).status).toBe(200);
  metrics.see(snapshot);
  const { text } = await get('/metrics');
  expect(text).toContain('# TYPE rowferry_rows_total counter');
  expect(text).toContain('rowferry_rows_total{task="orders",table="shop.a",op="load"} 10');
  expect(text).toContain('rowferry_rows_total{task="orders",table="shop.a",op="delete"} 3');
  expect(text).toContain('rowferry_latency_seconds{task="orders"} 1.5');
  expect(text).toContain('rowferry_checkpoint_commit_timestamp_seconds{task="orders"} 1700000000.5');
  // Asked twice: a counter must not count the asking.
  expect((await get('/metrics')).text).toBe(text);
  metrics.see({ ...snapshot, latencyMs: null, state: 'failed' });
  expect((await get('/metrics')).text).not.toContain('rowferry_latency_seconds{');
  expect(await get('/healthz')).toEqual({ status: 503, text: 'failed\n' });
  const stopped = { ...snapshot.tables[0]!, phase: 'stopped' as const };
  metrics.see({ ...snapshot, tables: [...snapshot.tables, { ...stopped, source: 'shop.b' }] });
  expect(await get('/healthz')).toEqual({ status: 200, text: 'stopped shop.b\nrunning\n' });
  metrics.see({ ...snapshot, tables: [stopped] });
  expect((await get('/healthz')).status).toBe(503);
  metrics.see({ ...snapshot, atMs: Date.now() - 60_000 });
  expect((await get('/healthz')).status).toBe(503);
  expect((await get('/')).status).toBe(404);
});

it('answers no web page, and only under names that it is told', async () => {
  metrics = new MetricsServer();
  const port = await metrics.listen(0, '127.0.0.1', ['metrics.example']);
  metrics.see(snapshot);
  const status = (headers: Record<string, string>) =>
    new Promise<number>((done) => {
      request({ port, host: '127.0.0.1', path: '/metrics', headers }, (answer) => {
        answer.resume();
        done(answer.statusCode!);
      }).end();
    });
  expect(await status({ host: 'rebound.example' })).toBe(403);
  expect(await status({ host: `rebound.example:${port}` })).toBe(403);
  expect(await status({ host: `metrics.example:${port}` })).toBe(200);
  expect(await status({ host: `localhost:${port}` })).toBe(200);
  expect(await status({ origin: 'http://page.example' })).toBe(403);
  expect(await status({ 'sec-fetch-site': 'cross-site' })).toBe(403);
  expect(await status({ 'sec-fetch-site': 'none' })).toBe(200);
});

it('says when the port is taken', async () => {
  metrics = new MetricsServer();
  const port = await metrics.listen(0);
  const second = new MetricsServer();
  await expect(second.listen(port)).rejects.toMatchObject({ code: 'ROW-E103' });
});
