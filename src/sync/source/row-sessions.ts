import { sourceAddresses } from '../../mysql/connection-options.js';
import {
  connectSource,
  connectTo,
  type SessionPurpose,
  type SourceConnection,
} from '../../mysql/connection.js';
import { areCommitted, assertExecuted, showsAll } from '../../mysql/position.js';
import { RowferryError } from '../../shared/errors.js';
import type { SourcePosition } from '../../shared/position.js';
import type { SourceSettings } from '../../shared/task.js';

/** What a task has seen of its source already, asked when a session begins; null: nothing that could be compared. */
export type Known = () => SourcePosition | null;

/** How long a server may take to show it, s: a replica is a moment behind, a commit is sent before it is done. */
const patienceSeconds = 3;

/**
 * A session that rows are read on in order to be written or compared: of the first server, as connectSource() has them,
 * whose reads show everything that is known already. What a server that lags still gives would be written over newer
 * rows, and no event would come that puts it right (correctness rule 27). Throws what connectSource() throws, ROW-S107 when
 * no server is as far within seconds, ROW-S104 when none ever will be.
 */
export async function connectForRows(
  settings: SourceSettings,
  purpose: SessionPurpose,
  known: Known,
  signal?: AbortSignal,
): Promise<SourceConnection> {
  const position = known();
  const isMoving = settings.hosts.length > 0;
  if (position === null || (position.gtidSet === undefined && !isMoving))
    return connectSource(settings, purpose);
  const late: SourceConnection[] = [];
  let chosen: SourceConnection | undefined;
  let first: unknown;
  try {
    for (const address of sourceAddresses(settings)) {
      let connection: SourceConnection | undefined;
      try {
        const open = (connection = await connectTo(settings, address, purpose));
        if (await open.answering(() => showsAll(open, position), signal)) return (chosen = open);
        late.push(open);
      } catch (error) {
        first ??= error;
        await connection?.close();
      }
    }
    if (late.length === 0) throw first;
    return (chosen = await firstToShow(late, position.gtidSet!, signal));
  } catch (error) {
    // A server that is away may be the one that has it all.
    if (first !== undefined && error instanceof RowferryError && error.code === 'ROW-S104') throw first;
    throw error;
  } finally {
    await Promise.all(late.filter((one) => one !== chosen).map((one) => one.close()));
  }
}

/** Throws as assertExecuted() of the first of them when none does in time, or the signal's reason. */
async function firstToShow(
  late: readonly SourceConnection[],
  gtidSet: string,
  signal: AbortSignal | undefined,
): Promise<SourceConnection> {
  for (let waited = 0; waited < patienceSeconds; waited++) {
    for (const connection of late) {
      signal?.throwIfAborted();
      if (await connection.answering(() => areCommitted(connection, gtidSet, 1), signal)) return connection;
    }
  }
  const [connection] = late;
  await connection!.answering(() => assertExecuted(connection!, gtidSet), signal);
  return connection!;
}
