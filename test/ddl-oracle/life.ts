import { copyFileSync } from 'node:fs';
import path from 'node:path';
import type { MysqlServer } from '../support/mysql-server.js';
import type { Chance } from '../support/chance.js';
import { createTable, idName, statement, valueOf, type Seen, type Statement } from './grammar.js';

/** What happens to one database, so that it can happen again. */
export type Step =
  | { readonly do: 'statement'; readonly table: string; readonly statement: Statement }
  /** Rows change; one statement each, under no sql_mode. */
  | {
      readonly do: 'rows';
      readonly table: string;
      readonly image: 'FULL' | 'MINIMAL';
      readonly sql: readonly string[];
    }
  /** DISCARD TABLESPACE, and IMPORT TABLESPACE of a copy in which the rows are others. */
  | { readonly do: 'import'; readonly table: string }
  /** The stopped table is loaded anew, into a table that is made anew. */
  | { readonly do: 'reload'; readonly table: string }
  /** The replica must have come here. */
  | { readonly do: 'settle' };

export interface Mapping {
  readonly primaryKey?: string[];
  readonly filter?: string;
  readonly columns?: Record<string, { type?: string; unit?: string; exclude?: true }>;
}

/** A database, how it is replicated, and what has happened to it. */
export interface Life {
  readonly database: string;
  /** Mappings of its tables; null: the whole database is selected. */
  mapping: Record<string, Mapping> | null;
  /** Before the replication began, and since. */
  readonly before: Step[];
  readonly script: Step[];
}

const quoted = (name: string) => `\`${name.replaceAll('`', '``')}\``;
const inWords = (sql: string, database: string, table: string) =>
  sql.replace(/\bT\b/g, () => `${database}.${quoted(table)}`).replace(/\bD\./g, () => `${database}.`);

/** As it goes to the server. */
export function sqlOf({ head, parts }: Statement, database: string, table: string): string {
  return inWords(`${head} ${parts.join(', ')}`.trim(), database, table);
}

/** Carries a step out. False: the server refused it. */
export async function carryOut(mysql: MysqlServer, database: string, step: Step): Promise<boolean> {
  if (step.do === 'settle' || step.do === 'reload') return true;
  if (step.do === 'import') return importTablespace(mysql, database, step.table);
  const session = await mysql.connect({ multipleStatements: false });
  let carriedOut = false;
  try {
    await session.query(`USE ${database}`);
    const settings =
      step.do === 'statement'
        ? step.statement.session
        : ["SET sql_mode = ''", `SET binlog_row_image = ${step.image}`];
    for (const one of settings) await isTaken(session.query(one));
    const all =
      step.do === 'statement'
        ? [sqlOf(step.statement, database, step.table)]
        : step.sql.map((sql) => inWords(sql, database, step.table));
    for (const sql of all) carriedOut = (await isTaken(session.query(sql))) || carriedOut;
  } finally {
    session.destroy();
  }
  return carriedOut;
}

async function isTaken(query: Promise<unknown>): Promise<boolean> {
  try {
    await query;
    return true;
  } catch (error) {
    if (typeof (error as { errno?: unknown }).errno !== 'number' || (error as { fatal?: boolean }).fatal)
      throw error;
    return false;
  }
}

async function importTablespace(mysql: MysqlServer, database: string, table: string): Promise<boolean> {
  const name = `${database}.${quoted(table)}`;
  const copy = `${database}.copied`;
  const session = await mysql.connect();
  try {
    const rows = (await seen(mysql, database, table)).columns.filter(
      ({ generated, name }) => !generated && name !== idName,
    );
    await session.query(`SET sql_mode = '', sql_log_bin = 0`);
    await session.query(`CREATE TABLE ${copy} LIKE ${name}; INSERT INTO ${copy} SELECT * FROM ${name}`);
    for (const { name: column, type } of rows.slice(0, 2))
      await isTaken(
        session.query(
          `UPDATE IGNORE ${copy} SET ${quoted(column)} = ${/int|dec|float|double/.test(type) ? 42 : "'4'"}`,
        ),
      );
    await session.query('SET sql_log_bin = 1');
    await session.query(`ALTER TABLE ${name} DISCARD TABLESPACE`);
    await session.query(`FLUSH TABLES ${copy} FOR EXPORT`);
    const [[{ folder }]] = (await session.query('SELECT @@datadir AS folder')) as unknown as [
      [{ folder: string }],
    ];
    for (const end of ['ibd', 'cfg'])
      copyFileSync(
        path.join(folder, database, `copied.${end}`),
        path.join(folder, database, `${table}.${end}`),
      );
    await session.query(`UNLOCK TABLES; ALTER TABLE ${name} IMPORT TABLESPACE`);
    return true;
  } catch (error) {
    if (typeof (error as { errno?: unknown }).errno === 'number') return false;
    throw error;
  } finally {
    await session.query(`UNLOCK TABLES; SET sql_log_bin = 0; DROP TABLE IF EXISTS ${copy}`);
    session.destroy();
  }
}

/** The table as the server has it now. */
export async function seen(mysql: MysqlServer, database: string, table: string): Promise<Seen> {
  const names = (sql: string) =>
    mysql
      .query<{ name: string | null }>(sql, [database, table])
      .then((rows) => rows.flatMap(({ name }) => name ?? []));
  const where = 'WHERE table_schema = ? AND table_name = ?';
  return {
    columns: (
      await mysql.query<{ name: string; type: string; extra: string; expression: string }>(
        `SELECT column_name AS name, column_type AS type, generation_expression AS expression
         FROM information_schema.columns ${where} ORDER BY ordinal_position`,
        [database, table],
      )
    ).map(({ name, type, expression }) => ({ name, type, generated: expression !== '' })),
    indexes: await names(`SELECT DISTINCT index_name AS name FROM information_schema.statistics ${where}`),
    constraints: await names(
      `SELECT constraint_name AS name FROM information_schema.table_constraints ${where} AND constraint_type IN ('CHECK', 'FOREIGN KEY')`,
    ),
    partitions: await names(
      `SELECT DISTINCT partition_name AS name FROM information_schema.partitions ${where}`,
    ),
    tables: await tablesOf(mysql, database),
  };
}

/** In no order that means anything. */
export async function tablesOf(mysql: MysqlServer, database: string): Promise<string[]> {
  const rows = await mysql.query<{ name: string }>(
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ? AND table_type = 'BASE TABLE' ORDER BY 1",
    [database],
  );
  return rows.map(({ name }) => name);
}

/** A database with a table or two, created at the server; it is drawn again until the server takes it. */
export async function begin(
  mysql: MysqlServer,
  chance: Chance,
  database: string,
  isWhole: boolean,
): Promise<Life> {
  await mysql.query(`CREATE DATABASE ${database}`);
  const life: Life = { database, mapping: null, before: [], script: [] };
  const tryIt = async (step: Step) => {
    const done = await carryOut(mysql, database, step);
    if (done) life.before.push(step);
    return done;
  };
  while (!(await tryIt({ do: 'statement', table: 'a', statement: createTable(chance) })));
  // A twin, so that partitions can be exchanged and names swapped; or another.
  if (chance.once(2))
    await tryIt({
      do: 'statement',
      table: 'b',
      statement: { session: [], head: 'CREATE TABLE T LIKE D.a', parts: [] },
    });
  else await tryIt({ do: 'statement', table: 'b', statement: createTable(chance) });
  const tables = await tablesOf(mysql, database);
  for (const table of tables) {
    const rows = await rowsStep(mysql, chance, database, table, true);
    if (rows) await tryIt(rows);
  }
  if (!isWhole) {
    life.mapping = {};
    for (const table of tables) life.mapping[table] = await mappingOf(mysql, chance, database, table);
  }
  return life;
}

/** Rows that come, change and go; null for a table without columns that take values. */
export async function rowsStep(
  mysql: MysqlServer,
  chance: Chance,
  database: string,
  table: string,
  isFirst = false,
): Promise<Step | null> {
  const { columns } = await seen(mysql, database, table);
  const plain = columns.filter(({ generated }) => !generated);
  if (plain.length === 0) return null;
  const value = ({ name, type }: { name: string; type: string }) =>
    name === idName || name === 'code' ? `'${1 + chance.below(16)}'` : valueOf(chance, type);
  const insert = () =>
    `INSERT IGNORE INTO T (${plain.map(({ name }) => quoted(name)).join(', ')}) VALUES (${plain.map(value).join(', ')})`;
  const change = () => {
    const column = chance.of(plain);
    return `UPDATE IGNORE T SET ${quoted(column.name)} = ${value(column)} LIMIT ${1 + chance.below(3)}`;
  };
  const sql = Array.from({ length: isFirst ? 7 : 2 }, insert);
  if (!isFirst) sql.push(change(), change(), 'DELETE FROM T LIMIT 1', insert());
  return { do: 'rows', table, image: !isFirst && chance.once(5) ? 'MINIMAL' : 'FULL', sql };
}

/** The next of what happens, made up from what there is now; null when nothing is there. */
export async function nextStep(mysql: MysqlServer, chance: Chance, life: Life): Promise<Step | null> {
  const { database, mapping } = life;
  const tables = await tablesOf(mysql, database);
  if (tables.length === 0) return null;
  const table = chance.of(tables);
  if (mapping && chance.once(30)) return { do: 'import', table };
  return {
    do: 'statement',
    table,
    statement: statement(chance, await seen(mysql, database, table), mapping === null),
  };
}

/** What may become of a printed type beside its default. */
const otherTypes: readonly (readonly [RegExp, readonly { type: string; unit?: string }[]])[] = [
  [/^(tiny|small|medium|big)?int/, [{ type: 'STRING' }, { type: 'DOUBLE' }, { type: 'BOOLEAN' }]],
  [/^decimal/, [{ type: 'DOUBLE' }]],
  [/^bit/, [{ type: 'STRING' }, { type: 'BINARY' }, { type: 'BOOLEAN' }]],
  [/^year/, [{ type: 'STRING' }]],
  [/^(var)?char|text$/, [{ type: 'BINARY' }]],
  [/^(datetime|timestamp)/, [{ type: 'INTEGER', unit: 'us' }, { type: 'INTEGER' }]],
];

async function mappingOf(
  mysql: MysqlServer,
  chance: Chance,
  database: string,
  table: string,
): Promise<Mapping> {
  const { columns, indexes } = await seen(mysql, database, table);
  const types: NonNullable<Mapping['columns']> = {};
  const keys = new Set(
    (
      await mysql.query<{ name: string }>(
        'SELECT column_name AS name FROM information_schema.statistics WHERE table_schema = ? AND table_name = ? AND non_unique = 0',
        [database, table],
      )
    ).map(({ name }) => name),
  );
  for (const { name, type } of columns) {
    if (keys.has(name)) continue;
    const others = otherTypes.find(([pattern]) => pattern.test(type))?.[1];
    if (others && chance.once(4)) types[name] = chance.of(others);
    else if (chance.once(8)) types[name] = { exclude: true };
  }
  // A filter does not tell a zero date that is NOT NULL from NULL, and is refused.
  const plain = columns.filter(
    ({ generated, name, type }) => !generated && name !== idName && !/^(date|timestamp)/.test(type),
  );
  const one = plain.length > 0 ? chance.of(plain) : { name: idName, type: '' };
  const column = quoted(one.name);
  const filter = chance.of([
    `${idName} <> 3`,
    `${column} IS NOT NULL`,
    `${column} IS NULL OR ${idName} > 4`,
    ...(/char|text/.test(one.type) ? [`LENGTH(${column}) > 1`, `${column} <> 'a'`] : []),
  ]);
  return {
    ...(indexes.includes('uc') && chance.once(2) && { primaryKey: ['code'] }),
    ...(chance.once(5) && { filter }),
    ...(Object.keys(types).length > 0 && { columns: types }),
  };
}
