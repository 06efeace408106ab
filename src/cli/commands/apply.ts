import { isEmptyPlan, type ChangePlan } from '../../shared/change-plan.js';
import { mappingChangeWords } from '../../shared/change-plan-words.js';
import { flag, taskArgument, type Command } from '../command.js';
import { confirmed, yesHelp } from '../confirm.js';
import { jsonOption, stateHelp, stateOption, withEngine } from '../engine.js';
import { count } from '../figures.js';
import { trustedTask, trustHelp, trustOptions } from '../trust.js';
import { columns, type Terminal } from '../terminal.js';
import { retell, t } from '../words.js';

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
      if (!(await confirmed(context, values, t('Apply these changes?'), 'apply'))) return 1;
      await engine.api.applyChanges(task);
      if (!isJson) terminal.print(t('Started. Run "rowferry status" to follow the progress.'));
      return 0;
    });
  },
};

export function planLines(plan: ChangePlan, { style }: Terminal): string[] {
  const words = mappingChangeWords(t);
  const lines = columns(
    [
      ...plan.added.map((one) => [
        style.green(t('add')),
        one.source,
        `→ ${one.destination}`,
        t('loads (about {0} rows), then replicates', count(one.estimatedRows)),
      ]),
      ...plan.changed.map((one) => [
        style.yellow(t('reload')),
        one.source,
        `→ ${one.destination}`,
        `${one.what.map((what) => words[what]).join(', ')}: ${t('reloads (about {0} rows)', count(one.estimatedRows))}`,
      ]),
      ...plan.removed.map((one) => [
        style.red(t('remove')),
        one.source,
        `→ ${one.destination}`,
        t('no longer replicated; the destination table stays'),
      ]),
      ...(plan.unfit ?? []).map((one) => [style.red(t('stop')), one.source, '', retell(one.message)]),
    ].map((row) => row),
  );
  for (const problem of plan.problems) lines.push(style.red(t('not possible: {0}', retell(problem))));
  if (plan.atNextStart.length > 0)
    lines.push(style.dim(t('takes effect at the next start: {0}', plan.atNextStart.join(', '))));
  if (plan.reloadedAtNextStart)
    lines.push(style.dim(t('the next start reloads: {0}', plan.reloadedAtNextStart.join(', '))));
  if (isEmptyPlan(plan)) lines.unshift(t('No changes: the task already runs with these objects.'));
  return lines;
}
