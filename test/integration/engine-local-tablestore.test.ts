import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { ensureEngine, type EngineConnection } from '../../src/engine/ipc/client.js';
import type { DestinationSettings } from '../../src/shared/task.js';
import { cliScript } from '../support/cli.js';

/** The Local Tablestore belongs to the engine: one for every client, and it ends when the engine does. */

let home: string;
let data: string;
let engineScript: string;
const open: EngineConnection[] = [];

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'rowferry-local-'));
  data = join(home, 'data');
  engineScript = join(cliScript(), '../node/engine.mjs');
});

afterEach(async () => {
  for (const connection of open) {
    await connection.api.shutdown().catch(() => undefined);
    connection.close();
  }
  open.length = 0;
});

afterAll(() => rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));

async function client(changed: (runs: boolean) => void = () => {}): Promise<EngineConnection> {
  const connection = await ensureEngine({
    stateDir: join(home, 'state'),
    engineScript,
    kind: 'extension',
    events: { localTablestore: changed },
  });
  open.push(connection);
  return connection;
}

const answers = (settings: DestinationSettings) =>
  fetch(settings.endpoint).then(
    () => true,
    () => false,
  );

test('what one window starts, every window uses and any stops', async () => {
  const seen = vi.fn<(runs: boolean) => void>();
  const [first, second] = [await client(), await client(seen)];
  expect(await second.api.localTablestore()).toBeNull();
  const [started, again] = await Promise.all([
    first.api.startLocalTablestore({ port: 0, data }),
    second.api.startLocalTablestore({ port: 0, data }),
  ]);
  expect(again).toEqual(started);
  expect(await second.api.localTablestore()).toEqual(started);
  expect(await second.api.destinationTables(started)).toEqual([]);
  await vi.waitFor(() => expect(seen).toHaveBeenCalledWith(true));
  await second.api.stopLocalTablestore();
  expect(await first.api.localTablestore()).toBeNull();
  expect(await answers(started)).toBe(false);
  await vi.waitFor(() => expect(seen).toHaveBeenLastCalledWith(false));
  // Its keys stay with its data.
  const { accessKeySecret } = await first.api.startLocalTablestore({ port: 0, data });
  expect(accessKeySecret).toBe(started.accessKeySecret);
});

test('a port in use is said, and another one can be chosen at once', async () => {
  const { api } = await client();
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => other.once('listening', done));
  const { port } = other.address() as { port: number };
  await expect(api.startLocalTablestore({ port, data })).rejects.toMatchObject({ code: 'ROW-E103' });
  expect(await api.localTablestore()).toBeNull();
  expect(await answers(await api.startLocalTablestore({ port: 0, data }))).toBe(true);
  other.close();
});

test('a killed engine takes it along, and the next one serves the same data', async () => {
  const { api, pid } = await client();
  const settings = await api.startLocalTablestore({ port: 0, data });
  process.kill(pid, 'SIGKILL');
  await vi.waitFor(async () => expect(await answers(settings)).toBe(false), 10_000);
  open.length = 0;
  const next = await client();
  expect(next.pid).not.toBe(pid);
  const { accessKeySecret } = await next.api.startLocalTablestore({ port: 0, data });
  expect(accessKeySecret).toBe(settings.accessKeySecret);
});

test('its keys are in no log', async () => {
  const { api, paths } = await client();
  const { accessKeySecret } = await api.startLocalTablestore({ port: 0, data });
  expect(readFileSync(paths.log, 'utf8')).toContain('Local Tablestore: http');
  expect(readFileSync(paths.log, 'utf8')).not.toContain(accessKeySecret);
  expect(readFileSync(paths.output, 'utf8')).not.toContain(accessKeySecret);
});
