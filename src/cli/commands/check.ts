import { jsonOption, stateHelp, stateOption, withEngine } from '../engine.js';
import { flag, taskArgument, type Command } from '../command.js';
import { loadTask } from '../load-task.js';
import { reportLines } from '../check-report.js';

/** Checks that fail when a side could not be reached, or refused us. */
const connections: ReadonlySet<string> = new Set(['source-connection', 'destination-connection']);

export const check: Command = {
  name: 'check',
  summary: 'run the precheck: can this task run, and what would go wrong',
  usage: 'TASK [--json] [--state DIR]',
  help: [
    'Looks at the source, the destination and the task, changes nothing, and says of each item what was expected, what was found and how to mend it. A task starts only at 100 %.',
    'Warnings can be accepted by their id in "ignoredChecks"; failures cannot. Exit 0 at 100 %, 3 when the source or the destination could not be reached or refused us, 1 otherwise.',
  ],
  options: { ...stateOption, ...jsonOption },
  optionHelp: { '--json': 'the report as one JSON object on stdout', ...stateHelp },
  examples: [
    'rowferry check orders.rowferry.json',
    'rowferry check orders.rowferry.json --json | jq .successRate',
  ],
  async run(context, values, positionals) {
    const { task } = loadTask(taskArgument('check', positionals), context.cwd, context.environment);
    const report = await withEngine(context, values, {}, (engine) => engine.api.check(task));
    if (flag(values, 'json')) context.terminal.print(JSON.stringify({ type: 'check', ...report }));
    else for (const line of reportLines(report, context.terminal)) context.terminal.print(line);
    const isAway = report.results.some(({ id, status }) => connections.has(id) && status === 'fail');
    return report.successRate === 100 ? 0 : isAway ? 3 : 1;
  },
};
