import { canonicalTable } from '../../shared/source-name.js';
import type { DirtyFilter, DirtyRecord, RetryProgress } from '../../shared/task-control-api.js';
import type { EngineConnection } from '../../engine/ipc/client.js';
import type { ResolvedTask } from '../../shared/task.js';
import { flag, text, usageError, type Command, type Values } from '../command.js';
import { jsonOption, stateHelp, stateOption, withEngine } from '../engine.js';
import { count } from '../figures.js';
import { bar } from '../progress.js';
import { trustedTask, trustHelp, trustOptions } from '../trust.js';
import { columns, type Terminal } from '../terminal.js';
import { retell, t } from '../words.js';

const actions = ['list', 'export', 'retry', 'skip', 'discard'] as const;
type Action = (typeof actions)[number];

const pageSize = 500;

export const dirty: Command = {
  name: 'dirty',
  summary: 'handle rows that could not be written: list, export, retry, skip, discard',
  usage:
    'list|export|retry|skip|discard TASK [ID…] [--table DB.TABLE] [--code CODE] [--all] [--json] [--trust-file] [--state DIR]',
  help: [
    'Rowferry keeps a row that Tablestore permanently rejects, or that cannot be converted, as a dirty record. With "dirtyData": "block" the task waits for your decision.',
    'retry reads the current row and writes it. skip leaves the row unwritten and keeps the record; discard leaves it unwritten and deletes the record. A blocked task then continues, automatically or with run.',
    'retry shows how far it is. Ctrl+C ends it; rows that are written by then stay written.',
    'If rows still cannot be written, retry exits with 4 when the task waits for them, otherwise with 1.',
    'export writes complete records as JSON, one per line. They contain row values.',
  ],
  options: {
    table: { type: 'string' },
    code: { type: 'string' },
    all: { type: 'boolean' },
    ...trustOptions,
    ...stateOption,
    ...jsonOption,
  },
  optionHelp: {
    '--table DB.TABLE': 'only records of this source table',
    '--code CODE': 'only records with this code',
    '--all': 'retry, skip, discard: all records of the task',
    '--json': 'list: JSON, one object per line',
    ...trustHelp,
    ...stateHelp,
  },
  examples: [
    'rowferry dirty list orders.rowferry.json',
    'rowferry dirty retry orders.rowferry.json 17 18',
    'rowferry dirty discard orders.rowferry.json --code ROW-V102',
  ],
  async run(context, values, positionals) {
    const [named, file, ...ids] = positionals;
    const action = actions.find((a) => a === named);
    if (!action) throw usageError(`No action given. Use one of: ${actions.join(', ')}.`, 'dirty');
    if (file === undefined) throw usageError('No task given. Pass its file, NAME.rowferry.json.', 'dirty');
    const filter = filterOf(values, ids);
    const decides = action !== 'list' && action !== 'export';
    if (decides && Object.keys(filter).length === 0 && !flag(values, 'all')) {
      throw usageError(`No records given. Pass IDs, --table, --code or --all.`, 'dirty');
    }
    const { task } = await trustedTask(context, values, file);
    const { terminal } = context;
    const retryProgress = (id: string, { done, total, over }: RetryProgress) => {
      if (id !== task.id) return;
      const words = `${bar(done / Math.max(1, total), 20, terminal.style)} ${t('{0} of {1} records retried', count(done), count(total))}`;
      terminal.draw(over ? [] : [words]);
    };
    return withEngine(context, values, { retryProgress }, async (engine) =>
      carryOut(
        action,
        engine,
        task,
        await canonical(filter, engine, task),
        flag(values, 'json'),
        context.terminal,
      ),
    );
  },
};

function filterOf(values: Values, ids: readonly string[]): DirtyFilter {
  const bad = ids.find((id) => !/^\d+$/.test(id));
  if (bad !== undefined)
    throw usageError(`"${bad}" is not a record ID; "rowferry dirty list" shows them.`, 'dirty');
  const source = text(values, 'table');
  const code = text(values, 'code');
  return {
    ...(ids.length > 0 && { ids: [...ids] }),
    ...(source !== undefined && { source }),
    ...(code !== undefined && { code }),
  };
}

/** The table by the text that its records have. One that the task does not know may have been part of it. */
async function canonical(
  filter: DirtyFilter,
  { api }: EngineConnection,
  task: ResolvedTask,
): Promise<DirtyFilter> {
  if (filter.source === undefined) return filter;
  const known = (await api.snapshots()).find(({ id }) => id === task.id)?.tables ?? [];
  const names = known.map(({ source }) => source);
  return { ...filter, source: canonicalTable(filter.source, names) };
}

async function carryOut(
  action: Action,
  { api }: EngineConnection,
  task: ResolvedTask,
  filter: DirtyFilter,
  json: boolean,
  terminal: Terminal,
): Promise<number> {
  switch (action) {
    case 'retry':
      return retry(api, task, filter, terminal);
    case 'skip':
      terminal.print(t('Skipped: {0}.', count(await api.skipDirty(task.id, filter))));
      return 0;
    case 'discard':
      terminal.print(t('Discarded: {0}.', count(await api.discardDirty(task.id, filter))));
      return 0;
    default: {
      let shown = 0;
      for (let offset = 0; ; offset += pageSize) {
        const page = await api.dirtyRecords(task.id, filter, { offset, limit: pageSize });
        shown += page.records.length;
        const asJson = action === 'export' || json;
        for (const line of asJson
          ? page.records.map((r) => JSON.stringify(r))
          : listLines(page.records, terminal)) {
          terminal.print(line);
        }
        if (page.records.length < pageSize) break;
      }
      if (shown === 0 && action === 'list' && !json) terminal.print(t('No dirty records.'));
      return 0;
    }
  }
}

/** 4: the task waits for those that are left; 1: they are left, and it goes on. */
async function retry(
  api: EngineConnection['api'],
  task: ResolvedTask,
  filter: DirtyFilter,
  terminal: Terminal,
): Promise<number> {
  const { total } = await api.dirtyRecords(task.id, filter, { offset: 0, limit: 1 });
  const written = await api.retryDirty(task, filter).finally(() => {
    terminal.draw([]);
    terminal.settle();
  });
  terminal.print(t('Written: {0}.', count(written)));
  const left = total - written;
  if (left <= 0) return 0;
  terminal.note(
    left === 1
      ? t('One row still cannot be written; "rowferry dirty list" shows the reason.')
      : t('{0} rows still cannot be written; "rowferry dirty list" shows the reason.', count(left)),
  );
  terminal.note(
    t(
      'Change the mapping or the rows at the source and retry, or use rowferry dirty skip or rowferry dirty discard.',
    ),
  );
  return task.dirtyData.policy === 'block' ? 4 : 1;
}

function listLines(records: readonly DirtyRecord[], { style }: Terminal): string[] {
  if (records.length === 0) return [];
  const rows = records.map((r) => [
    r.id,
    new Date(r.atMs).toISOString().slice(0, 19).replace('T', ' '),
    r.source,
    r.operation,
    r.key,
    r.error.code,
    retell(r.error.message),
  ]);
  return columns(
    [
      [t('Id'), t('When (UTC)'), t('Table'), t('Operation'), t('Key'), t('Code'), t('What')].map(style.bold),
      ...rows,
    ],
    [0],
  );
}
