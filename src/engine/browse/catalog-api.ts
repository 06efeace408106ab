import { listDatabases, loadTables } from '../../mysql/catalog.js';
import { identifier } from '../../mysql/connection.js';
import type { Column, TableDefinition } from '../../mysql/model.js';
import type {
  CatalogApi,
  CatalogColumn,
  CatalogTable,
  DestinationRows,
  DestinationTable,
} from '../../shared/catalog-api.js';
import { RowferryError } from '../../shared/errors.js';
import { defaultCellType } from '../../mysql/types/index.js';
import { keyProblem } from '../../sync/precheck/selection.js';
import { contentsOf } from '../../sync/rows/row-content.js';
import type { TablestoreClient } from '../../tablestore/client/client.js';
import {
  describeTable,
  getRange,
  keyBounds,
  listTables,
  type KeyType,
} from '../../tablestore/client/operations.js';
import { changeSample, makeSample } from './sample.js';
import { withDestination, withSource } from './sessions.js';
import { sourceRows } from './source-rows.js';
import { decodeRows } from '../../tablestore/wire/plainbuffer.js';
import { prepareName, RowWriter } from '../../tablestore/wire/row-writer.js';

/** What forms and trees ask of a source or a destination, with or without a task. Each call has its own session. */
export const catalogApi: Omit<
  CatalogApi,
  | 'preview'
  | 'compareRow'
  | 'localTablestore'
  | 'startLocalTablestore'
  | 'stopLocalTablestore'
  | 'startTrialMysql'
  | 'stopTrialMysql'
> = {
  testSource: (source) =>
    withSource(source, async (connection) => ({ version: (await connection.facts()).version })),
  testDestination: (destination) =>
    withDestination(destination, async (client) => ({ tables: (await listTables(client)).length })),
  databases: (source) => withSource(source, listDatabases),
  catalog: (source, database) =>
    withSource(source, async (connection) =>
      (await loadTables(connection, [{ database }])).map(catalogTable),
    ),
  countRows: (source, { database, name, filter }) =>
    withSource(source, async (connection) => {
      const where = filter === undefined || filter.trim() === '' ? '' : ` WHERE (${filter})`;
      const [row] = await connection.query<{ found: number | string }>(
        `SELECT /*+ MAX_EXECUTION_TIME(30000) */ COUNT(*) AS found FROM ${identifier(database)}.${identifier(name)}${where}`,
      );
      return Number(row?.found ?? 0);
    }),
  sourceRows: (source, table, page) =>
    withSource(source, (connection) => sourceRows(connection, table, page)),
  makeSample: (source) => withSource(source, makeSample),
  changeSample: (source) => withSource(source, changeSample),
  destinationTables: (destination) => withDestination(destination, (client) => listTables(client)),
  destinationTable: (destination, table) =>
    withDestination(destination, async (client): Promise<DestinationTable> => {
      const { name, keys } = await described(client, table);
      return { name, primaryKey: keys.map((key) => ({ name: key.name, type: key.type })) };
    }),
  destinationRows: (destination, table, page) =>
    withDestination(destination, async (client): Promise<DestinationRows> => {
      const { keys } = await described(client, table);
      const bounds = keyBounds(keys.map((key) => key.name));
      const start =
        page.from === undefined ? startKey(keys, page.startAt ?? []) : Buffer.from(page.from, 'base64');
      const { rows, next } = await getRange(client, { table, start, end: bounds.end, limit: page.limit });
      const decoded = rows.length === 0 ? [] : decodeRows(rows);
      const columns = new Set(keys.map((key) => key.name));
      for (const row of decoded) for (const cell of row.cells) columns.add(cell.name);
      const names = [...columns];
      return {
        columns: names,
        keyColumns: keys.length,
        rows: decoded.map((row) => {
          const cells = new Map<string, unknown>([
            ...row.primaryKey,
            ...row.cells.map((cell) => [cell.name, cell.value] as const),
          ]);
          return names.map((name) => (cells.has(name) ? shown(cells.get(name)) : null));
        }),
        keys: contentsOf(rows, new Set()).map(({ key }) => Buffer.from(key, 'latin1').toString('base64')),
        next: next === null ? null : next.toString('base64'),
      };
    }),
};

function catalogTable(table: TableDefinition): CatalogTable {
  const { database, name, estimatedRows, averageRowBytes, engine } = table;
  return {
    database,
    name,
    estimatedRows,
    averageRowBytes,
    engine,
    columns: table.columns.map(catalogColumn),
    keys: table.keys.map((key) => ({
      name: key.name,
      primary: key.primary,
      unique: key.unique,
      columns: [...key.columns],
    })),
  };
}

function catalogColumn(column: Column): CatalogColumn {
  return {
    name: column.name,
    type: column.columnType,
    dataType: column.dataType,
    nullable: column.nullable,
    generated: column.generated,
    invisible: column.invisible,
    cellType: defaultCellType(column),
    keyProblem: keyProblem(column),
  };
}

/** The key from which a page begins; columns without a value begin with the smallest. Throws ROW-T104. */
function startKey(keys: readonly { name: string; type: KeyType }[], values: readonly string[]): Buffer {
  const writer = new RowWriter(4096);
  writer.beginRow();
  keys.forEach(({ name, type }, index) => {
    const value = values[index];
    if (value === undefined || value === '') {
      writer.keyBound(prepareName(name), 'minimum');
      return;
    }
    const cell = writer.key(prepareName(name));
    if (type === 'STRING') cell.text(value);
    else if (type === 'BINARY') {
      if (!/^0x([0-9a-f]{2})*$/i.test(value))
        throw notAKey(name, value, 'Write it as 0x followed by two hex digits per byte.');
      const bytes = Buffer.from(value.slice(2), 'hex');
      cell.binary(bytes, 0, bytes.length);
    } else {
      const number = /^[+-]?\d{1,19}$/.test(value.trim()) ? BigInt(value.trim()) : undefined;
      if (number === undefined || BigInt.asIntN(64, number) !== number)
        throw notAKey(name, value, 'Enter a 64-bit whole number.');
      cell.bigInteger(number);
    }
  });
  writer.endRow();
  return writer.copyRow();
}

function notAKey(name: string, value: string, remedy: string): RowferryError {
  return new RowferryError('ROW-T104', `${value} is not a valid value for the key column ${name}.`, {
    remedy,
  });
}

/** Values as text, binary as 0x…. */
function shown(value: unknown): string {
  return Buffer.isBuffer(value) ? `0x${value.toString('hex')}` : String(value);
}

async function described(client: TablestoreClient, table: string) {
  const description = await describeTable(client, table);
  if (description) return description;
  throw new RowferryError('ROW-D108', `The instance has no table ${table}.`);
}
