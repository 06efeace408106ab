import { hasReached } from '../../mysql/position.js';
import type { SourcePosition } from '../../shared/position.js';
import type { CheckpointTracker } from '../state/checkpoint.js';
import type { TableRecords } from '../state/table-records.js';
import type { TableRecord } from '../state/task-store.js';

interface Group {
  /** With the life that was handed over; without those that began again since, or left the task. */
  readonly lives: Map<string, string>;
  readonly from: SourcePosition;
  readonly tracker: CheckpointTracker;
  /** Releases the checkpoint of the main stream; null: done. */
  release: (() => void) | null;
}

/**
 * Tables that the main stream has taken over from a table sync, until its checkpoint speaks for them too. What they had
 * on their way holds that checkpoint like everything else, and a run that is killed before it passes their place begins
 * with the place of their own: so neither is let go early (correctness rule 11).
 */
export class HandedOver {
  private readonly groups: Group[] = [];

  constructor(
    private readonly main: () => CheckpointTracker,
    private readonly records: TableRecords,
  ) {}

  get isEmpty(): boolean {
    return this.groups.length === 0;
  }

  /** From `from` on the main stream brings these tables; what came before it is on its way by `tracker`. */
  add(records: readonly TableRecord[], from: SourcePosition, tracker: CheckpointTracker): void {
    const lives = new Map(records.map(({ source, life }) => [source, life]));
    this.groups.push({ lives, from, tracker, release: this.main().barrier() });
    this.settle();
  }

  /** The table begins again or leaves the task: what it brought says nothing of it any more. */
  drop(source: string): void {
    for (const { lives } of this.groups) lives.delete(source);
  }

  /** What they had on their way when they came may be through by now. */
  settle(): void {
    for (const group of this.groups) {
      if (!group.release || !group.tracker.isIdle) continue;
      group.release();
      group.release = null;
    }
  }

  /** Ends those whose place the checkpoint has passed. Inside the store transaction that saves it. */
  pass(): void {
    for (const group of [...this.groups]) {
      if (group.release || !hasReached(this.main().position, group.from)) continue;
      this.groups.splice(this.groups.indexOf(group), 1);
      // What they passed after their own stream had ended.
      for (const step of group.tracker.takePassed()) step();
      for (const [source, life] of group.lives) this.records.step(source, { step: 'joined' }, life);
    }
  }
}
