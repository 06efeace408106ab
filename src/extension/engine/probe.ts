import { RowferryError } from '../../shared/errors.js';

/** What the engine needs of the Node.js that runs it, and whether it is there. */
export interface Runtime {
  version: string;
  builtin: (name: string) => unknown;
}

const thisRuntime: Runtime = {
  version: process.versions.node,
  builtin: (name) => process.getBuiltinModule(name),
};

/**
 * Throws ROW-E106 that names the cure when this runtime lacks node:sqlite or zstd: some builds of Electron leave
 * them out, and without them the engine would die with a message that helps nobody.
 */
export function probeRuntime(runtime: Runtime = thisRuntime): void {
  const missing: string[] = [];
  const sqlite = quietly(() => runtime.builtin('node:sqlite')) as { DatabaseSync?: unknown } | undefined;
  if (typeof sqlite?.DatabaseSync !== 'function') missing.push('node:sqlite');
  const zlib = quietly(() => runtime.builtin('node:zlib')) as { createZstdDecompress?: unknown } | undefined;
  if (typeof zlib?.createZstdDecompress !== 'function') missing.push('zstd');
  if (missing.length === 0) return;
  throw new RowferryError(
    'ROW-E106',
    `This editor runs Node.js ${runtime.version} without ${missing.join(' and ')}.`,
    {
      remedy:
        'Update the editor to Visual Studio Code 1.101 or later, or run the tasks with the rowferry command on Node.js 22.15 or later.',
    },
  );
}

function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
