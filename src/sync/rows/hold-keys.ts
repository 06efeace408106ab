import type { KeyHold } from '../../tablestore/client/model.js';
import type { TablestoreWriter } from '../../tablestore/writer/writer.js';
import { orAborted } from '../base/or-aborted.js';

/**
 * Holds all of these keys. They are asked for in one go, so that two who want the same ones never wait for each other.
 * Throws the signal's reason; what is granted later is let go then.
 */
export async function holdAll(
  writer: Pick<TablestoreWriter, 'hold'>,
  table: string,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<KeyHold[]> {
  const asked = keys.map((key) => writer.hold(table, key));
  try {
    return await orAborted(Promise.all(asked), signal);
  } catch (error) {
    for (const hold of asked) {
      hold.then(
        (granted) => granted.release(),
        () => undefined,
      );
    }
    throw error;
  }
}

/**
 * Settles when a read of the source shows all that the stream of a task has given so far: it gives changes before the
 * source's engine has committed them, and a row that is read in between is older than the one that is written already.
 * Throws ROW-S107.
 */
export type Settled = () => Promise<void>;

/**
 * What the source has of these keys while they are held, so that whatever is written of it is overtaken by nothing that the
 * stream wrote before (correctness rule 11). They are let go when that fails.
 */
export async function holdAndRead<T>(
  options: {
    readonly writer: Pick<TablestoreWriter, 'hold'>;
    /** null: there is no stream. */
    readonly settled: Settled | null;
    readonly signal: AbortSignal;
  },
  table: string,
  keys: readonly string[],
  read: () => Promise<T>,
): Promise<{ holds: KeyHold[]; found: T }> {
  const { writer, settled, signal } = options;
  const holds = await holdAll(writer, table, keys, signal);
  try {
    await settled?.();
    signal.throwIfAborted();
    const found = await read();
    signal.throwIfAborted();
    return { holds, found };
  } catch (error) {
    for (const hold of holds) hold.release();
    throw error;
  }
}

/** Where each lot waits until commits can be seen, which takes seconds without GTIDs, fewer and larger ones wait. */
export function heldAtOnce(usual: number, settled: Settled | null, hasGtids: boolean): number {
  return settled && !hasGtids ? 10 * usual : usual;
}
