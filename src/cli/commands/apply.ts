import type { ChangePlan, MappingChange } from '../../shared/protocol.js';
import { flag, taskArgument, type Command } from '../command.js';
import { confirmed, yesHelp, yesOption } from '../confirm.js';
import { jsonOption, stateHelp, stateOption, withEngine } from '../engine.js';
import { count } from '../figures.js';
import { loadTask } from '../load-task.js';
import { columns, type Terminal } from '../terminal.js';

export const apply: Command = {
  name: 'apply',
  summary: 'change the objects of a running task as its file now says',
  usage: 'TASK [--yes] [--json] [--state DIR]',
  help: [
    'Shows what the file, as it is now, changes about a running task, and carries it out: tables that were added are created, loaded and followed beside the others; tables whose name, filter, key or columns changed are loaded anew, and rows that they do not give any more deleted; tables that were removed are followed no longer, and what is at the destination stays. The other tables go on meanwhile.',
    'The precheck runs first and must reach 100 %. Exit 0 when carried out, or when there was nothing to do; 1 when it was not confirmed.',
  ],
  options: { ...yesOption, ...stateOption, ...jsonOption },
  optionHelp: { ...yesHelp, '--json': 'the plan as JSON; nothing is changed without --yes', ...stateHelp },
  examples: ['rowferry apply orders.rowferry.json', 'rowferry apply orders.rowferry.json --yes'],
  async run(context, values, positionals) {
    const { terminal } = context;
    const { task } = loadTask(taskArgument('apply', positionals), context.cwd, context.environment);
    return withEngine(context, values, {}, async (engine) => {
      const plan = await engine.api.planChanges(task);
      const isJson = flag(values, 'json');
      if (isJson) terminal.print(JSON.stringify({ type: 'plan', ...plan }));
      else for (const line of planLines(plan, terminal)) terminal.print(line);
      if (isEmptyPlan(plan)) return 0;
      if (plan.problems.length > 0) return 1;
      if (isJson && !flag(values, 'yes')) return 1;
      if (!(await confirmed(context, values, 'Carry it out?', 'apply'))) return 1;
      await engine.api.applyChanges(task);
      if (!isJson) terminal.print('Begun: rowferry status shows how far the tables are.');
      return 0;
    });
  },
};

export function isEmptyPlan({ added, changed, removed, unfit = [], problems }: ChangePlan): boolean {
  return added.length + changed.length + removed.length + unfit.length + problems.length === 0;
}

const words: Record<MappingChange, string> = {
  table: 'another table',
  filter: 'another filter',
  key: 'another key',
  columns: 'other columns',
  transformation: 'another transformation',
};

export function planLines(plan: ChangePlan, { style }: Terminal): string[] {
  const lines = columns(
    [
      ...plan.added.map((one) => [
        style.green('add'),
        one.source,
        `→ ${one.destination}`,
        `loaded (about ${count(one.estimatedRows)} rows), then followed`,
      ]),
      ...plan.changed.map((one) => [
        style.yellow('reload'),
        one.source,
        `→ ${one.destination}`,
        `${one.what.map((what) => words[what]).join(', ')}: loaded anew (about ${count(one.estimatedRows)} rows)`,
      ]),
      ...plan.removed.map((one) => [
        style.red('remove'),
        one.source,
        `→ ${one.destination}`,
        'followed no longer; the table at the destination stays',
      ]),
      ...(plan.unfit ?? []).map((one) => [style.red('stop'), one.source, '', one.message]),
    ].map((row) => row),
  );
  for (const problem of plan.problems) lines.push(style.red(`cannot be: ${problem}`));
  if (plan.atNextStart.length > 0)
    lines.push(style.dim(`from the next start only: ${plan.atNextStart.join(', ')}`));
  if (plan.reloadedAtNextStart)
    lines.push(style.dim(`the next start loads again: ${plan.reloadedAtNextStart.join(', ')}`));
  if (isEmptyPlan(plan)) lines.unshift('The objects are those that the task runs with.');
  return lines;
}
