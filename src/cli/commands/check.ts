import { jsonOption, stateHelp, stateOption, withEngine } from '../engine.js';
import { flag, taskArgument, type Command } from '../command.js';
import { trustedTask, trustHelp, trustOptions } from '../trust.js';
import { reportLines } from '../check-report.js';
import { stoppedLines, stoppedObjects } from '../progress.js';

/** Checks that fail when a side could not be reached, or refused us. */
const connections: ReadonlySet<string> = new Set(['source-connection', 'destination-connection']);

export const check: Command = {
  name: 'check',
  summary: 'run the precheck: whether the task can run, and what would go wrong',
  usage: 'TASK [--json] [--trust-file] [--state DIR]',
  help: [
    'Checks the source, the destination and the task without changing anything, and shows for each item what was expected, what was found and how to fix it. A task starts only at 100 %.',
    'To accept a warning, add its ID to "ignoredChecks"; failures cannot be accepted. Stopped tables are listed first. Exits with 0 at 100 % with no table stopped, 3 when the source or destination is unreachable or refuses access, 1 otherwise.',
  ],
  options: { ...trustOptions, ...stateOption, ...jsonOption },
  optionHelp: { '--json': 'print the report as one JSON object on stdout', ...trustHelp, ...stateHelp },
  examples: [
    'rowferry check orders.rowferry.json',
    'rowferry check orders.rowferry.json --json | jq .successRate',
  ],
  async run(context, values, positionals) {
    const { task } = await trustedTask(context, values, taskArgument('check', positionals));
    const { report, snapshot } = await withEngine(context, values, {}, async ({ api }) => ({
      report: await api.check(task),
      snapshot: (await api.snapshots()).find(({ id }) => id === task.id),
    }));
    const stopped = snapshot ? stoppedObjects(snapshot) : [];
    const { terminal } = context;
    if (flag(values, 'json'))
      terminal.print(
        JSON.stringify({ type: 'check', ...report, ...(stopped.length > 0 && { stoppedTables: stopped }) }),
      );
    else {
      const first = snapshot && stopped.length > 0 ? [...stoppedLines(snapshot, terminal), ''] : [];
      for (const line of [...first, ...reportLines(report, terminal)]) terminal.print(line);
    }
    const isAway = report.results.some(({ id, status }) => connections.has(id) && status === 'fail');
    return report.successRate < 100 && isAway ? 3 : report.successRate < 100 || stopped.length > 0 ? 1 : 0;
  },
};
