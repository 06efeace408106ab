import { setTimeout as delay } from 'node:timers/promises';

/** Nothing may wait for ever. Throws when it is not through after this time. */
export async function within<T>(seconds: number, what: string, work: Promise<T> | T): Promise<T> {
  const clock = new AbortController();
  try {
    return await Promise.race([
      work,
      delay(seconds * 1000, undefined, { signal: clock.signal }).then((): never => {
        throw new Error(`${what}: not through after ${seconds} s`);
      }),
    ]);
  } finally {
    clock.abort();
  }
}

/** Throws when what docs/guarantees.md promises did not come. */
export function promised(isKept: boolean, what: string): void {
  if (!isKept) throw new Error(`promised, and not so: ${what}`);
}
