import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openStateDir, type StatePaths } from '../../src/engine/base/paths.js';
import { ensureEngine } from '../../src/engine/ipc/client.js';
import { cliScript } from '../support/cli.js';

/** ROWFERRY_INSPECT: a debugger finds the engine, and nobody else's machine does. */

const engineScript = join(cliScript(), '../node/engine.mjs');
let paths: StatePaths;

beforeEach(() => {
  paths = openStateDir(mkdtempSync(join(tmpdir(), 'rowferry-inspect-')));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(paths.dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});

/** Runs `work` while an engine runs that was started with this variable. */
async function withEngine(port: string, work: (output: string) => Promise<void>): Promise<void> {
  vi.stubEnv('ROWFERRY_INSPECT', port);
  const engine = await ensureEngine({ stateDir: paths.dir, engineScript, kind: 'cli' });
  try {
    await work(readFileSync(paths.output, 'utf8'));
  } finally {
    await engine.api.shutdown().catch(() => undefined);
    engine.close();
  }
}

it('starts the engine with an inspector that listens on this machine only', async () => {
  await withEngine('0', async (output) => {
    const address = /Debugger listening on ws:\/\/(127\.0\.0\.1:\d+)\//.exec(output)?.[1];
    const targets: unknown = await (await fetch(`http://${address}/json/list`)).json();
    expect(targets).toEqual([expect.objectContaining({ url: expect.stringContaining('engine.mjs') })]);
  });
});

it('starts it without one when the variable is empty', async () => {
  await withEngine('', async (output) => expect(output).not.toContain('Debugger'));
});

it.each(['0.0.0.0:9229', '65536', 'x'])('refuses %s', async (port) => {
  vi.stubEnv('ROWFERRY_INSPECT', port);
  await expect(ensureEngine({ stateDir: paths.dir, engineScript, kind: 'cli' })).rejects.toMatchObject({
    code: 'ROW-E104',
    message: expect.stringContaining(`ROWFERRY_INSPECT is not a port: ${port}`),
  });
});
