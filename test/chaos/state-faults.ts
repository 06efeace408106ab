import { closeSync, openSync, readFileSync, rmSync, writeFileSync, writeSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { FaultContext, Faults } from './faults.js';
import { promised } from './within.js';

/** What befalls the files of a task: its state folder, its disk, its file. */
export function stateFaults({ stage, chance }: FaultContext): Faults {
  const { mysql, first, second } = stage;
  const aTask = () => chance.of([first, second]);
  const olderCopy = (name: string) => join(stage.folder, `older-${name}`);
  return {
    ...(stage.hasOwnDisk && {
      'disk of the state full': async () => {
        const ballast = join(second.state, 'ballast');
        fill(ballast);
        try {
          await delay(1000 + chance.below(4000));
        } finally {
          rmSync(ballast, { force: true });
        }
      },
    }),
    'state folder lost': async () => {
      const task = aTask();
      console.log(`    of ${task.name}`);
      await task.killEngine();
      task.loseState();
    },
    'state folder restored from an older copy': async () => {
      const task = aTask();
      await task.killEngine();
      const copy = olderCopy(task.name);
      if (!existsSync(copy)) {
        console.log(`    a copy of ${task.name} is made`);
        return task.copyState(copy);
      }
      console.log(`    of ${task.name}`);
      task.restoreState(copy);
      rmSync(copy, { recursive: true, force: true });
    },
    'binlogs purged': async () => {
      for (const task of [first, second]) if (chance.once(2)) await task.killEngine();
      for (const task of [first, second]) task.mayBePurged = true;
      await mysql.query('FLUSH BINARY LOGS');
      await delay(500);
      await mysql.query('FLUSH BINARY LOGS');
      await mysql.query('PURGE BINARY LOGS BEFORE NOW() + INTERVAL 1 DAY');
    },
    'task file half-written': async () => {
      const whole = readFileSync(second.path, 'utf8');
      const engine = second.enginePid();
      writeFileSync(second.path, whole.slice(0, 1 + chance.below(whole.length - 2)));
      try {
        await delay(1500);
        const { code, stderr } = await second.command('run', '--until', 'caught-up').ended;
        promised(
          code === 2 && /^ROW-T10[1-3] /m.test(stderr),
          `a file that is half-written is refused with its reason: ${code} ${stderr}`,
        );
        promised(second.enginePid() === engine, 'a file that is half-written does not end the engine');
      } finally {
        writeFileSync(second.path, whole);
      }
    },
  };
}

/** Writes until the disk takes no more. */
function fill(file: string): void {
  const handle = openSync(file, 'w');
  try {
    for (let size = 1 << 20; size > 0; size >>= 1) {
      const piece = Buffer.alloc(size);
      try {
        for (;;) if (writeSync(handle, piece) < size) break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
  } finally {
    closeSync(handle);
  }
}
