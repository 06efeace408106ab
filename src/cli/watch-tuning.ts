import { unwatchFile, watchFile } from 'node:fs';
import { RowferryError } from '../shared/errors.js';
import { sameTuning, tuningOf, type Tunable } from '../shared/tuning.js';
import type { Tuning } from '../shared/workbench-api.js';

const lookEveryMs = 300;

/**
 * Hands on the tuning of a task file each time it is saved with another one. What was set by hand holds until then.
 * Returns what ends the watching.
 */
export function watchTuning(
  file: string,
  read: () => Tunable,
  changed: (tuning: Required<Tuning>) => Promise<void>,
  /** One line: the file, as it is now, cannot be used. */
  warn: (text: string) => void,
): () => void {
  let known = read();
  const look = () => {
    let now: Tunable;
    try {
      now = read();
    } catch (error) {
      // Half saved, or being edited: the next save says more.
      if (error instanceof RowferryError) warn(`${error.code} ${error.message}`);
      return;
    }
    if (sameTuning(now, known)) return;
    known = now;
    changed(tuningOf(now)).catch((error: unknown) =>
      warn(error instanceof RowferryError ? `${error.code} ${error.message}` : String(error)),
    );
  };
  // Editors save by renaming another file over it: a watch on the inode would lose it.
  watchFile(file, { interval: lookEveryMs, persistent: false }, look);
  return () => unwatchFile(file, look);
}
