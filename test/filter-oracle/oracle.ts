import { loadTables } from '../../src/mysql/catalog.js';
import { connectSource, type SourceConnection } from '../../src/mysql/connection.js';
import type { BinlogTable, RowImage, TableDefinition } from '../../src/mysql/model.js';
import { endPosition } from '../../src/mysql/position.js';
import { charsetsOf, loadCharsetDecoders } from '../../src/mysql/types/index.js';
import { RowferryError } from '../../src/shared/errors.js';
import { TableEncoder } from '../../src/sync/mapping/encoder.js';
import { askSource } from '../../src/sync/filter/answers.js';
import { compileFilter, type Filter } from '../../src/sync/filter/index.js';
import { planTable, type PlanProblem } from '../../src/sync/mapping/plan.js';
import { NULL_VALUE } from '../../src/mysql/model.js';
import { Recorder, settingsOf, type Value } from '../support/binlog-recorder.js';
import { startReplica, type Replica } from '../support/replica.js';
import {
  assignments,
  createTable,
  onceWrong,
  randomCondition,
  randomOf,
  randomRow,
  type Random,
} from './conditions.js';

/**
 * What filters mean here against what they mean to MySQL: `SELECT … WHERE` of the table itself. In process the rows are
 * those of the binlog, and one or two are asked about at once, as the stream does; end to end tables are loaded by a
 * filter, and then changed.
 */
export interface OracleOptions {
  readonly seed: number;
  readonly untilMs: number;
  /** At most so many rounds, whatever the time: the same on every machine. */
  readonly rounds?: number;
  readonly say?: (text: string) => void;
}

export interface OracleReport {
  conditions: number;
  /** Rows decided here, and those that the source was asked about. */
  decided: number;
  asked: number;
  endToEnd: number;
  /** What went wrong, a line each, the shortest condition first. */
  readonly differences: string[];
}

const rowCount = 24;
const conditionsPerTable = 250;
const tablesAtOnce = 8;

export async function runFilterOracle(options: OracleOptions): Promise<OracleReport> {
  const report: OracleReport = { conditions: 0, decided: 0, asked: 0, endToEnd: 0, differences: [] };
  const replica = await startReplica({ args: ['--sync-binlog=0', '--innodb-flush-log-at-trx-commit=0'] });
  try {
    await replica.mysql.query('CREATE DATABASE f');
    for (let round = 0; ; round++) {
      const random = randomOf(options.seed * 7919 + round);
      await inProcess(replica, random, report, `f.p${round}`);
      await endToEnd(replica, random, report, `e${round}`);
      if (Date.now() >= options.untilMs || round + 1 >= (options.rounds ?? Infinity)) break;
      options.say?.(
        `round ${round + 1}: ${report.conditions} conditions, ${report.asked} rows asked, ${report.differences.length} differences`,
      );
    }
  } finally {
    await replica.close();
  }
  report.differences.sort((a, b) => a.length - b.length);
  return report;
}

async function inProcess(
  { mysql }: Replica,
  random: Random,
  report: OracleReport,
  name: string,
): Promise<void> {
  const connection = await connectSource(settingsOf(mysql));
  try {
    await mysql.query(createTable(name));
    const values = Array.from({ length: rowCount }, () => randomRow(random));
    const [, tableName] = name.split('.');
    const recorder = new Recorder(settingsOf(mysql), await endPosition(connection), 'f');
    await mysql.query(
      `INSERT INTO ${name} VALUES ${values.map((row, id) => `(${id}, ${row.join(', ')})`).join(', ')}`,
    );
    await recorder.until(() => recorder.rows(tableName).length === rowCount);
    const events = recorder.rows(tableName);
    await recorder.stream.stop();
    const [definition] = await loadTables(connection, [{ database: 'f', table: tableName! }]);
    const readers = await rowReaders(
      connection,
      definition!,
      events[0]!.table,
      events.map((event) => event.after!),
    );
    const all = values.map((_, id) => id);
    for (const sql of onceWrong) {
      const difference = await compare(connection, definition!, readers, sql, all, report);
      if (difference !== null) report.differences.push(difference);
    }
    for (let i = 0; i < conditionsPerTable; i++) {
      const condition = randomCondition(random);
      const ids = [Math.floor(random() * rowCount), Math.floor(random() * rowCount)].slice(
        0,
        random() < 0.5 ? 1 : 2,
      );
      const difference = await compare(connection, definition!, readers, condition.sql, ids, report);
      if (difference === null) continue;
      // The part that is wrong by itself says more.
      for (const part of condition.parts) {
        const smaller = await compare(connection, definition!, readers, part, ids, report);
        if (smaller !== null) report.differences.push(smaller);
      }
      report.differences.push(difference);
    }
  } finally {
    await connection.close();
  }
}

interface Reader {
  readonly shown: string;
  read(column: string): ReturnType<TableEncoder['read']>;
  readForSource(column: string): ReturnType<TableEncoder['read']>;
}

async function rowReaders(
  connection: SourceConnection,
  definition: TableDefinition,
  binlogTable: BinlogTable,
  rows: readonly Value[][],
): Promise<Reader[]> {
  const problems: PlanProblem[] = [];
  const task = { objects: [{ database: 'f' }], capitalization: 'source', merge: false } as never;
  const plan = planTable(task, definition, undefined, problems)!;
  const charsets = await loadCharsetDecoders((sql) => connection.query(sql), charsetsOf(definition.columns));
  const encoder = new TableEncoder(plan, definition.columns, 'binlog', charsets, binlogTable);
  return rows.map((row) => {
    const image = imageOf(row);
    return {
      shown: JSON.stringify(Object.fromEntries(encoder.describe(image))),
      read: (column) => encoder.read(image, column),
      readForSource: (column) => encoder.readForSource(image, column),
    };
  });
}

function imageOf(row: readonly Value[]): RowImage {
  const starts = new Int32Array(row.length);
  const ends = new Int32Array(row.length);
  const bytes: Buffer[] = [];
  let at = 0;
  row.forEach((value, i) => {
    starts[i] = value === null ? NULL_VALUE : at;
    if (!Buffer.isBuffer(value)) return;
    bytes.push(value);
    ends[i] = at += value.length;
  });
  return { bytes: Buffer.concat(bytes), starts, ends };
}

/** null: as MySQL says, or nothing to compare. */
async function compare(
  connection: SourceConnection,
  definition: TableDefinition,
  readers: readonly Reader[],
  sql: string,
  ids: readonly number[],
  report: OracleReport,
): Promise<string | null> {
  const filter = compiled(sql, definition);
  if (!filter) return null;
  const truth = await idsOf(connection, `f.${definition.name}`, sql);
  // A condition that fails on one of the rows has no truth to compare with.
  if (!truth) return null;
  report.conditions++;
  const answers = await askSource(
    filter,
    ids.map((id) => (column) => readers[id]!.readForSource(column) ?? null),
    true,
    (question) => connection.query(question),
  );
  report.asked += ids.length;
  for (const [i, id] of ids.entries()) {
    const expected = truth.has(id);
    const answer = answers[i]!;
    const decided = filter.decide((column) => readers[id]!.read(column) ?? null);
    if (decided !== 'ask') report.decided++;
    const wrong =
      answer !== expected
        ? `the question says ${answer instanceof Error ? answer.message : answer}`
        : decided !== 'ask' && (decided ?? false) !== expected
          ? `decided here as ${decided}`
          : null;
    if (wrong) {
      const used = Object.entries(JSON.parse(readers[id]!.shown) as object).filter(([name]) =>
        filter.columns.has(name),
      );
      return `${sql}  -- MySQL: ${expected}, ${wrong}; row ${JSON.stringify(Object.fromEntries(used))}`;
    }
  }
  return null;
}

function compiled(sql: string, definition: TableDefinition): Filter | null {
  try {
    return compileFilter(sql, definition);
  } catch (error) {
    // Without a column, or a label beside a number: refused, which is another test's business.
    if (error instanceof RowferryError && error.code === 'ROW-T102') return null;
    throw error;
  }
}

async function idsOf(connection: SourceConnection, table: string, sql: string): Promise<Set<number> | null> {
  try {
    return new Set(
      (await connection.query<{ id: number }>(`SELECT id FROM ${table} WHERE (${sql})`)).map(({ id }) => id),
    );
  } catch (error) {
    if (error instanceof RowferryError && error.code === 'ROW-S111') return null;
    throw error;
  }
}

/** Tables of a filter each, loaded and then changed so that rows enter and leave. */
async function endToEnd(
  replica: Replica,
  random: Random,
  report: OracleReport,
  prefix: string,
): Promise<void> {
  const { mysql } = replica;
  const connection = await connectSource(settingsOf(mysql));
  try {
    // Numbers that no INTEGER cell holds would be dirty.
    const asText = { u: { type: 'STRING' }, wide: { type: 'STRING' } };
    const tables: { name: string; filter: string; columns: object }[] = [];
    while (tables.length < tablesAtOnce) {
      const name = `${prefix}_${tables.length}`;
      await mysql.query(`DROP TABLE IF EXISTS f.${name}; ${createTable(`f.${name}`)}`);
      const rows = Array.from({ length: rowCount }, (_, id) => `(${id}, ${randomRow(random).join(', ')})`);
      await mysql.query(`INSERT INTO f.${name} VALUES ${rows.join(', ')}`);
      const { sql } = randomCondition(random);
      const [definition] = await loadTables(connection, [{ database: 'f', table: name }]);
      if (!compiled(sql, definition!)) continue;
      const truth = await idsOf(connection, `f.${name}`, sql);
      if (truth && truth.size > 0 && truth.size < rowCount)
        tables.push({ name, filter: sql, columns: asText });
    }
    const made = replica.task({ objects: [{ database: 'f', tables }], dirtyData: { policy: 'skip' } });
    // The tables of earlier rounds stay.
    const task = { ...made, destination: { ...made.destination, tableLimit: 100_000 } };
    await replica.start(task);
    await replica.until(
      task,
      ({ phase, caughtUp, state }) => (phase === 'incremental' && caughtUp) || state === 'failed',
    );
    const look = async (when: string) => {
      for (const { name, filter } of tables) {
        const truth = await idsOf(connection, `f.${name}`, filter);
        if (!truth) continue;
        report.endToEnd++;
        const found = new Set(replica.rows(name).map((row) => Number(row['id'])));
        const wrong = [...truth].filter((id) => !found.has(id)).map((id) => `${id} is missing`);
        wrong.push(...[...found].filter((id) => !truth.has(id)).map((id) => `${id} is too much`));
        if (wrong.length > 0)
          report.differences.push(`${filter}  -- ${when}, f.${name}: ${wrong.join(', ')}`);
      }
    };
    await look('after the load');
    for (let i = 0; i < 2; i++) {
      for (const { name } of tables) {
        const changes = Array.from({ length: rowCount / 3 }, () => {
          const id = Math.floor(random() * rowCount);
          return `UPDATE f.${name} SET ${assignments(randomRow(random))} WHERE id = ${id}`;
        });
        await mysql.query(changes.join('; '));
        if (random() < 0.5)
          await mysql.query(`DELETE FROM f.${name} WHERE id = ${Math.floor(random() * rowCount)}`);
      }
      await replica.caughtUp(task);
      // Rows without an answer are dirty, which is their state until they change.
      if ((await replica.snapshot(task)).dirty === 0) await look('after changes');
    }
    await replica.stop(task);
    for (const { name } of tables) await mysql.query(`DROP TABLE f.${name}`);
  } finally {
    await connection.close();
  }
}
