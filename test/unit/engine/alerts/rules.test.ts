import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { AlertWatch, postWebhook } from '../../../../src/engine/alerts/rules.js';
import type { Alert } from '../../../../src/shared/alert.js';
import type { TableProgress, TaskSnapshot } from '../../../../src/shared/snapshot.js';

const snapshot = (change: Partial<TaskSnapshot>): TaskSnapshot => ({
  id: 't',
  name: 'orders',
  file: 'f',
  state: 'running',
  phase: 'incremental',
  tables: [],
  rows: { full: 0, inserted: 0, updated: 0, deleted: 0 },
  rowsPerSecond: 0,
  bytesPerSecond: 0,
  latencyMs: 0,
  position: null,
  caughtUp: true,
  dirty: 0,
  engineRss: 0,
  atMs: 0,
  ...change,
});
const settings = { onFailure: true, latencySeconds: 5, latencyForSeconds: 10, webhook: null };

function watch(open: Alert[] = []) {
  const told: string[] = [];
  const whole: Alert[] = [];
  const alerts = new AlertWatch((alert) => {
    whole.push(alert);
    told.push([alert.kind, ...(alert.table ? [alert.table.source] : []), alert.state].join(' '));
  }, open);
  return {
    told,
    whole,
    see: (change: Partial<TaskSnapshot>, now = settings) => alerts.see(snapshot(change), now),
  };
}

describe('alerts', () => {
  it('a failure once, and once when it is over', () => {
    const { told, see } = watch();
    const states = [
      'running',
      'failed',
      'failed',
      'running',
      'failed',
      ...Array<'running'>(9).fill('running'),
    ] as const;
    states.forEach((state, second) => see({ state, atMs: second * 1000 }));
    expect(told).toEqual(['failed open', 'failed over']);
  });

  it('rows that the audit found once, also when they are put right before anybody looks', () => {
    const { told, see } = watch();
    const audit = (differences: number, lastFoundMs: number | null) => ({
      rowsPerSecond: 500,
      repair: true,
      waits: null,
      rows: 1,
      differences,
      repaired: 0,
      lastPass: null,
      lastFoundMs,
    });
    see({ atMs: 1000, audit: audit(0, null) });
    expect(told).toEqual([]);
    for (let second = 2; second < 10; second++) see({ atMs: second * 1000, audit: audit(0, 1900) });
    expect(told).toEqual(['difference open']);
    see({ atMs: 20_000, audit: audit(2, 1900) });
    see({ atMs: 21_000, state: 'starting' });
    expect(told).toEqual(['difference open']);
    see({ atMs: 40_000, audit: audit(0, 1900) });
    expect(told).toEqual(['difference open', 'difference over']);
  });

  it('a service that fails at each start fails once, until it works; an earlier engine may have told it', () => {
    const { told, see } = watch();
    for (const state of ['starting', 'failed', 'starting', 'failed', 'starting', 'failed'] as const)
      see({ state });
    expect(told).toEqual(['failed open']);
    const [open] = told;
    const next = watch([
      {
        kind: 'failed',
        state: 'open',
        task: { id: 't', name: 'orders' },
        atMs: 1,
        message: 'm',
        latencyMs: null,
      },
    ]);
    for (const state of ['starting', 'failed', 'starting', 'running'] as const)
      next.see({ state, atMs: 2000 });
    next.see({ state: 'running', atMs: 8000 });
    expect([open, ...next.told]).toEqual(['failed open', 'failed over']);
  });

  it('an incident is over when nobody wants to know of it any more, or the task was stopped', () => {
    const { told, see } = watch();
    const slow = (from: number) => {
      for (let second = from; second < from + 20; second++) see({ atMs: second * 1000, latencyMs: 9000 });
    };
    slow(0);
    see({ atMs: 21_000, latencyMs: 9000 }, { ...settings, latencySeconds: null } as never);
    slow(100);
    see({ atMs: 200_000, latencyMs: null, state: 'stopped' });
    expect(told).toEqual(['latency open', 'latency over', 'latency open', 'latency over']);
  });

  it('latency only when it lasts, and not again while it goes on', () => {
    const { told, see } = watch();
    for (let second = 0; second < 60; second++)
      see({ atMs: second * 1000, latencyMs: second >= 5 && second < 12 ? 9000 : 100 });
    expect(told).toEqual([]);
    for (let second = 60; second < 120; second++)
      see({ atMs: second * 1000, latencyMs: second < 100 ? 9000 : 0 });
    expect(told).toEqual(['latency open', 'latency over']);
  });

  it('an unknown latency neither begins nor ends an incident', () => {
    const { told, see } = watch();
    for (let second = 0; second < 20; second++) see({ atMs: second * 1000, latencyMs: 9000 });
    for (let second = 20; second < 40; second++) see({ atMs: second * 1000, latencyMs: null });
    expect(told).toEqual(['latency open']);
    see({ atMs: 41_000, latencyMs: 0 });
    expect(told).toEqual(['latency open', 'latency over']);
  });
});

describe('a table that stops', () => {
  const table = (name: string, phase: TableProgress['phase'], message?: string): TableProgress => ({
    source: `shop.${name}`,
    destination: name,
    phase,
    rows: 1,
    estimatedRows: 1,
    ...(message !== undefined && { problem: { code: 'ROW-S113', message, remedy: 'Load it again.' } }),
  });
  const gone = table('b', 'stopped', 'shop.b was truncated.');

  it('is told of once, with its reason and remedy, and once when it is kept up to date again', () => {
    const { told, whole, see } = watch();
    const tables = [table('a', 'incremental'), gone];
    see({ tables: [table('a', 'incremental'), table('b', 'incremental')] });
    for (let second = 0; second < 20; second++) see({ tables, atMs: second * 1000 });
    expect(told).toEqual(['stopped-table shop.b open']);
    expect(whole[0]).toMatchObject({
      message: 'shop.b was truncated.',
      table: { source: 'shop.b', destination: 'b' },
      error: { code: 'ROW-S113', remedy: 'Load it again.' },
    });
    // Loaded again: not over before it is through.
    for (const phase of ['waiting', 'schema', 'full'] as const) see({ tables: [table('b', phase)] });
    expect(told).toHaveLength(1);
    see({ tables: [table('b', 'incremental')], atMs: 30_000 });
    see({ tables: [table('b', 'incremental')], atMs: 31_000 });
    expect(told).toEqual(['stopped-table shop.b open', 'stopped-table shop.b over']);
    see({ tables, atMs: 40_000 });
    expect(told.slice(2)).toEqual(['stopped-table shop.b open']);
  });

  it('each by itself, and anew when the reason is another', () => {
    const { told, whole, see } = watch();
    const c = table('c', 'stopped', 'Its key was dropped.');
    see({ tables: [gone, c] });
    see({ tables: [table('b', 'full'), c] });
    see({ tables: [table('b', 'stopped', 'shop.b was dropped.'), c] });
    expect(told).toEqual([
      'stopped-table shop.b open',
      'stopped-table shop.c open',
      'stopped-table shop.b open',
    ]);
    expect(whole.map(({ message }) => message)).toEqual([
      'shop.b was truncated.',
      'shop.c: Its key was dropped.',
      'shop.b was dropped.',
    ]);
  });

  it('not again by the next engine, while it starts or runs; over when it is taken out of the task', () => {
    const first = watch();
    first.see({ tables: [gone] });
    const next = watch(first.whole);
    for (const state of ['starting', 'running', 'retrying', 'stopped', 'failed'] as const)
      next.see({ state, tables: [gone] });
    expect(next.told.filter((one) => one.startsWith('stopped'))).toEqual([]);
    next.see({ tables: [table('a', 'incremental')] });
    expect(next.told).toContain('stopped-table shop.b over');
  });

  it('not where nobody wants to be told; a lag ends only where something is followed', () => {
    const { told, see } = watch();
    see({ tables: [gone] }, { ...settings, onFailure: false });
    expect(told).toEqual([]);
    for (let second = 0; second < 20; second++) see({ atMs: second * 1000, latencyMs: 9000 });
    see({ atMs: 21_000, latencyMs: null, caughtUp: false, tables: [gone] });
    expect(told).toEqual(['latency open', 'stopped-table shop.b open']);
  });
});

describe('the webhook', () => {
  const never = new AbortController().signal;
  const log = { debug() {}, info() {}, warn: (text: string) => void warnings.push(text), error() {} };
  let warnings: string[] = [];
  const alert: Alert = {
    kind: 'failed',
    state: 'open',
    task: { id: 't', name: 'orders' },
    atMs: 1,
    message: 'gone',
    latencyMs: null,
  };

  async function receive(statuses: number[], work: (url: string) => Promise<void>) {
    const seen: { body: string; signature: string | undefined }[] = [];
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        seen.push({ body, signature: request.headers['x-rowferry-signature'] as string | undefined });
        response.writeHead(statuses[seen.length - 1] ?? 200).end();
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`);
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    return seen;
  }

  it('is signed over the bytes sent', async () => {
    const [call] = await receive([200], (url) => postWebhook(url, 'shared', alert, log, never, 1));
    expect(JSON.parse(call!.body)).toMatchObject({
      type: 'rowferry.alert',
      kind: 'failed',
      state: 'open',
      message: 'gone',
    });
    expect(call!.signature).toBe(`sha256=${createHmac('sha256', 'shared').update(call!.body).digest('hex')}`);
  });

  it('gets one last try at once when the engine ends, and no more', async () => {
    const ending = new AbortController();
    setTimeout(() => ending.abort(), 50);
    warnings = [];
    const began = Date.now();
    const calls = await receive([500, 500, 500, 500], (url) =>
      postWebhook(url, undefined, alert, log, ending.signal, 10_000),
    );
    expect(calls).toHaveLength(2);
    expect(Date.now() - began).toBeLessThan(5000);
    expect(warnings).toEqual([expect.stringContaining('HTTP 500')]);
  });

  it('is tried again while the receiver is ill, not when it refuses', async () => {
    expect(
      await receive([500, 429, 200], (url) => postWebhook(url, undefined, alert, log, never, 1)),
    ).toHaveLength(3);
    warnings = [];
    expect(await receive([404], (url) => postWebhook(url, undefined, alert, log, never, 1))).toHaveLength(1);
    expect(warnings).toEqual([expect.stringContaining('HTTP 404')]);
  });
});
