/** How much of a pause is chance, so that those who failed together do not come back together. */
type Jitter = 'full' | 'half' | 'none';

/** Pauses between tries that double from `firstMs` up to `longestMs`. */
export class Backoff {
  #failures = 0;

  constructor(
    private readonly firstMs: number,
    private readonly longestMs: number,
    private readonly jitter: Jitter,
  ) {}

  /** Failures since the beginning or the last reset. */
  get failures(): number {
    return this.#failures;
  }

  /** It has failed once more: how long to wait, ms. */
  next(): number {
    const pause = Math.min(this.longestMs, this.firstMs * 2 ** Math.min(this.#failures++, 20));
    if (this.jitter === 'none') return pause;
    return this.jitter === 'full' ? pause * Math.random() : pause * (0.5 + Math.random() / 2);
  }

  /** It has worked: the next failure is a first one. */
  reset(): void {
    this.#failures = 0;
  }
}
