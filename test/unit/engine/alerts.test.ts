import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { AlertWatch, postWebhook } from '../../../src/engine/alerts.js';
import type { Alert } from '../../../src/shared/protocol.js';
import type { TaskSnapshot } from '../../../src/shared/snapshot.js';

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

function watch() {
  const told: string[] = [];
  const alerts = new AlertWatch((alert) => told.push(`${alert.kind} ${alert.state}`));
  return { told, see: (change: Partial<TaskSnapshot>) => alerts.see(snapshot(change), settings) };
}

describe('alerts', () => {
  it('a failure once, and once when it is over', () => {
    const { told, see } = watch();
    for (const state of ['running', 'failed', 'failed', 'failed', 'running', 'running'] as const)
      see({ state });
    expect(told).toEqual(['failed open', 'failed over']);
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

describe('the webhook', () => {
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
    const [call] = await receive([200], (url) => postWebhook(url, 'shared', alert, log, 1));
    expect(JSON.parse(call!.body)).toMatchObject({
      type: 'rowferry.alert',
      kind: 'failed',
      state: 'open',
      message: 'gone',
    });
    expect(call!.signature).toBe(`sha256=${createHmac('sha256', 'shared').update(call!.body).digest('hex')}`);
  });

  it('is tried again while the receiver is ill, not when it refuses', async () => {
    expect(await receive([500, 429, 200], (url) => postWebhook(url, undefined, alert, log, 1))).toHaveLength(
      3,
    );
    warnings = [];
    expect(await receive([404], (url) => postWebhook(url, undefined, alert, log, 1))).toHaveLength(1);
    expect(warnings).toEqual([expect.stringContaining('HTTP 404')]);
  });
});
