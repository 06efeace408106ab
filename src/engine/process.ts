import { parseArgs } from 'node:util';
import type { LaunchMessage } from './ipc/client.js';
import { Engine } from './engine.js';
import type { MakeTaskOperations } from './tasks/operations.js';
import { openStateDir } from './base/paths.js';

/**
 * `engine.mjs --state DIR`: the background process. It tells its parent once that it is ready, then stands alone.
 * `localTablestore`: the script of the Local Tablestore.
 */
export async function runEngine(makeOperations: MakeTaskOperations, localTablestore: string): Promise<void> {
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (warning.name !== 'ExperimentalWarning') console.error(warning.stack ?? warning.message);
  });

  const { values } = parseArgs({ options: { state: { type: 'string' } } });
  if (values.state === undefined) {
    console.error('usage: engine --state DIR');
    process.exit(2);
  }

  try {
    const paths = openStateDir(values.state);
    const engine = await Engine.open(paths, makeOperations, localTablestore);
    if (engine === 'locked') {
      tell({ state: 'locked' });
      // The parent may have gone already: nothing may keep this process.
      setTimeout(() => process.exit(0), 100);
    } else {
      for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
        process.on(signal, () => void engine.terminate(`signal ${signal}`));
      }
      process.on('uncaughtException', (error) => engine.crash(error));
      tell({ state: 'ready' });
      await engine.ended;
      process.exit(0);
    }
  } catch (error) {
    console.error(error);
    tell({ state: 'failed', message: error instanceof Error ? error.message : String(error) });
    setTimeout(() => process.exit(1), 100);
  }
}

function tell(message: LaunchMessage): void {
  if (!process.connected) return;
  process.send?.(message, () => {
    if (process.connected) process.disconnect();
  });
}
