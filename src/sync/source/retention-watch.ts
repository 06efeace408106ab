import { setTimeout as delay } from 'node:timers/promises';
import { connectSource } from '../../mysql/connection.js';
import { assertAvailable } from '../../mysql/position.js';
import { RowferryError } from '../../shared/errors.js';
import type { SourcePosition } from '../../shared/position.js';
import type { SourceSettings } from '../../shared/task.js';

/**
 * Sees during a load that the place where the stream will begin is purged, hours before the load would end in vain
 * (correctness rule 6). Looks every `pauseMs` and calls `gone` once with ROW-S104, until `signal`; a source that is away says
 * nothing.
 */
export async function watchRetention(
  settings: SourceSettings,
  start: SourcePosition,
  gone: (error: RowferryError) => void,
  signal: AbortSignal,
  pauseMs: number,
): Promise<void> {
  for (;;) {
    try {
      await delay(pauseMs, undefined, { signal, ref: false });
    } catch {
      return;
    }
    try {
      const connection = await connectSource(settings);
      try {
        await connection.answering(() => assertAvailable(connection, start), signal);
      } finally {
        await connection.close();
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof RowferryError && error.code === 'ROW-S104') {
        gone(error);
        return;
      }
    }
  }
}
