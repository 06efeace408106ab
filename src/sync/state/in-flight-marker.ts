import { setTimeout as delay } from 'node:timers/promises';
import { leaseMillis } from '../../mysql/lock.js';
import type { TaskStore } from './task-store.js';

/**
 * What a run has sent that did not come to its end may still be carried out when the next one is under way: after a kill,
 * and where a destination did not answer (correctness rule 10 over runs). A mark in the store says so, from before the
 * first request until the last one is answered. The next run holds what it writes of the stream until that time is over
 * and looks at it again (WriterSettings.earlierUntilMs), and reads tables for a load only then. So it does when it had to
 * wait for the lock of another session, whose store says nothing here.
 */
export class InFlightMarker {
  /** Until then a request of an earlier run may be carried out, ms since the epoch; 0: there is none. */
  untilMs: number;

  constructor(
    private readonly store: Pick<TaskStore, 'isWriting' | 'setWriting'>,
    private readonly lateWriteMs: number,
  ) {
    this.untilMs = store.isWriting() ? Date.now() + lateWriteMs : 0;
  }

  /**
   * Another session held the lock until just now. It may have gone on for as long as its lease (correctness rule 12),
   * and what it sent last may be carried out that much later.
   */
  takenOver(): void {
    this.untilMs = Math.max(this.untilMs, Date.now() + leaseMillis + this.lateWriteMs);
  }

  /** Writing begins. */
  begin(): void {
    this.store.setWriting(true);
  }

  /** The writer was closed with nothing on its way. An earlier run's requests may outlive this run. */
  end(): void {
    if (Date.now() >= this.untilMs) this.store.setWriting(false);
  }

  /** Settles when no request of an earlier run can be carried out any more. Throws the signal's reason. */
  async over(signal: AbortSignal, say: (text: string) => void): Promise<void> {
    const left = this.untilMs - Date.now();
    if (left <= 0) return;
    say(
      `requests of an earlier run may still be in flight: waiting ${Math.ceil(left / 1000)} s until none can arrive`,
    );
    await delay(left, undefined, { signal });
  }
}
