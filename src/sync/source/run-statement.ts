import { sourceAddresses } from '../../mysql/connection-options.js';
import { connectTo } from '../../mysql/connection.js';
import { RowferryError } from '../../shared/errors.js';
import type { StatementAnswer } from '../../shared/task-control-api.js';
import type { SourceSettings } from '../../shared/task.js';

/** While a statement waits for a table, everybody who uses that table after it waits too. */
const lockWaitSeconds = 10;

/**
 * Runs one statement that a precheck proposed, in a session of its own, on one of the servers of a source. The driver
 * takes no second statement in it. Throws RowferryError with what the server says.
 */
export async function runStatement(
  settings: SourceSettings,
  address: string,
  statement: string,
): Promise<StatementAnswer> {
  const server = sourceAddresses(settings).find(({ host, port }) => `${host}:${port}` === address);
  if (!server) throw new RowferryError('ROW-E117', `The task no longer names the server ${address}.`);
  const connection = await connectTo(settings, server, 'query');
  try {
    await connection.query(`SET SESSION lock_wait_timeout = ${lockWaitSeconds}`);
    const [header] = [await connection.query(statement)].flat() as { affectedRows?: number }[];
    const [warning] = await connection.query<{ Message: string }>('SHOW WARNINGS LIMIT 1');
    return { affectedRows: header?.affectedRows ?? 0, ...(warning && { warning: warning.Message }) };
  } finally {
    await connection.close();
  }
}
