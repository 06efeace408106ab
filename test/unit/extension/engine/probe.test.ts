import { expect, test } from 'vitest';
import { probeRuntime } from '../../../../src/extension/engine/probe.js';

const whole: Record<string, unknown> = {
  'node:sqlite': { DatabaseSync: class {} },
  'node:zlib': { createZstdDecompress: () => undefined },
};

test('this runtime has what the engine needs', () => {
  expect(() => probeRuntime()).not.toThrow();
});

test.each([
  ['node:sqlite is no module', { 'node:sqlite': undefined }, 'node:sqlite'],
  ['zlib knows no zstd', { 'node:zlib': {} }, 'zstd'],
])('%s: says so and names the cure', (_, change, missing) => {
  const builtins: Record<string, unknown> = { ...whole, ...change };
  const probe = () => probeRuntime({ version: '22.9.0', builtin: (name) => builtins[name] });
  expect(probe).toThrow(expect.objectContaining({ code: 'ROW-E106' }) as Error);
  expect(probe).toThrow(missing);
});

test('a builtin that throws counts as missing', () => {
  const probe = () =>
    probeRuntime({
      version: '22.9.0',
      builtin: () => {
        throw new Error('No such built-in module');
      },
    });
  expect(probe).toThrow('node:sqlite and zstd');
});
