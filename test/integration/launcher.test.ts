import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { childEndsWithLauncher } from '../support/launched.js';

const folder = mkdtempSync(join(tmpdir(), 'rowferry-launcher-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.runIf(process.platform === 'linux')(
  'a command that a launcher handed over to a newer Node ends with its launcher',
  async () => {
    expect(await childEndsWithLauncher(folder, 'tablestore', '--port', '0', '--data', ':memory:')).toBe(true);
  },
  60_000,
);
