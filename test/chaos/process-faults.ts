import { setTimeout as delay } from 'node:timers/promises';
import { childEndsWithLauncher } from '../support/launched.js';
import { changeTables, type FaultContext, type Faults } from './faults.js';
import { promised } from './within.js';

/** Every process is stopped for a while or killed. */
export function processFaults({ stage, chance, isMapped }: FaultContext): { gentle: Faults; hard: Faults } {
  const { mysql, store, first, rival, second } = stage;
  const aTask = () => chance.of([first, second]);
  const stopped = async (pid: number, mostMs: number, meanwhile?: () => Promise<void>) => {
    process.kill(pid, 'SIGSTOP');
    try {
      await delay(200 + chance.below(mostMs));
      await meanwhile?.();
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  };
  return {
    gentle: {
      'MySQL stopped for a while': () => stopped(mysql.pid, 8000),
      'Tablestore stopped for a while': () => stopped(store.pid, 8000),
      'Tablestore killed': () => store.restart(),
      'MySQL killed': async () => {
        await mysql.kill();
        await mysql.restart();
      },
      'command stopped for a while': async () => {
        const task = aTask();
        if (task.running.child.exitCode !== null || task.running.child.signalCode !== null) return;
        // A client that takes nothing holds up neither the engine nor other clients.
        await stopped(task.running.child.pid!, 5000, async () => {
          const { code, stderr } = await task.command('status').ended;
          promised(code === 0 || code === 1, `status beside a command that stands still: ${code} ${stderr}`);
        });
      },
    },
    hard: {
      'engine killed': () => void aTask().signalEngine('SIGKILL'),
      'engine stopped for a while': async () => {
        const pid = first.enginePid();
        if (pid === undefined || !first.signalEngine('SIGSTOP')) return;
        try {
          if (chance.below(3) > 0) await stage.endSessions('first');
          await delay(200 + chance.below(3000));
          if (chance.below(2) > 0) return;
          console.log('    another task takes the tables over');
          await stage.endSessions('first');
          const { stderr } = await rival.command('run', '--until', 'caught-up', '--json').ended;
          if (stderr.includes('ROW-S104')) await rival.command('reset').ended;
          // To it the tables are somebody else's: of those that it had to load anew it leaves rows that went meanwhile, and says so.
          await rival.command('verify', '--repair').ended;
        } finally {
          process.kill(pid, 'SIGCONT');
        }
      },
      'command killed': () => void aTask().running.child.kill('SIGKILL'),
      'command ended': () => void aTask().running.child.kill('SIGTERM'),
      'tables changed, engine killed': async () => {
        await changeTables(stage, chance, isMapped);
        await delay(chance.below(700));
        first.signalEngine('SIGKILL');
      },
      ...(process.platform === 'linux' && {
        'launcher killed': async () =>
          promised(
            await childEndsWithLauncher(stage.folder, 'tablestore', '--port', '0', '--data', ':memory:'),
            'no process is left of a command whose launcher was killed',
          ),
      }),
    },
  };
}
