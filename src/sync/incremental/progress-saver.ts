import type { CheckpointTracker } from '../state/checkpoint.js';
import type { TaskProgress, TaskStore } from '../state/task-store.js';
import type { HandedOver } from './handed-over.js';

/**
 * Stores how far the incremental phase is. Checkpoint, figures, and what transactions before the checkpoint did to
 * tables and records go into the store together or not at all: a run that begins from there finds each of them as it
 * was at that position.
 */
export class ProgressSaver {
  private saved = '';

  constructor(
    private readonly store: Pick<TaskStore, 'transaction' | 'saveProgress'>,
    private readonly progress: TaskProgress,
    private readonly tracker: () => CheckpointTracker,
    private readonly handedOver: HandedOver,
  ) {}

  /** The next save() stores it, whether or not anything has moved. */
  touch(): void {
    this.saved = '';
  }

  /** Stores it when it is another than last time, with these figures and tables that are left out. */
  save(now: () => Required<Pick<TaskProgress, 'leftOut' | 'changes'>>): void {
    const { store, progress, handedOver } = this;
    // It may move the checkpoint: before that is read, and what has passed with it.
    handedOver.settle();
    const { position } = this.tracker();
    const passed = this.tracker().takePassed();
    const { leftOut, changes } = now();
    progress.leftOut = leftOut;
    const text = JSON.stringify([position, progress.rows, leftOut]);
    if (passed.length === 0 && text === this.saved && handedOver.isEmpty) return;
    progress.checkpoint = position;
    progress.changes = changes;
    store.transaction(() => {
      for (const step of passed) step();
      store.saveProgress(progress);
      handedOver.pass();
    });
    this.saved = text;
  }
}
