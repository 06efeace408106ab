import type { BlockedByDirtyData } from './dirty.js';

/** What is read already is looked through for so long, and a transaction to its end for so much longer. */
const shortestMs = 300;
const longestMs = 3000;
const lookMs = 50;
/** More than these are nothing to be decided one by one. */
export const mostBlockedRows = 1000;

/**
 * The stream met a dirty row in block mode: from here on the checkpoint stands still, and the run ends. But first the
 * rest of the transaction, and what else has been read, is looked through, so that a person decides once on all of it.
 * What is written of it meanwhile is written again by the replay.
 */
export class BlockLookahead {
  private first: BlockedByDirtyData | null = null;
  private sinceMs = 0;
  private rows = 0;
  private looking: NodeJS.Timeout | undefined;

  constructor(
    private readonly isInside: () => boolean,
    private readonly end: (error: BlockedByDirtyData) => void,
  ) {}

  add(error: BlockedByDirtyData): void {
    this.rows++;
    if (!this.first) {
      this.first = error;
      this.sinceMs = Date.now();
      this.looking = setInterval(() => this.look(), lookMs);
    }
    if (this.rows >= mostBlockedRows) this.over();
  }

  /** The run ends for another reason. */
  close(): void {
    clearInterval(this.looking);
  }

  private look(): void {
    const waitedMs = Date.now() - this.sinceMs;
    if (waitedMs > longestMs || (waitedMs > shortestMs && !this.isInside())) this.over();
  }

  private over(): void {
    this.close();
    this.end(this.first!);
  }
}
