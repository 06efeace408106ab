import { unwatchFile, watchFile } from 'node:fs';
import { RowferryError } from '../shared/errors.js';
import type { ResolvedTask } from '../shared/task.js';
import { retell } from './words.js';

const lookEveryMs = 300;

/**
 * Tells each time a task file is saved with another content that is valid, one after the other. `known`: what it said
 * when it was read last. Returns what ends the watching.
 */
export function watchTask(
  file: string,
  known: ResolvedTask,
  read: () => ResolvedTask,
  changed: (before: ResolvedTask, now: ResolvedTask) => Promise<void>,
  /** One line: the file, as it is now, cannot be used, or what it says cannot be done. */
  warn: (text: string) => void,
): () => void {
  const say = (error: unknown) =>
    warn(error instanceof RowferryError ? `${error.code} ${retell(error.message)}` : String(error));
  let turn = Promise.resolve();
  const look = () => {
    const before = known;
    try {
      known = read();
    } catch (error) {
      // Being edited: the next save says more.
      say(error);
      return;
    }
    const now = known;
    if (JSON.stringify(before) !== JSON.stringify(now))
      turn = turn.then(() => changed(before, now)).catch(say);
  };
  // Editors save by renaming another file over it: a watch on the inode would lose it.
  watchFile(file, { interval: lookEveryMs, persistent: false }, look);
  return () => unwatchFile(file, look);
}
