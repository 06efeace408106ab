import { RowferryError } from '../../shared/errors.js';

interface Work {
  readonly id: string;
  readonly owner: object;
  readonly abort: AbortController;
}

/** Work of one kind that is under way for clients: it ends when it is cancelled, or its client goes. */
export class Cancellations {
  readonly #running = new Set<Work>();

  /** `cancelled`: what is said to whoever asked for it. */
  constructor(private readonly cancelled: string) {}

  /** Throws ROW-E111 when it was cancelled, else what `work` throws. */
  async run<T>(owner: object, id: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const one = { id, owner, abort: new AbortController() };
    const { signal } = one.abort;
    this.#running.add(one);
    try {
      return await work(signal);
    } catch (error) {
      // What was under way when it was cancelled may have failed in its own words.
      throw signal.aborted ? signal.reason : error;
    } finally {
      this.#running.delete(one);
    }
  }

  /** Of a task. */
  cancelOf(id: string): void {
    this.#cancel((one) => one.id === id);
  }

  cancelBy(owner: object): void {
    this.#cancel((one) => one.owner === owner);
  }

  cancelAll(): void {
    this.#cancel(() => true);
  }

  #cancel(which: (one: Work) => boolean): void {
    for (const one of this.#running)
      if (which(one)) one.abort.abort(new RowferryError('ROW-E111', this.cancelled));
  }
}
