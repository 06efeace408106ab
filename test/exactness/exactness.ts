import fc from 'fast-check';
import type mysql from 'mysql2/promise';
import { loadTables } from '../../src/mysql/catalog.js';
import { connectSource } from '../../src/mysql/connection.js';
import { allowedCellTypes, dataTypes, defaultCellType } from '../../src/mysql/types/index.js';
import { hasReached } from '../../src/mysql/position.js';
import { sourceSchema, type ResolvedTask } from '../../src/shared/task.js';
import { startReplica, type Replica } from '../support/replica.js';
import { Destination } from './destination.js';
import { cornerTables, given, randomTable, type TestColumn, type TestTable } from './tables.js';

/**
 * The test that rules: rows that a full load brought and the same rows that came by the binlog have byte-identical
 * cells, and read back with the official SDK they are the values that MySQL prints.
 */
export interface ExactnessOptions {
  readonly seed: number;
  /** Tables of random columns in each round, and random rows in each table. */
  readonly tables: number;
  readonly rows: number;
  /** Rounds of further random tables go on for so long. */
  readonly untilMs?: number;
  readonly say?: (text: string) => void;
}

export interface ExactnessReport {
  /** Column types as CREATE TABLE has them, and how many pairs of type and cell type. */
  readonly types: Set<string>;
  readonly pairs: Set<string>;
  corners: number;
  /** Random rows compared. */
  rows: number;
  cells: number;
  tables: number;
  /** Rows that no cell can hold: missing on both sides, and recorded. */
  unwritable: number;
  /** Sessions under which rows were written, and kinds of events that the binlog has of them. */
  readonly sessions: Set<string>;
  readonly events: Set<string>;
  /** What went wrong, a line each. */
  readonly differences: string[];
}

const shownAlike = 6;
/** Its commits need not survive the machine. */
const quickMysql = ['--sync-binlog=0', '--innodb-flush-log-at-trx-commit=0', '--skip-innodb-doublewrite'];

export async function runExactness(options: ExactnessOptions): Promise<ExactnessReport> {
  const report: ExactnessReport = {
    types: new Set(),
    pairs: new Set(),
    corners: 0,
    rows: 0,
    cells: 0,
    tables: 0,
    unwritable: 0,
    sessions: new Set(),
    events: new Set(),
    differences: [],
  };
  const replica = await startReplica({ args: quickMysql });
  try {
    const run = new Run(replica, report, options);
    await run.corners();
    for (let round = 0; ; round++) {
      const seed = options.seed + round;
      const tables = Array.from({ length: options.tables }, (_, i) =>
        randomTable(`r${i}`, seed * 1000 + i, options.rows),
      );
      await run.round(`random_${round}`, seed, tables);
      if (options.untilMs === undefined || Date.now() >= options.untilMs) break;
    }
  } finally {
    await replica.close();
  }
  return report;
}

const quoted = (name: string) => `\`${name}\``;
/** What a session may have set for itself; each batch of rows is written under one of them. */
const sessions = [
  'SET time_zone = DEFAULT',
  'SET binlog_transaction_compression = ON',
  "SET binlog_row_value_options = 'PARTIAL_JSON'",
  'SET binlog_row_image = NOBLOB',
  'SET binlog_row_image = MINIMAL',
  "SET time_zone = '+05:30'",
];
const standing =
  "SET sql_mode = '', time_zone = '+00:00', binlog_transaction_compression = OFF, binlog_row_value_options = '', binlog_row_image = FULL, sql_generate_invisible_primary_key = ON";
const batchRows = 20;

class Run {
  constructor(
    private readonly replica: Replica,
    private readonly report: ExactnessReport,
    private readonly options: ExactnessOptions,
  ) {}

  async corners(): Promise<void> {
    const charsets = await this.replica.mysql.query<{ Charset: string; Maxlen: number }>(
      'SHOW CHARACTER SET',
    );
    const text = charsets.filter(({ Charset }) => Charset !== 'binary');
    const sizes = new Map(text.map(({ Charset, Maxlen }) => [Charset, Maxlen]));
    await this.round('corners', this.options.seed, cornerTables(sizes, this.options.rows, this.options.seed));
    const covered = new Set([...this.report.types].map((type) => type.split(/[ (]/)[0]!.toLowerCase()));
    for (const type of dataTypes) {
      // The two names of one type.
      if (type === 'geomcollection') continue;
      if (!covered.has(type)) this.differs(`no column of type ${type} was compared`);
    }
    await this.wasWrittenInEveryWay();
  }

  /** What was never written proves nothing: sessions are drawn, and a server may write its binlog otherwise. */
  private async wasWrittenInEveryWay(): Promise<void> {
    const { mysql } = this.replica;
    for (const file of await mysql.query<{ Log_name: string }>('SHOW BINARY LOGS')) {
      const events = await mysql.query<{ Event_type: string }>(`SHOW BINLOG EVENTS IN '${file.Log_name}'`);
      for (const { Event_type: type } of events) this.report.events.add(type);
    }
    for (const type of [
      'Write_rows',
      'Update_rows',
      'Delete_rows',
      'Update_rows_partial',
      'Transaction_payload',
    ])
      if (!this.report.events.has(type)) this.differs(`the binlog has no event of type ${type}`);
    for (const session of sessions)
      if (!this.report.sessions.has(session)) this.differs(`no row was written under ${session}`);
  }

  async round(database: string, seed: number, tables: readonly TestTable[]): Promise<void> {
    const { replica, report, options } = this;
    const writer = await replica.mysql.connect();
    await writer.query(`${standing}; CREATE DATABASE ${database}; USE ${database}`);
    for (const table of tables) await writer.query(createTable(table));
    await this.checkCells(database, tables);
    const random = Array.from(
      fc.sample(fc.record({ mode: fc.boolean(), batch: fc.boolean() }), { seed, numRuns: 1 }),
    )[0]!;
    const write = {
      mode: random.mode ? 'put-row' : 'update-row',
      batch: random.batch ? 'bulk-import' : 'batch-write',
    };
    const followed = this.task(database, tables, 'b', { write });
    await replica.start(followed, {});
    await replica.until(
      followed,
      (now) => now.state !== 'running' || (now.phase === 'incremental' && now.caughtUp),
      60_000,
    );
    await this.fill(writer, database, seed, tables, followed);
    await this.caughtUp(followed);
    const loaded = this.task(database, tables, 'f', {});
    const outcome = await replica.run(loaded, { until: 'full' });
    if (outcome.state !== 'stopped')
      this.differs(`the full load is ${outcome.state}: ${JSON.stringify(outcome.error)}`);
    const { dirty } = await replica.snapshot(loaded);
    await replica.stop(followed);

    const destination = new Destination(replica.store);
    let unwritable = 0;
    for (const table of tables) {
      unwritable += await this.compare(writer, destination, database, table);
      for (const part of ['b', 'f']) await destination.drop(nameOf(part, database, table));
    }
    if (dirty !== unwritable)
      this.differs(
        `${database}: ${dirty} dirty records of the full load, ${unwritable} rows that no cell holds`,
      );
    report.unwritable += unwritable;
    report.tables += tables.length;
    destination.close();
    await writer.query(`DROP DATABASE ${database}`);
    await writer.end();
    options.say?.(
      `${database}: ${tables.length} tables, ${report.corners} corner values and ${report.rows} random rows so far, ${report.differences.length} differences`,
    );
  }

  /** Everything that the source has now is applied, whatever it took. */
  private async caughtUp(task: ResolvedTask): Promise<void> {
    const { mysql } = this.replica;
    const [end] = await mysql.query<{ File: string; Position: number }>('SHOW BINARY LOG STATUS');
    const goal = { file: end!.File, offset: end!.Position };
    const isOver = new Set(['failed', 'blocked', 'stopped', 'completed']);
    const { state, error, tables } = await this.replica.until(
      task,
      ({ position, state: now, retry }) => {
        if (retry && retry.attempt > 8)
          throw new Error(`${task.id} tries again and again: ${JSON.stringify(retry.error)}`);
        return isOver.has(now) || (position !== null && hasReached(position, goal));
      },
      180_000,
    );
    if (isOver.has(state)) throw new Error(`${task.id} is ${state}: ${JSON.stringify(error)}`);
    for (const { source, problem } of tables)
      if (problem) this.differs(`${source} stopped: ${JSON.stringify(problem)}`);
  }

  /** The product offers for each column just the cell types that are tested. */
  private async checkCells(database: string, tables: readonly TestTable[]): Promise<void> {
    const source = await connectSource(
      sourceSchema.parse({ host: '127.0.0.1', port: this.replica.mysql.port, user: 'root' }),
    );
    const definitions = await loadTables(source, [{ database }]);
    await source.close();
    for (const table of tables) {
      const definition = definitions.find(({ name }) => name === table.name)!;
      for (const { name, sample } of [...table.key, ...table.columns]) {
        const column = definition.columns.find((one) => one.name === name)!;
        const tested = [...new Set(sample.targets.map(({ cell }) => cell))];
        if (
          String([...allowedCellTypes(column)].sort()) !== String([...tested].sort()) &&
          !sample.type.startsWith('MEDIUMTEXT')
        )
          this.differs(
            `${sample.type} may become ${allowedCellTypes(column).join(', ')}; tested: ${tested.join(', ')}`,
          );
        if (defaultCellType(column) !== sample.targets[0]!.cell)
          this.differs(`${sample.type} becomes ${defaultCellType(column)} by default`);
      }
    }
  }

  private task(
    database: string,
    tables: readonly TestTable[],
    part: string,
    more: Record<string, unknown>,
  ): ResolvedTask {
    return this.replica.task({
      id: `t-${part}-${database}`.replaceAll('_', '-'),
      dirtyData: 'skip',
      destination: {
        endpoint: this.replica.store.url,
        instance: this.replica.store.instance,
        accessKeyId: this.replica.store.accessKeyId,
        accessKeySecret: this.replica.store.accessKeySecret,
        tableLimit: 1000,
      },
      objects: [
        {
          database,
          tables: tables.map((table) => ({
            name: table.name,
            rename: nameOf(part, database, table),
            primaryKey: [...table.key.map(({ name }) => name), table.id],
            columns: Object.fromEntries(
              [...table.key, ...table.columns].map(({ name, target: { cell, unit } }) => [
                name,
                { type: cell, ...(unit && { unit }) },
              ]),
            ),
          })),
        },
      ],
      ...more,
    });
  }

  /** Rows come by INSERT, by UPDATE of another row's values, or again after a DELETE; tables change meanwhile. */
  private async fill(
    writer: mysql.Connection,
    database: string,
    seed: number,
    tables: readonly TestTable[],
    followed: ResolvedTask,
  ): Promise<void> {
    const choice = fc.sample(fc.nat(59), { seed, numRuns: 5000 });
    let next = 0;
    const pick = (count: number) => choice[next++ % choice.length]! % count;
    for (const metadata of ['MINIMAL', 'FULL']) {
      await writer.query(`SET GLOBAL binlog_row_metadata = ${metadata}`);
      if (metadata === 'FULL') {
        // Rows of partial images are read from the source, by the columns that it has: only then may they change.
        await this.caughtUp(followed);
        for (const table of tables) await this.alter(writer, table);
      }
      for (const table of tables) {
        const half = Math.ceil(table.rows.length / 2);
        const [from, to] = metadata === 'MINIMAL' ? [0, half] : [half, table.rows.length];
        const columns = given(table);
        const list = columns.map(({ name }) => quoted(name)).join(', ');
        for (let at = from; at < to; at += batchRows) {
          const some = table.rows
            .slice(at, Math.min(at + batchRows, to))
            .map((row, i) => ({ ...row, id: at + i + 1 }));
          // Under a partial image each row is read from the source, which takes its time.
          const session = pick(3) === 0 ? sessions[pick(sessions.length)]! : sessions[pick(3)]!;
          await writer.query(standing);
          if (!/MINIMAL|NOBLOB/.test(session) || pick(3) === 0) {
            await writer.query(session);
            this.report.sessions.add(session);
          }
          const how = some.map((row) => (row.isCorner ? [0, 0, 2][pick(3)]! : pick(3)));
          const first = some.map((row, i) => (how[i] === 1 ? otherThan(table, at + i) : row.values));
          const insert = (rows: readonly { id: number }[], values: readonly (readonly string[])[]) =>
            writer.query(
              `INSERT INTO ${quoted(table.name)} (${table.id}, ${list}) VALUES ${rows
                .map((row, i) => `(${row.id}, ${values[i]!.join(', ')})`)
                .join(', ')}`,
            );
          await insert(some, first);
          for (const [i, row] of some.entries()) {
            if (how[i] === 1) {
              const set = columns.map(({ name }, c) => `${quoted(name)} = ${row.values[c]}`).join(', ');
              await writer.query(`UPDATE ${quoted(table.name)} SET ${set} WHERE ${table.id} = ${row.id}`);
            } else if (how[i] === 2) {
              await writer.query(`DELETE FROM ${quoted(table.name)} WHERE ${table.id} = ${row.id}`);
              await insert([row], [row.values]);
            }
          }
          await this.partialJson(writer, table, some);
        }
      }
    }
    await writer.query(`${standing}; USE ${database}`);
  }

  private async partialJson(
    writer: mysql.Connection,
    table: TestTable,
    rows: readonly { id: number }[],
  ): Promise<void> {
    for (const { name, sample, generated } of table.columns) {
      if (sample.type !== 'JSON' || generated) continue;
      const [one] = rows;
      await writer.query(
        `UPDATE ${quoted(table.name)} SET ${quoted(name)} = JSON_SET(${quoted(name)}, '$.set', JSON_ARRAY(${one!.id}, CAST(1.50 AS JSON))) WHERE ${table.id} = ${one!.id}`,
      );
    }
  }

  /** Between the events of a table its columns move, one comes, one goes, and where it may all of it is written anew. */
  private async alter(writer: mysql.Connection, table: TestTable): Promise<void> {
    await writer.query(standing);
    const name = quoted(table.name);
    // A stored column of a value that depends on the session stops its table at any ALTER.
    const isVolatile = ({ more = '', sample }: TestColumn) =>
      /STORED/.test(more) && /^(TIMESTAMP|CHAR|NCHAR|NATIONAL CHAR)/i.test(sample.type);
    if (table.columns.some(isVolatile)) return;
    const moved = table.columns.filter((column) => !column.generated && !column.more);
    await writer.query(`ALTER TABLE ${name} ADD COLUMN added VARCHAR(20) NULL, DROP COLUMN spare`);
    // Defined as they are, of whatever type, they mean what they did: the table must go on.
    const moves = moved.map(
      (column) => `MODIFY COLUMN ${quoted(column.name)} ${column.sample.type} AFTER added`,
    );
    if (moves.length > 0) await writer.query(`ALTER TABLE ${name} ${moves.join(', ')}`);
    // A generated column might come to another value when it is computed anew: such a table stops.
    if (!table.columns.some((column) => column.generated)) await writer.query(`ALTER TABLE ${name} FORCE`);
  }

  /** Returns how many rows no cell can hold. */
  private async compare(
    writer: mysql.Connection,
    destination: Destination,
    database: string,
    table: TestTable,
  ): Promise<number> {
    const { report } = this;
    const where = `${database}.${table.name}`;
    const columns = [...table.key, ...table.columns];
    const expected = await this.expected(writer, table, columns);
    const [byBinlog, byLoad] = [nameOf('b', database, table), nameOf('f', database, table)];
    const keys = [...table.key.map(({ name }) => name), table.id];
    const [raw, rawLoaded] = [await destination.raw(byBinlog, keys), await destination.raw(byLoad, keys)];
    for (const [key, cells] of rawLoaded) {
      const other = raw.get(key);
      if (other !== cells)
        this.differs(
          `${where}: ${other === undefined ? 'the binlog brought no' : 'other bytes for the'} row ${show(key)}${seeFirst(cells, other)}`,
        );
    }
    for (const key of raw.keys())
      if (!rawLoaded.has(key)) this.differs(`${where}: the binlog alone brought the row ${show(key)}`);

    let unwritable = 0;
    const found = await destination.bySdk(byLoad, keys);
    for (const [id, cells] of expected) {
      const row = found.get(id);
      found.delete(id);
      const { isCorner, values } = table.rows[Number(id) - 1]!;
      if (cells === null) {
        unwritable++;
        if (row) this.differs(`${where} row ${id}: it was written, though no cell holds it`);
      } else if (!row) this.differs(`${where} row ${id} is missing: ${values.join(', ').slice(0, 300)}`);
      else {
        for (const { name, sample, target } of columns) {
          const [want, got] = [cells.get(name), row.get(name)];
          report.cells++;
          report.types.add(sample.type);
          report.pairs.add(`${sample.type} ${target.cell} ${target.unit ?? ''}`);
          if (want !== got)
            this.differs(
              `${where} row ${id} ${name} ${sample.type} as ${target.cell}: ${brief(got)} where MySQL prints ${brief(want)}`,
            );
        }
      }
      if (isCorner) report.corners++;
      else report.rows++;
    }
    for (const id of found.keys())
      this.differs(`${where}: there is a row ${id} that the source does not have`);
    return unwritable;
  }

  /** By row number: what each cell must hold, from what MySQL prints to a client in UTF-8. NULL is no cell. */
  private async expected(
    writer: mysql.Connection,
    table: TestTable,
    columns: readonly TestColumn[],
  ): Promise<Map<string, Map<string, string> | null>> {
    const list = columns.map(
      ({ name, target }, i) => `${target.print?.(quoted(name)) ?? quoted(name)} AS p${i}`,
    );
    const [rows] = await writer.query({
      sql: `SELECT ${[table.id, ...list].join(', ')} FROM ${quoted(table.name)}`,
      rowsAsArray: true,
      typeCast: (field) => field.buffer(),
    });
    const expected = new Map<string, Map<string, string> | null>();
    for (const row of rows as (Buffer | null)[][]) {
      let cells: Map<string, string> | null = new Map();
      for (const [i, { name, target }] of columns.entries()) {
        const bytes = row[i + 1]!;
        if (bytes === null) continue;
        const cell = target.expect(bytes);
        if (cell === null) cells = null;
        else cells?.set(name, cell);
      }
      expected.set(row[0]!.toString(), cells);
    }
    return expected;
  }

  /** A cause that is common to many rows would hide the others: of lines that begin alike a few are shown. */
  private differs(what: string): void {
    const { differences } = this.report;
    const start = what.slice(0, 24);
    const alike = differences.filter((one) => one.startsWith(start)).length;
    if (alike < shownAlike) this.options.say?.(what);
    differences.push(what);
  }
}

function createTable(table: TestTable): string {
  const lines = [
    ...(table.id === 'id' ? ['id INT NOT NULL'] : []),
    ...table.key.map(({ name, sample }) => `${quoted(name)} ${sample.type} NOT NULL`),
    ...table.columns.map(
      ({ name, sample, more = '' }) =>
        `${quoted(name)} ${sample.type} ${more.includes('GENERATED') ? more : `NULL ${more}`}`,
    ),
    'spare INT NULL',
    ...(table.id === 'id'
      ? [`PRIMARY KEY (${[...table.key.map(({ name }) => quoted(name)), 'id'].join(', ')})`]
      : []),
  ];
  return `CREATE TABLE ${quoted(table.name)} (${lines.join(', ')})`;
}

const nameOf = (part: string, database: string, table: TestTable) => `${part}_${database}_${table.name}`;

/** Values of another random row, so that an update changes most of them; the key stays. */
function otherThan(table: TestTable, place: number): readonly string[] {
  const { values } = table.rows[place]!;
  const other = table.rows[place + 1] ?? table.rows[place - 1];
  if (!other || other.isCorner) return values;
  return values.map((value, i) => (i < table.key.length ? value : other.values[i]!));
}

const show = (key: string) => JSON.stringify(key.slice(-40));
const brief = (cell: string | undefined) =>
  cell === undefined ? 'nothing' : cell.length > 160 ? `${cell.slice(0, 160)}… (${cell.length})` : cell;

function seeFirst(a: string, b: string | undefined): string {
  if (b === undefined) return '';
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  const from = Math.max(0, at - 30);
  return `: ${JSON.stringify(a.slice(from, at + 30))} by the load, ${JSON.stringify(b.slice(from, at + 30))} by the binlog`;
}
