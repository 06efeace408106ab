import { foldName } from '../shared/source-name.js';
import { identifier, type SourceConnection } from './connection.js';
import { dependsOnSession } from './generated.js';
import type { Column, Key, TableDefinition } from './model.js';

/** A table, or with `table` left out every table of the database. */
export interface TableSelector {
  readonly database: string;
  readonly table?: string;
}

const systemDatabases = new Set(['mysql', 'information_schema', 'performance_schema', 'sys']);

/** Databases that hold people's data, by name. */
export async function listDatabases(connection: SourceConnection): Promise<string[]> {
  const rows = await connection.query<{ name: string }>(
    'SELECT SCHEMA_NAME AS name FROM INFORMATION_SCHEMA.SCHEMATA ORDER BY SCHEMA_NAME',
  );
  return rows.map((row) => row.name).filter((name) => !systemDatabases.has(name.toLowerCase()));
}

interface TableRow {
  db: string;
  name: string;
  engine: string | null;
  collation: string | null;
  estimated: number | string | null;
  average: number | string | null;
}

interface ColumnRow {
  db: string;
  tab: string;
  name: string;
  dataType: string;
  columnType: string;
  nullable: string;
  chars: number | string | null;
  octets: number | string | null;
  numericPrecision: number | string | null;
  scale: number | string | null;
  fraction: number | string | null;
  charset: string | null;
  collation: string | null;
  extra: string;
}

interface ExpressionRow {
  db: string;
  tab: string;
  name: string;
  expression: string;
}

interface IndexRow {
  db: string;
  tab: string;
  name: string;
  nonUnique: number | string;
  columnName: string | null;
  prefix: number | string | null;
}

/**
 * Base tables that the selectors name, ordered by database and name; what does not exist is left out. Three
 * queries whatever the number of tables, four where the source does not log cascades. Columns include generated and invisible ones and generated invisible
 * primary keys. Throws RowferryError.
 */
export async function loadTables(
  connection: SourceConnection,
  selectors: readonly TableSelector[],
): Promise<TableDefinition[]> {
  if (selectors.length === 0) return [];
  const { lowerCaseTableNames, logsCascades } = await connection.facts();
  const fold = (name: string): string => (lowerCaseTableNames === 0 ? name : foldName(name));
  const wanted = new Map<string, Set<string> | 'all'>();
  for (const { database, table } of selectors) {
    const known = wanted.get(fold(database));
    if (table === undefined) wanted.set(fold(database), 'all');
    else if (known === undefined) wanted.set(fold(database), new Set([fold(table)]));
    else if (known !== 'all') known.add(fold(table));
  }
  const isWanted = (database: string, table: string): boolean => {
    const tables = wanted.get(fold(database));
    return tables === 'all' || tables?.has(fold(table)) === true;
  };

  const [where, params] = condition(wanted);
  const tables = await connection.query<TableRow>(
    `SELECT TABLE_SCHEMA AS db, TABLE_NAME AS name, ENGINE AS engine, TABLE_COLLATION AS collation,
            TABLE_ROWS AS estimated, AVG_ROW_LENGTH AS average
       FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_TYPE = 'BASE TABLE' AND (${where})`,
    params,
  );
  const columns = await connection.query<ColumnRow>(
    `SELECT TABLE_SCHEMA AS db, TABLE_NAME AS tab, COLUMN_NAME AS name, DATA_TYPE AS dataType,
            COLUMN_TYPE AS columnType, IS_NULLABLE AS nullable, CHARACTER_MAXIMUM_LENGTH AS chars,
            CHARACTER_OCTET_LENGTH AS octets, NUMERIC_PRECISION AS numericPrecision, NUMERIC_SCALE AS scale,
            DATETIME_PRECISION AS fraction, CHARACTER_SET_NAME AS charset, COLLATION_NAME AS collation,
            EXTRA AS extra
       FROM INFORMATION_SCHEMA.COLUMNS WHERE ${where}
      ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION`,
    params,
  );
  const indexes = await connection.query<IndexRow>(
    `SELECT TABLE_SCHEMA AS db, TABLE_NAME AS tab, INDEX_NAME AS name, NON_UNIQUE AS nonUnique,
            COLUMN_NAME AS columnName, SUB_PART AS prefix
       FROM INFORMATION_SCHEMA.STATISTICS WHERE ${where}
      ORDER BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX`,
    params,
  );

  const children = logsCascades
    ? []
    : await connection.query<ChildRow>(unloggedCascades, [[...wanted.keys()]]);
  const cascading = new Set(children.map(({ db, tab }) => tableId(fold(db), fold(tab))));

  // Servers that have no such columns do not have the expression either.
  const expressions = columns.some(({ extra }) => isGenerated(extra))
    ? await connection.query<ExpressionRow>(
        `SELECT TABLE_SCHEMA AS db, TABLE_NAME AS tab, COLUMN_NAME AS name, GENERATION_EXPRESSION AS expression
           FROM INFORMATION_SCHEMA.COLUMNS WHERE GENERATION_EXPRESSION <> '' AND (${where})`,
        params,
      )
    : [];
  const expressionsOf = groupByTable(expressions, isWanted);
  const columnsOf = groupByTable(columns, isWanted);
  const indexesOf = groupByTable(indexes, isWanted);
  return tables
    .filter((row) => isWanted(row.db, row.name))
    .sort((a, b) => compareText(a.db, b.db) || compareText(a.name, b.name))
    .map((row) => {
      const id = tableId(row.db, row.name);
      return {
        database: row.db,
        name: row.name,
        ...(lowerCaseTableNames === 0 && { caseSensitive: true }),
        engine: row.engine ?? '',
        collation: row.collation,
        columns: withVolatile(columnsOf.get(id) ?? [], expressionsOf.get(id) ?? []),
        keys: toKeys(indexesOf.get(id) ?? []),
        ...(cascading.has(tableId(fold(row.db), fold(row.name))) && { cascades: true as const }),
        estimatedRows: Number(row.estimated ?? 0),
        averageRowBytes: Number(row.average ?? 0),
      };
    });
}

interface ChildRow {
  db: string;
  tab: string;
}

const unloggedCascades = `
  SELECT DISTINCT CONSTRAINT_SCHEMA AS db, TABLE_NAME AS tab FROM INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS
   WHERE CONSTRAINT_SCHEMA IN (?)
     AND (DELETE_RULE IN ('CASCADE', 'SET NULL', 'SET DEFAULT') OR UPDATE_RULE IN ('CASCADE', 'SET NULL', 'SET DEFAULT'))`;

function condition(wanted: ReadonlyMap<string, ReadonlySet<string> | 'all'>): [string, unknown[]] {
  const parts: string[] = [];
  const params: unknown[] = [];
  for (const [database, tables] of wanted) {
    params.push(database);
    if (tables === 'all') parts.push('TABLE_SCHEMA = ?');
    else {
      parts.push('(TABLE_SCHEMA = ? AND TABLE_NAME IN (?))');
      params.push([...tables]);
    }
  }
  return [parts.join(' OR '), params];
}

function tableId(database: string, table: string): string {
  return `${identifier(database)}.${identifier(table)}`;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function groupByTable<T extends { db: string; tab: string }>(
  rows: readonly T[],
  isWanted: (database: string, table: string) => boolean,
): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    if (!isWanted(row.db, row.tab)) continue;
    const id = tableId(row.db, row.tab);
    const group = groups.get(id);
    if (group) group.push(row);
    else groups.set(id, [row]);
  }
  return groups;
}

const binaryTypes = new Set(['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob', 'vector']);

const isGenerated = (extra: string): boolean =>
  /\b(VIRTUAL|STORED|PERSISTENT) GENERATED\b|^(VIRTUAL|PERSISTENT)$/i.test(extra);

/** Columns may be generated from generated ones, in this order only for virtual ones: until nothing more is found. */
function withVolatile(rows: readonly ColumnRow[], expressions: readonly ExpressionRow[]): Column[] {
  let columns = rows.map(toColumn);
  for (let found = true; found;) {
    found = false;
    const steady = columns.filter((column) => !column.volatile);
    columns = columns.map((column, i) => {
      if (!column.generated || column.volatile) return column;
      const text = expressions.find(({ name }) => name === column.name)?.expression;
      if (text !== undefined && !dependsOnSession(text, steady, column)) return column;
      found = true;
      return { ...column, volatile: /\bVIRTUAL\b/i.test(rows[i]!.extra) ? 'virtual' : 'stored' };
    });
  }
  return columns;
}

function toColumn(row: ColumnRow): Column {
  const dataType = row.dataType.toLowerCase();
  const { extra } = row;
  const bits = dataType === 'bit' ? Number(row.numericPrecision ?? 1) : 0;
  return {
    name: row.name,
    dataType,
    columnType: row.columnType,
    nullable: row.nullable === 'YES',
    unsigned: / unsigned\b/i.test(row.columnType) && row.charset === null,
    length: bits || Number((binaryTypes.has(dataType) ? row.octets : row.chars) ?? 0),
    precision: dataType === 'decimal' ? Number(row.numericPrecision ?? 0) : 0,
    decimals: Number(row.fraction ?? row.scale ?? 0),
    charset: row.charset,
    collation: row.collation,
    members: dataType === 'enum' || dataType === 'set' ? parseMembers(row.columnType) : [],
    // DEFAULT_GENERATED is an expression as default: an ordinary column.
    generated: isGenerated(extra),
    invisible: /\bINVISIBLE\b/i.test(extra),
    ...(/\bAUTO_INCREMENT\b/i.test(extra) && { autoIncrement: true }),
  };
}

/** Labels of `enum('a','it''s')` as COLUMN_TYPE prints them: quotes doubled, backslash escapes as in a literal. */
export function parseMembers(columnType: string): string[] {
  const members: string[] = [];
  let at = columnType.indexOf('(') + 1;
  while (at > 0 && columnType[at] === "'") {
    let label = '';
    for (at++; at < columnType.length; at++) {
      const character = columnType[at]!;
      if (character === "'") {
        if (columnType[at + 1] !== "'") break;
        at++;
        label += "'";
      } else if (character === '\\') {
        at++;
        const escaped = columnType[at] ?? '';
        label += { '0': '\0', n: '\n', r: '\r', t: '\t', b: '\b', Z: '\x1a' }[escaped] ?? escaped;
      } else label += character;
    }
    members.push(label);
    at++;
    if (columnType[at] === ',') at++;
  }
  return members;
}

/** Primary key first, then the other indexes by name; those with a prefix or an expression are left out. */
function toKeys(rows: readonly IndexRow[]): Key[] {
  const byName = new Map<string, IndexRow[]>();
  for (const row of rows) {
    const parts = byName.get(row.name);
    if (parts) parts.push(row);
    else byName.set(row.name, [row]);
  }
  const keys: Key[] = [];
  for (const [name, parts] of byName) {
    if (parts.some((part) => part.columnName === null || part.prefix !== null)) continue;
    keys.push({
      name,
      primary: name === 'PRIMARY',
      unique: Number(parts[0]!.nonUnique) === 0,
      columns: parts.map((part) => part.columnName!),
    });
  }
  return keys.sort((a, b) => Number(b.primary) - Number(a.primary));
}
