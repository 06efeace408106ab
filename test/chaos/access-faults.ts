import type { FaultContext, Faults } from './faults.js';
import { promised } from './within.js';

/** What lets a task in is taken away and given back: it says so, waits, and goes on by itself. */
export function accessFaults({ stage, chance }: FaultContext): Faults {
  const { mysql, store, first, second } = stage;
  const refused = async (
    task: typeof first,
    codes: RegExp,
    takeAway: () => Promise<unknown>,
    giveBack: () => Promise<unknown>,
  ) => {
    // A task that is just being brought up again has other things to say.
    if (!(await task.says(15, ({ state, retry }) => state === 'running' && !retry))) return;
    await takeAway();
    let isSaid: boolean;
    try {
      isSaid = await task.says(40, ({ retry, error }) => codes.test(retry?.error.code ?? error?.code ?? ''));
    } finally {
      await giveBack();
    }
    promised(isSaid, `${task.name} names the refusal (${codes.source})`);
    promised(
      await task.says(90, ({ state, retry }) => state === 'running' && !retry),
      `${task.name} goes on by itself when the refusal is over`,
    );
  };
  const aTask = () => chance.of([first, second]);
  return {
    'password changed': () => {
      const task = aTask();
      return refused(
        task,
        /^ROW-S102$/,
        async () => {
          await mysql.query(`ALTER USER ${task.name} IDENTIFIED BY 'another'`);
          await stage.endSessions(task.name);
        },
        () => mysql.query(`ALTER USER ${task.name} IDENTIFIED BY 'chaos'`),
      );
    },
    'grants revoked': () => {
      const task = aTask();
      return refused(
        task,
        /^ROW-S103$/,
        async () => {
          await mysql.query(`REVOKE ALL PRIVILEGES, GRANT OPTION FROM ${task.name}`);
          await stage.endSessions(task.name);
        },
        () => mysql.query(`GRANT ALL ON *.* TO ${task.name}`),
      );
    },
    'key pair revoked': () =>
      refused(
        aTask(),
        /^ROW-D102$/,
        () => store.setFaults([{ kind: 'error', code: 'OTSAuthFailed' }]),
        () => store.setFaults([]),
      ),
  };
}
