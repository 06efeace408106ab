import type { CallOptions, TablestoreClient } from './client.js';
import { TablestoreError } from './errors.js';
import { limits } from './limits.js';
import { batchGetRow } from './operations.js';
import { withRetry, type RetryState, type RetryWindows } from './retry.js';

/**
 * Point look-ups of any number of keys of one table, in order; null where there is no row. `keys` are PlainBuffer
 * keys (writer/compose.ts, keyOnly). Failures that may pass are retried, and only for the keys that failed.
 * @throws RowferryError ROW-D109 past the window, TablestoreError for what no retry helps.
 */
export async function readRows(
  client: TablestoreClient,
  windows: RetryWindows,
  table: string,
  keys: readonly Buffer[],
  options: CallOptions & { onRetry?: (state: RetryState | null) => void } = {},
): Promise<(Buffer | null)[]> {
  const rows: (Buffer | null)[] = Array.from({ length: keys.length }, () => null);
  for (let at = 0; at < keys.length; at += limits.batchGetRows) {
    let open = Array.from({ length: Math.min(limits.batchGetRows, keys.length - at) }, (_, i) => at + i);
    await withRetry(
      windows,
      async () => {
        const asked = open;
        const results = await batchGetRow(
          client,
          table,
          asked.map((index) => keys[index]!),
          options,
        );
        let failed: TablestoreError | undefined;
        open = asked.filter((index, n) => {
          const result = results[n]!;
          if (result instanceof TablestoreError) {
            failed = result;
            return true;
          }
          rows[index] = result;
          return false;
        });
        if (failed !== undefined) throw failed;
      },
      options,
    );
  }
  return rows;
}
