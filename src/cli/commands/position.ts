import type { NamedPosition, PositionChange, TransactionSummary } from '../../shared/task-control-api.js';
import { flag, taskArgument, text, usageError, type Command, type Values } from '../command.js';
import { confirmed, yesHelp } from '../confirm.js';
import { jsonOption, stateHelp, stateOption, withEngine } from '../engine.js';
import { count } from '../figures.js';
import { trustedTask, trustHelp, trustOptions } from '../trust.js';
import { positionText } from '../progress.js';
import type { Terminal } from '../terminal.js';
import { t } from '../words.js';

export const position: Command = {
  name: 'position',
  summary: 'show or set the position of a task in the binlog',
  usage:
    'TASK [--gtid SET | --at FILE:OFFSET | --time TIME | --skip] [--yes] [--json] [--trust-file] [--state DIR]',
  help: [
    'Without an option, shows the position up to which all changes are applied. With one, explains the effect of the new position, asks for confirmation and sets it. The task must be stopped.',
    'Moving back applies changes again: rows may show older values for a while, then reach the correct state. A table whose definition changed in between stops; reload it. Moving forward loses the changes in between at the destination; verify --repair finds them.',
  ],
  options: {
    gtid: { type: 'string' },
    at: { type: 'string' },
    time: { type: 'string' },
    skip: { type: 'boolean' },
    ...trustOptions,
    ...stateOption,
    ...jsonOption,
  },
  optionHelp: {
    '--gtid SET': 'treat every transaction of this GTID set as applied',
    '--at FILE:OFFSET': 'continue from this offset of a binlog file',
    '--time TIME': 'continue from the first transaction at this time, for example 2026-01-31T08:00:00Z',
    '--skip': 'skip the next transaction that affects a selected table',
    ...yesHelp,
    '--json': 'print JSON on stdout; nothing changes without --yes',
    ...trustHelp,
    ...stateHelp,
  },
  examples: [
    'rowferry position orders.rowferry.json',
    'rowferry position orders.rowferry.json --time 2026-01-31T08:00:00Z',
    'rowferry position orders.rowferry.json --skip',
  ],
  async run(context, values, positionals) {
    const { terminal } = context;
    const chosen = chosenBy(values);
    const { task } = await trustedTask(context, values, taskArgument('position', positionals));
    const isJson = flag(values, 'json');
    return withEngine(context, values, {}, async (engine) => {
      if (chosen === null) {
        const snapshot = (await engine.api.snapshots()).find((one) => one.id === task.id);
        const now = snapshot?.position ?? null;
        terminal.print(isJson ? JSON.stringify({ type: 'position', position: now }) : positionText(now));
        return snapshot ? 0 : 1;
      }
      const plan = await engine.api.planPosition(task, chosen);
      if (isJson) terminal.print(JSON.stringify({ type: 'plan', ...plan }));
      else for (const line of planLines(plan, terminal)) terminal.print(line);
      if (isJson && !flag(values, 'yes')) return 1;
      if (!(await confirmed(context, values, t('Continue from this position?'), 'position'))) return 1;
      await engine.api.setPosition(task.id, plan.then);
      if (!isJson) terminal.print(t('{0}: continues from this position at its next start', task.name));
      return 0;
    });
  },
};

/** Throws ROW-T104: several positions, or none that can be read. */
function chosenBy(values: Values): NamedPosition | null {
  const [gtid, at, time] = [text(values, 'gtid'), text(values, 'at'), text(values, 'time')];
  const isSkip = flag(values, 'skip');
  if ([gtid, at, time].filter((one) => one !== undefined).length + (isSkip ? 1 : 0) > 1)
    throw usageError('Use only one of --gtid, --at, --time and --skip.', 'position');
  if (isSkip) return 'skip';
  if (gtid !== undefined) return { gtid };
  if (time !== undefined) return { time };
  if (at === undefined) return null;
  const match = /^(.+):(\d{1,15})$/.exec(at);
  if (!match || Number(match[2]) < 4)
    throw usageError('--at must be FILE:OFFSET, for example binlog.000007:4.', 'position');
  return { file: match[1]!, position: Number(match[2]) };
}

const meaning = (): Record<PositionChange['direction'], string> => ({
  back: t(
    'Changes after this position are applied again: rows may show older values for a while. A table whose definition changed in between stops; reload it.',
  ),
  forward: t(
    'Changes up to this position are lost at the destination. rowferry verify --repair finds and repairs the rows.',
  ),
  same: t('This is the current position.'),
  unknown: t(
    'Cannot tell whether this position is earlier or later than the current one. Changes after it are applied again; unapplied changes before it are lost.',
  ),
});

function planLines(plan: PositionChange, { style }: Terminal): string[] {
  return [
    t('now   {0}', positionText(plan.now)),
    t('then  {0}', positionText(plan.then)),
    ...(plan.skipped ? transactionLines(plan.skipped) : []),
    plan.direction === 'same' ? meaning().same : style.yellow(meaning()[plan.direction]),
  ];
}

function transactionLines({ gtid, commitMicros, tables, statements }: TransactionSummary): string[] {
  const at = new Date(commitMicros / 1000).toISOString();
  return [
    gtid === null ? t('skips the transaction of {0}:', at) : t('skips {0} of {1}:', gtid, at),
    ...tables.map(
      (one) =>
        `      ${one.source}: ${t('{0} inserted, {1} updated, {2} deleted', count(one.inserted), count(one.updated), count(one.deleted))}`,
    ),
    ...statements.map((sql) => `      ${sql.length > 200 ? `${sql.slice(0, 200)}…` : sql}`),
  ];
}
