import { startLocalTablestore, type LocalTablestore } from '../../local-tablestore/index.js';
import { RowferryError } from '../../shared/errors.js';
import type { LocalTablestoreMessage } from './process.js';

/**
 * `local-tablestore.mjs PORT FOLDER`: the embedded Tablestore as a child of the engine. It says once over IPC how it
 * is reached, or why it is not, and ends when the engine is gone, however that ended.
 */
process.removeAllListeners('warning');
let server: LocalTablestore | undefined;
let ending = false;
process.once('disconnect', () => void end());
process.on('SIGTERM', () => void end());
process.on('SIGINT', () => {});

const [port = '', data = ''] = process.argv.slice(2);
try {
  server = await startLocalTablestore({ port: Number(port), data });
  const { url, instance, accessKeyId, accessKeySecret } = server;
  tell({ settings: { endpoint: url, instance, accessKeyId, accessKeySecret } });
  if (ending) await server.close();
} catch (error) {
  const known =
    error instanceof RowferryError
      ? error
      : new RowferryError('ROW-E110', error instanceof Error ? error.message : String(error));
  tell({ error: known.toPlain() });
  process.disconnect();
}

function tell(message: LocalTablestoreMessage): void {
  if (process.connected) process.send?.(message);
}

async function end(): Promise<void> {
  ending = true;
  await server?.close();
  process.exit(0);
}
