import type { PreviewTable } from '../../shared/catalog-api.js';
import { flag, taskArgument, text, wholeNumber, type Command } from '../command.js';
import { jsonOption, stateHelp, stateOption, withEngine } from '../engine.js';
import { trustedTask, trustHelp, trustOptions } from '../trust.js';
import { clip, columns, type Terminal } from '../terminal.js';
import { retell, t } from '../words.js';

export const preview: Command = {
  name: 'preview',
  summary: 'show the first rows as they would be written, without writing',
  usage: 'TASK [--table DB.TABLE] [--rows N] [--json] [--trust-file] [--state DIR]',
  help: [
    'Reads the first rows of each selected table, applies its filter, transformation and types, and shows the result as Tablestore would store it. A row that could not be written shows the reason.',
  ],
  options: {
    table: { type: 'string' },
    rows: { type: 'string' },
    ...trustOptions,
    ...stateOption,
    ...jsonOption,
  },
  optionHelp: {
    '--table DB.TABLE': 'only this table',
    '--rows N': 'rows per table, 1 to 1000; default 5',
    '--json': 'print one JSON object per table on stdout',
    ...trustHelp,
    ...stateHelp,
  },
  async run(context, values, positionals) {
    const { terminal } = context;
    const { task } = await trustedTask(context, values, taskArgument('preview', positionals));
    const table = text(values, 'table');
    const rows = wholeNumber(values, 'rows', 1, 1000, 'preview') ?? 5;
    const tables = await withEngine(context, values, {}, (engine) =>
      engine.api.preview(task, { rows, ...(table !== undefined && { table }) }),
    );
    for (const [index, one] of tables.entries()) {
      if (flag(values, 'json')) terminal.print(JSON.stringify({ type: 'preview', ...one }));
      else {
        if (index > 0) terminal.print();
        for (const line of tableLines(one, terminal)) terminal.print(line);
      }
    }
    return 0;
  },
};

const widest = 30;

function tableLines(table: PreviewTable, { style, width }: Terminal): string[] {
  const head = table.columns.map((c) => style.bold(c.name));
  const types = table.columns.map((c) => style.dim(`${c.type}${c.key ? ` ${t('key')}` : ''}`));
  const cell = (value: string | null | undefined) =>
    value == null ? style.dim('-') : clip(oneLine(value), widest);
  const rows = table.rows.map((row) => table.columns.map((_, i) => cell(row.cells[i])));
  const lines = columns([head, types, ...rows]).map((line) => clip(line.trimEnd(), width));
  const problems = table.rows.flatMap((row, i) =>
    row.problem
      ? [style.red(`${t('row {0}', i + 1)}: ${row.problem.code} ${retell(row.problem.message)}`)]
      : [],
  );
  return [`${table.source} → ${style.bold(table.destination)}`, ...lines, ...problems];
}

const oneLine = (value: string) =>
  value.replaceAll('\r', '\\r').replaceAll('\n', '\\n').replaceAll('\t', '\\t');
