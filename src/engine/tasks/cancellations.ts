import { RowferryError } from '../../shared/errors.js';

interface Work {
  readonly id: string;
  readonly owner: object;
  /** What its owner calls it. */
  readonly call: string | undefined;
  readonly abort: AbortController;
}

/** Work of one kind that is under way for clients: it ends when it is cancelled, or its client goes. */
export class Cancellations {
  readonly #running = new Set<Work>();

  /** `cancelled`: what is said to whoever asked for it. */
  constructor(private readonly cancelled: string) {}

  /** Throws ROW-E111 when it was cancelled, else what `work` throws. */
  async run<T>(
    owner: object,
    id: string,
    work: (signal: AbortSignal) => Promise<T>,
    call?: string,
  ): Promise<T> {
    const one = { id, owner, call, abort: new AbortController() };
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

  /** Of a task, by one client: the one that it calls so, else all of them. */
  cancelOwn(owner: object, id: string, call: string | undefined): void {
    this.#cancel((one) => one.owner === owner && one.id === id && (call === undefined || one.call === call));
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
