import type { RowChange } from '../../tablestore/client/model.js';
import type { TablestoreWriter } from '../../tablestore/writer/writer.js';
import type { PauseGate } from '../base/pause-gate.js';

/** The writer's queue, as streams fill it: while it is full they stand still (architecture, decision 6). */
export class WriterQueue {
  private emptied: (() => void) | null = null;
  private readonly waiting: (() => void)[] = [];
  private closed = false;

  constructor(
    private readonly writer: Pick<TablestoreWriter, 'enqueue'>,
    private readonly gate: PauseGate,
  ) {}

  /** Takes the change in any case. */
  enqueue(change: RowChange): void {
    if (!this.writer.enqueue(change)) this.emptied ??= this.gate.hold('the queue is full');
  }

  /** The writer takes more. */
  hasRoom(): void {
    this.emptied?.();
    this.emptied = null;
    this.tell();
  }

  /** Settles when the writer takes more, or the queue is closed. */
  room(): Promise<void> {
    if (!this.emptied || this.closed) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** The run ends: nobody waits for room any more. */
  close(): void {
    this.closed = true;
    this.tell();
  }

  private tell(): void {
    for (const tell of this.waiting.splice(0)) tell();
  }
}
