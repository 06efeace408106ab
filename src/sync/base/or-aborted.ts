/** Settles like `work`, or throws the signal's reason before: a stop waits for nothing that may take long. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    work.finally(() => signal.removeEventListener('abort', abort)).then(resolve, reject);
  });
}
