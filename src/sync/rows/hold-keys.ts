import type { KeyHold } from '../../tablestore/client/model.js';
import type { TablestoreWriter } from '../../tablestore/writer/writer.js';

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

/** Settles like `work`, or throws the signal's reason before. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    work.finally(() => signal.removeEventListener('abort', abort)).then(resolve, reject);
  });
}
