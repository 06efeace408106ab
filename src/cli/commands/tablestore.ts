import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { userDataDir } from '../../engine/base/paths.js';
import {
  openTablestoreData,
  parseFaultRules,
  serviceLimits,
  startLocalTablestore,
  type FaultRule,
  type TablestoreData,
} from '../../local-tablestore/index.js';
import { RowferryError } from '../../shared/errors.js';
import { nearest } from '../../shared/nearest.js';
import {
  flag,
  text,
  usageError,
  wholeNumber,
  type CliContext,
  type Command,
  type Values,
} from '../command.js';
import { count } from '../figures.js';
import { columns } from '../terminal.js';
import { cellText, rowJson } from '../row-text.js';
import { t } from '../words.js';

/** In place of a folder: nothing is kept. */
const IN_MEMORY = ':memory:';

export const tablestore: Command = {
  name: 'tablestore',
  summary: 'run an embedded Tablestore, or inspect its data',
  usage:
    '[--port N] [--data DIR] [--instance NAME] [--discard] [--service-limits] [--allow-repeated-keys] [--faults FILE]\n       rowferry tablestore ls | get TABLE KEY… | scan TABLE | export TABLE  [--data DIR]',
  help: [
    'Without an action, serves the Tablestore protocol on 127.0.0.1 until interrupted. It prints its address and AccessKey pair, which it creates once and keeps with the data. Any official SDK can connect to it.',
    'ls lists the tables, get shows one row by its key values, scan shows the first rows, and export writes all rows of a table, one JSON object per line. They read the data folder, whether or not a server is using it.',
  ],
  options: {
    port: { type: 'string' },
    data: { type: 'string' },
    instance: { type: 'string' },
    'access-key-id': { type: 'string' },
    discard: { type: 'boolean' },
    'service-limits': { type: 'boolean' },
    'allow-repeated-keys': { type: 'boolean' },
    faults: { type: 'string' },
    limit: { type: 'string' },
    json: { type: 'boolean' },
  },
  optionHelp: {
    '--port N': 'port; default 8087, 0 for any free port',
    '--data DIR': 'data folder, or :memory:; default: a folder of the current user',
    '--instance NAME': 'instance name; default: local',
    '--access-key-id ID': 'use this ID and the secret in $OTS_SECRET instead of the stored pair',
    '--discard': 'acknowledge writes without storing them, for benchmarks',
    '--service-limits':
      'apply the limits of the service: 64 tables, 10 table operations/s, new tables not ready immediately',
    '--allow-repeated-keys':
      'accept several changes of one key in a BatchWriteRow, as the SDK test suites require',
    '--faults FILE': 'JSON list of faults to inject; see docs/local-tablestore.md',
    '--limit N': 'scan: how many rows; default 20',
    '--json': 'ls, get, scan: print JSON, one object per line',
  },
  examples: [
    'rowferry tablestore --port 8087 --data ./data',
    'rowferry tablestore get orders 1001 --data ./data',
  ],
  async run(context, values, positionals) {
    const [action, ...rest] = positionals;
    if (action === undefined) return serve(context, values);
    const look = actions[action];
    if (!look) {
      const meant = nearest(action, Object.keys(actions));
      throw usageError(
        `There is no "tablestore ${action}".${meant ? ` Did you mean "${meant}"?` : ''}`,
        'tablestore',
      );
    }
    const data = openTablestoreData(dataFolder(context, values), text(values, 'instance') ?? 'local');
    try {
      return look(context, values, data, rest);
    } finally {
      data.close();
    }
  },
};

async function serve(context: CliContext, values: Values): Promise<number> {
  const { terminal, interrupted } = context;
  const accessKeyId = text(values, 'access-key-id');
  const accessKeySecret = context.environment['OTS_SECRET'];
  if (accessKeyId !== undefined && !accessKeySecret) {
    throw new RowferryError(
      'ROW-T103',
      '--access-key-id requires the secret in the environment variable OTS_SECRET.',
      {
        remedy: 'Set OTS_SECRET. Other users could read a secret on the command line.',
      },
    );
  }
  const faultsFile = text(values, 'faults');
  const server = await startLocalTablestore({
    ...(faultsFile !== undefined && { faults: readFaults(resolve(context.cwd, faultsFile)) }),
    limits: {
      ...(flag(values, 'service-limits') && serviceLimits),
      ...(flag(values, 'allow-repeated-keys') && { repeatedKeys: 'allow' }),
    },
    port: wholeNumber(values, 'port', 0, 65_535, 'tablestore') ?? 8087,
    data: dataFolder(context, values),
    instance: text(values, 'instance') ?? 'local',
    discard: flag(values, 'discard'),
    ...(accessKeyId !== undefined && accessKeySecret && { accessKeyId, accessKeySecret }),
  });
  terminal.print(`listening on ${server.url}`);
  terminal.print(`instance: ${server.instance}`);
  terminal.print(`access key id: ${server.accessKeyId}`);
  terminal.print(`access key secret: ${server.accessKeySecret}`);
  await new Promise<void>((settle) => {
    if (interrupted.aborted) settle();
    interrupted.addEventListener('abort', () => settle());
  });
  await server.close();
  return 0;
}

function readFaults(path: string): FaultRule[] {
  try {
    return parseFaultRules(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof RowferryError) throw error;
    throw new RowferryError('ROW-T104', `The list of faults ${path} could not be read.`, {
      remedy: 'Check the path.',
      cause: error,
    });
  }
}

type Look = (context: CliContext, values: Values, data: TablestoreData, rest: string[]) => number;

const actions: Record<string, Look> = {
  ls({ terminal }, values, data) {
    const tables = data.tables();
    if (flag(values, 'json')) {
      for (const table of tables) terminal.print(JSON.stringify(table));
      return 0;
    }
    const rows = tables.map(({ name, rows, primaryKey }) => [
      name,
      count(rows),
      primaryKey.map((k) => `${k.name} ${k.type}`).join(', '),
    ]);
    for (const line of columns(
      [[t('Table'), t('Rows'), t('Primary key')].map(terminal.style.bold), ...rows],
      [1],
    )) {
      terminal.print(line);
    }
    return 0;
  },
  get({ terminal }, values, data, [table, ...key]) {
    if (table === undefined || key.length === 0)
      throw usageError('get requires a table and its key values.', 'tablestore');
    const row = data.get(table, key);
    if (!row) {
      terminal.note(t('{0} has no row {1}.', table, key.join(', ')));
      return 1;
    }
    if (flag(values, 'json')) terminal.print(rowJson(row.primaryKey, row.columns));
    else {
      const cells = [...Object.entries(row.primaryKey), ...Object.entries(row.columns)];
      for (const line of columns(cells.map(([name, value]) => [name, cellText(value)]))) terminal.print(line);
    }
    return 0;
  },
  scan({ terminal }, values, data, rest) {
    const table = onlyTable('scan', rest);
    const limit = wholeNumber(values, 'limit', 1, 1_000_000, 'tablestore') ?? 20;
    const found = [...data.scan(table, { limit })];
    if (flag(values, 'json')) {
      for (const row of found) terminal.print(rowJson(row.primaryKey, row.columns));
      return 0;
    }
    const names = [
      ...new Set(found.flatMap((r) => [...Object.keys(r.primaryKey), ...Object.keys(r.columns)])),
    ];
    const lines = found.map((r) => {
      const cells = new Map<string, unknown>([...Object.entries(r.columns), ...Object.entries(r.primaryKey)]);
      return names.map((name) =>
        cells.has(name) ? cellText(cells.get(name)).slice(0, 40) : terminal.style.dim('-'),
      );
    });
    for (const line of columns([names.map(terminal.style.bold), ...lines])) terminal.print(line.trimEnd());
    return 0;
  },
  export({ terminal }, _values, data, rest) {
    for (const row of data.scan(onlyTable('export', rest)))
      terminal.print(rowJson(row.primaryKey, row.columns));
    return 0;
  },
};

function onlyTable(action: string, rest: readonly string[]): string {
  const [table, extra] = rest;
  if (table === undefined) throw usageError(`${action} requires a table.`, 'tablestore');
  if (extra !== undefined) throw usageError(`Unexpected argument "${extra}".`, 'tablestore');
  return table;
}

function dataFolder(context: CliContext, values: Values): string {
  const named = text(values, 'data');
  if (named === IN_MEMORY) return named;
  return named === undefined
    ? join(userDataDir(context.environment), 'tablestore')
    : resolve(context.cwd, named);
}
