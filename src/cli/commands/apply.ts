import { isEmptyPlan, type ChangePlan } from '../../shared/change-plan.js';
import { mappingChangeWords } from '../../shared/change-plan-words.js';
import { plainWords } from '../../shared/format.js';
import { flag, taskArgument, type Command } from '../command.js';
import { confirmed, yesHelp } from '../confirm.js';
import { jsonOption, stateHelp, stateOption, withEngine } from '../engine.js';
import { count } from '../figures.js';
import { trustedTask, trustHelp, trustOptions } from '../trust.js';
import { columns, type Terminal } from '../terminal.js';

export const apply: Command = {
  name: 'apply',
  summary: 'apply the changed objects of a task file to the running task',
  usage: 'TASK [--yes] [--json] [--trust-file] [--state DIR]',
  help: [
    'Shows what the current file changes in a running task, then applies it. Added tables are created, loaded and replicated alongside the others. Tables with a changed name, filter, key or columns are reloaded, and rows that no longer match are deleted. Removed tables are no longer replicated; their destination tables stay. Other tables continue meanwhile.',
    'The precheck runs first and must reach 100 %. Exits with 0 when the changes are applied or there is nothing to do, 1 when they are not confirmed.',
  ],
  options: { ...trustOptions, ...stateOption, ...jsonOption },
  optionHelp: {
    ...yesHelp,
    '--json': 'print the plan as JSON; nothing changes without --yes',
    ...trustHelp,
    ...stateHelp,
  },
  examples: ['rowferry apply orders.rowferry.json', 'rowferry apply orders.rowferry.json --yes'],
  async run(context, values, positionals) {
    const { terminal } = context;
    const { task } = await trustedTask(context, values, taskArgument('apply', positionals));
    return withEngine(context, values, {}, async (engine) => {
      const plan = await engine.api.planChanges(task);
      const isJson = flag(values, 'json');
      if (isJson) terminal.print(JSON.stringify({ type: 'plan', ...plan }));
      else for (const line of planLines(plan, terminal)) terminal.print(line);
      if (isEmptyPlan(plan)) return 0;
      if (plan.problems.length > 0) return 1;
      if (isJson && !flag(values, 'yes')) return 1;
      if (!(await confirmed(context, values, 'Apply these changes?', 'apply'))) return 1;
      await engine.api.applyChanges(task);
      if (!isJson) terminal.print('Started. Run "rowferry status" to follow the progress.');
      return 0;
    });
  },
};

const words = mappingChangeWords(plainWords);

export function planLines(plan: ChangePlan, { style }: Terminal): string[] {
  const lines = columns(
    [
      ...plan.added.map((one) => [
        style.green('add'),
        one.source,
        `→ ${one.destination}`,
        `loads (about ${count(one.estimatedRows)} rows), then replicates`,
      ]),
      ...plan.changed.map((one) => [
        style.yellow('reload'),
        one.source,
        `→ ${one.destination}`,
        `${one.what.map((what) => words[what]).join(', ')}: reloads (about ${count(one.estimatedRows)} rows)`,
      ]),
      ...plan.removed.map((one) => [
        style.red('remove'),
        one.source,
        `→ ${one.destination}`,
        'no longer replicated; the destination table stays',
      ]),
      ...(plan.unfit ?? []).map((one) => [style.red('stop'), one.source, '', one.message]),
    ].map((row) => row),
  );
  for (const problem of plan.problems) lines.push(style.red(`not possible: ${problem}`));
  if (plan.atNextStart.length > 0)
    lines.push(style.dim(`takes effect at the next start: ${plan.atNextStart.join(', ')}`));
  if (plan.reloadedAtNextStart)
    lines.push(style.dim(`the next start reloads: ${plan.reloadedAtNextStart.join(', ')}`));
  if (isEmptyPlan(plan)) lines.unshift('No changes: the task already runs with these objects.');
  return lines;
}
