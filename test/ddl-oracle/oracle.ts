import { TablestoreClient } from '../../src/tablestore/client/client.js';
import { describeTable } from '../../src/tablestore/client/operations.js';
import type { TaskSnapshot } from '../../src/shared/snapshot.js';
import type { ResolvedTask } from '../../src/shared/task.js';
import { RowferryError } from '../../src/shared/errors.js';
import { Destination } from '../exactness/destination.js';
import { Chance } from '../support/chance.js';
import { columnNames, type Statement } from './grammar.js';
import { startReplica, type Replica } from '../support/replica.js';
import { begin, carryOut, nextStep, rowsStep, seen, sqlOf, tablesOf, type Life, type Step } from './life.js';

/**
 * Random statements about tables, on a real server, against a fresh load: while a table says that it is in step, what
 * the destination holds of it must be what a load of its rows as they are now would write.
 */
export interface DdlOracleOptions {
  readonly seed: number;
  /** Databases side by side, and how often each is changed and compared. */
  readonly lives: number;
  readonly rounds: number;
  /** Further batches, each of another seed, go on for so long. */
  readonly untilMs?: number;
  readonly say?: (text: string) => void;
}

export interface DdlOracleReport {
  /** Statements about tables that the server took, and that it refused. */
  taken: number;
  refused: number;
  /** Kinds of them: the first words of each part. */
  readonly kinds: Map<string, number>;
  /** Tables compared while in step, after at least one statement, and their rows. */
  compared: number;
  rows: number;
  /** A statement brought the server down: what it was doing is forgotten, and another server begins. */
  crashes: number;
  /** Tables that said that they were not in step. */
  stopped: number;
  /** Tables with rows that no cell holds, all recorded: not compared. */
  dirty: number;
  /** What went wrong, with what had happened. */
  readonly differences: string[];
}

const quickMysql = [
  '--sync-binlog=0',
  '--innodb-flush-log-at-trx-commit=0',
  '--skip-innodb-doublewrite',
  '--binlog-row-metadata=MINIMAL',
];

export async function runDdlOracle(options: DdlOracleOptions): Promise<DdlOracleReport> {
  const report: DdlOracleReport = {
    taken: 0,
    refused: 0,
    kinds: new Map(),
    compared: 0,
    rows: 0,
    crashes: 0,
    stopped: 0,
    dirty: 0,
    differences: [],
  };
  for (let batch = 0, isOver = false; !isOver;) {
    const replica = await startReplica({ args: quickMysql });
    const world = new World(replica, report);
    try {
      while (!isOver) {
        await world.batch(options, options.seed * 1000 + batch++);
        options.say?.(
          `${report.taken} statements (${report.refused} refused), ${report.compared} tables compared, ${report.stopped} stopped, ${report.dirty} dirty, ${report.differences.length} differences`,
        );
        isOver = options.untilMs === undefined || Date.now() >= options.untilMs;
      }
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'PROTOCOL_CONNECTION_LOST' || report.crashes++ > mostCrashes)
        throw error;
      options.say?.(`the server is gone in batch ${batch}; another begins`);
    } finally {
      world.close();
      await replica.close();
    }
  }
  return report;
}

/** How a batch of databases is replicated. */
interface Manner {
  readonly onChange: 'stop-table' | 'reload';
  readonly mode: 'put-row' | 'update-row';
  /** The task rests while the source changes. */
  readonly isDown: boolean;
}

interface Find {
  readonly database: string;
  readonly table: string;
  readonly text: string;
}

const settleMs = 60_000;
const mostCrashes = 10;
/** Warnings about what is wanted here. */
const accepted = ['bigint-unsigned', 'key-size', 'empty-key', 'cell-size', 'row-size', 'engines', 'cascades'];

class World {
  private readonly destination: Destination;
  private readonly client: TablestoreClient;
  private loads = 0;
  private copies = 0;

  constructor(
    private readonly replica: Replica,
    private readonly report: DdlOracleReport,
  ) {
    this.destination = new Destination(replica.store);
    const { url, instance, accessKeyId, accessKeySecret } = replica.store;
    this.client = new TablestoreClient({ endpoint: url, instance, accessKeyId, accessKeySecret });
  }

  close(): void {
    this.destination.close();
    this.client.close();
  }

  async batch({ lives: count, rounds, say }: DdlOracleOptions, seed: number): Promise<void> {
    const chance = new Chance(seed);
    const { mysql } = this.replica;
    const manner: Manner = {
      onChange: chance.of(['stop-table', 'reload']),
      mode: chance.of(['put-row', 'update-row']),
      isDown: chance.once(3),
    };
    await mysql.query(`SET GLOBAL binlog_row_metadata = ${chance.of(['MINIMAL', 'FULL'])}`);
    const lives: Life[] = [];
    for (let i = 0; i < count; i++) lives.push(await begin(mysql, chance, `o${seed}_${i}`, chance.once(3)));
    const task = this.following(lives, manner);
    const found: Find[] = [];
    let snapshot = await this.begin(task);
    let stalled: string | null = null;
    const over = new Set<string>();
    for (let round = 0; round < rounds && snapshot; round++) {
      if (manner.isDown) await this.replica.stop(task);
      for (const life of lives) {
        if (over.has(life.database)) continue;
        for (let left = 1 + chance.below(2); left > 0; left--) await this.advance(chance, life);
        life.script.push({ do: 'settle' });
      }
      if (manner.isDown) await this.replica.start(task);
      const settled = await this.settle(task);
      if (typeof settled === 'string') {
        stalled = settled;
        break;
      }
      snapshot = settled;
      for (const one of await this.compare(lives, snapshot)) {
        if (!over.has(one.database)) found.push(one);
        over.add(one.database);
      }
      for (const { source, phase } of snapshot.tables) {
        const life = lives.find(({ database }) => source.startsWith(`${database}.`));
        if (!life || phase !== 'stopped' || over.has(life.database) || chance.once(2)) continue;
        const step = { do: 'reload', table: source.slice(life.database.length + 1) } as const;
        life.script.push(step);
        await this.reload(task, life.database, step);
      }
    }
    await this.end(task, lives);
    if (stalled) {
      // Which of them is it that keeps the others from going on?
      for (const life of lives) {
        const text = await this.again(life, manner);
        if (text) found.push({ database: life.database, table: 'a table', text });
      }
      if (found.length === 0) found.push({ database: lives[0]!.database, table: '', text: stalled });
    }
    for (const one of found) {
      const text = await this.shortest(
        lives.find(({ database }) => database === one.database)!,
        one,
        manner,
      );
      this.report.differences.push(text);
      say?.(text);
    }
  }

  /** What it is refused for is seen in what the table says. */
  private async reload({ id }: ResolvedTask, database: string, { table }: { table: string }): Promise<void> {
    await this.replica.engine.api.reload(id, `${database}.${table}`, true).catch((error: unknown) => {
      if (!(error instanceof RowferryError)) throw error;
    });
  }

  /** A statement about a table, then rows of it. */
  private async advance(chance: Chance, life: Life): Promise<void> {
    const { mysql } = this.replica;
    for (let tries = 0; tries < 12; tries++) {
      const step = await nextStep(mysql, chance, life);
      if (!step) return;
      if (!(await carryOut(mysql, life.database, step))) {
        this.report.refused++;
        continue;
      }
      this.count(step);
      life.script.push(step);
      const tables = await tablesOf(mysql, life.database);
      for (const table of tables) {
        const rows = await rowsStep(mysql, chance, life.database, table);
        if (rows && (await carryOut(mysql, life.database, rows))) life.script.push(rows);
      }
      return;
    }
  }

  private count(step: Step): void {
    this.report.taken++;
    const kinds = step.do === 'statement' ? [step.statement.head, ...step.statement.parts] : [step.do];
    for (const part of kinds) {
      const kind = /^[A-Z]+( [A-Z]+)?/.exec(part)?.[0] ?? 'other';
      this.report.kinds.set(kind, (this.report.kinds.get(kind) ?? 0) + 1);
    }
  }

  private following(lives: readonly Life[], manner: Manner): ResolvedTask {
    return this.task(
      lives.map(({ database, mapping }) => ({
        database,
        renameTables: { prefix: `f_${database}_` },
        ...(mapping && { tables: Object.entries(mapping).map(([name, one]) => ({ name, ...one })) }),
      })),
      {
        ddl: { onChange: manner.onChange, truncate: manner.mode === 'put-row' ? 'stop' : 'delete' },
        write: { mode: manner.mode },
      },
    );
  }

  private task(objects: unknown[], more: Record<string, unknown>): ResolvedTask {
    const { url, instance, accessKeyId, accessKeySecret } = this.replica.store;
    return this.replica.task({
      objects,
      dirtyData: 'skip',
      ignoredChecks: accepted,
      capitalization: 'source',
      destination: { endpoint: url, instance, accessKeyId, accessKeySecret, tableLimit: 10_000 },
      ...more,
    });
  }

  private async begin(task: ResolvedTask): Promise<TaskSnapshot | null> {
    await this.replica.start(task);
    const settled = await this.settle(task);
    if (typeof settled === 'string') throw new Error(settled);
    return settled;
  }

  /** Waits until everything is applied and loaded; or says why that does not come about. */
  private async settle(task: ResolvedTask): Promise<TaskSnapshot | string> {
    const [end] = await this.replica.mysql.query<{ File: string; Position: number }>(
      'SHOW BINARY LOG STATUS',
    );
    const isOver = new Set(['failed', 'blocked', 'stopped', 'completed']);
    const busy = new Set(['waiting', 'schema', 'full']);
    try {
      const snapshot = await this.replica.until(
        task,
        ({ state, caughtUp, position, tables, retry }) =>
          isOver.has(state) ||
          (retry && retry.attempt > 3) ||
          (caughtUp &&
            state === 'running' &&
            position?.file !== undefined &&
            (position.file > end!.File ||
              (position.file === end!.File && (position.offset ?? 0) >= end!.Position)) &&
            !tables.some(({ phase }) => busy.has(phase))),
        settleMs,
      );
      const problem = snapshot.error ?? snapshot.retry;
      return isOver.has(snapshot.state) || snapshot.retry
        ? `the task is ${snapshot.state}: ${JSON.stringify(problem)}`
        : snapshot;
    } catch (error) {
      return `the task does not come to an end: ${(error as Error).message}`;
    }
  }

  private async end(task: ResolvedTask, lives: readonly Pick<Life, 'database'>[]): Promise<void> {
    const { api } = this.replica.engine;
    await api.stop(task.id).catch(() => undefined);
    await api.forget(task.id).catch(() => undefined);
    for (const { database } of lives) {
      await this.replica.mysql.query(
        `SET foreign_key_checks = 0; DROP DATABASE IF EXISTS ${database}; SET foreign_key_checks = 1`,
      );
      for (const name of this.replica.tables())
        if (name.startsWith(`f_${database}_`)) await this.destination.drop(name);
    }
  }

  /** What differs of the tables that say that they are in step. */
  private async compare(lives: readonly Life[], snapshot: TaskSnapshot): Promise<Find[]> {
    const found: Find[] = [];
    const objects: { database: string; renameTables: { prefix: string }; tables: object[] }[] = [];
    const pairs: { life: Life; table: string; followed: string; loaded: string }[] = [];
    const prefix = `l${++this.loads}_`;
    for (const life of lives) {
      const { database, mapping } = life;
      const there = new Set(await tablesOf(this.replica.mysql, database));
      const tables: object[] = [];
      for (const { source, destination, phase } of snapshot.tables) {
        if (!source.startsWith(`${database}.`)) continue;
        const table = source.slice(database.length + 1);
        const isThere = there.delete(table);
        if (phase === 'stopped') this.report.stopped++;
        if (phase !== 'incremental') continue;
        if (!isThere) {
          found.push({ database, table, text: 'the source has no such table' });
          continue;
        }
        tables.push({ name: table, ...mapping?.[table] });
        pairs.push({ life, table, followed: destination, loaded: `${prefix}${database}_${table}` });
      }
      if (!mapping)
        for (const table of there)
          found.push({ database, table, text: 'the task says nothing of this table of a whole database' });
      if (tables.length > 0)
        objects.push({ database, renameTables: { prefix: `${prefix}${database}_` }, tables });
    }
    if (objects.length === 0) return found;
    const load = this.task(objects, {});
    const outcome = await this.replica
      .run(load, { until: 'full' })
      .catch((error: unknown) => ({ state: 'refused', error: { message: String(error) } }));
    if (outcome.state !== 'stopped') {
      // Some table of them cannot be loaded: which?
      if (pairs.length > 1) {
        await this.replica.engine.api.forget(load.id).catch(() => undefined);
        for (const name of this.replica.tables())
          if (name.startsWith(prefix)) await this.destination.drop(name);
        for (const { life, table } of pairs)
          found.push(
            ...(await this.compare([{ ...life, mapping: { ...(life.mapping ?? { [table]: {} }) } }], {
              ...snapshot,
              tables: snapshot.tables.filter(({ source }) => source === `${life.database}.${table}`),
            })),
          );
        return found;
      }
      const [{ life, table }] = pairs as [(typeof pairs)[0]];
      found.push({
        database: life.database,
        table,
        text: `a load is ${outcome.state}: ${JSON.stringify(outcome.error)}`,
      });
    } else {
      const loaded = await this.replica.snapshot(load);
      for (const pair of pairs) {
        const source = `${pair.life.database}.${pair.table}`;
        const problem = loaded.tables.find((one) => one.source === source)?.problem;
        const text = problem
          ? `a load stops: ${JSON.stringify(problem)}`
          : (await this.isDirty(snapshot.id, source)) || (await this.isDirty(load.id, source))
            ? null
            : await this.difference(pair);
        if (text) found.push({ database: pair.life.database, table: pair.table, text });
      }
    }
    await this.replica.engine.api.forget(load.id);
    for (const name of this.replica.tables()) if (name.startsWith(prefix)) await this.destination.drop(name);
    return found;
  }

  private async isDirty(task: string, source: string): Promise<boolean> {
    const page = await this.replica.engine.api.dirtyRecords(task, { source }, { offset: 0, limit: 1 });
    if (page.total > 0) this.report.dirty++;
    return page.total > 0;
  }

  private async difference({
    life,
    table,
    followed,
    loaded,
  }: {
    life: Life;
    table: string;
    followed: string;
    loaded: string;
  }): Promise<string | null> {
    const [ours, fresh] = [
      await describeTable(this.client, followed),
      await describeTable(this.client, loaded),
    ];
    const keys = (description: typeof ours) =>
      description?.keys.map(({ name, type }) => `${name} ${type}`).join(', ');
    if (keys(ours) !== keys(fresh)) return `the key is (${keys(ours)}) where a load has (${keys(fresh)})`;
    const key = ours!.keys.map(({ name }) => name);
    const { columns } = await seen(this.replica.mysql, life.database, table);
    // Cells of columns that are not replicated any more stay (guarantees.md).
    const stale = new Set(
      [...columnNames, 'my_row_id', 'code', 'id'].filter(
        (name) => !columns.some((column) => column.name === name),
      ),
    );
    const [a, b] = [
      await this.destination.raw(followed, key, stale),
      await this.destination.raw(loaded, key, stale),
    ];
    this.report.compared++;
    this.report.rows += b.size;
    for (const [row, cells] of b) {
      const got = a.get(row);
      if (got !== cells)
        return `row ${show(row)}: ${got === undefined ? 'missing' : show(got)} where a load has ${show(cells)}`;
    }
    for (const row of a.keys()) if (!b.has(row)) return `row ${show(row)}: a load has none`;
    if (!life.mapping?.[table]?.filter) {
      const [count] = await this.replica.mysql.query<{ n: number }>(
        `SELECT COUNT(*) AS n FROM \`${life.database}\`.\`${table}\``,
      );
      if (count!.n !== a.size) return `${a.size} rows where the source has ${count!.n}`;
    }
    return null;
  }

  /** The fewest steps and parts that still go wrong, and what goes wrong then. */
  private async shortest(life: Life, find: Find, manner: Manner): Promise<string> {
    let best = life;
    let text = find.text;
    const deadline = Date.now() + shrinkMs;
    const tryIt = async (candidate: Life): Promise<boolean> => {
      if (Date.now() > deadline) return false;
      const again = await this.again(candidate, manner);
      if (again === null) return false;
      [best, text] = [candidate, again];
      return true;
    };
    if (!(await tryIt(life)))
      return `NOT REPEATED ${JSON.stringify(manner)}\n${find.table}: ${find.text}\n${told(life)}`;
    for (const field of ['script', 'before'] as const)
      for (let at = best[field].length - 1; at >= 0; at--)
        await tryIt({ ...best, [field]: best[field].filter((_, i) => i !== at) });
    for (const field of ['script', 'before'] as const)
      for (let at = 0; at < best[field].length; at++)
        for (const lesser of lesserSteps(best[field], at))
          await tryIt({ ...best, [field]: lesser(best[field]) });
    if (best.mapping)
      for (const [table, mapping] of Object.entries(best.mapping))
        if (Object.keys(mapping).length > 0)
          await tryIt({ ...best, mapping: { ...best.mapping, [table]: {} } });
    return `${JSON.stringify(manner)}\n${find.table}: ${text}\n${told(best)}`;
  }

  /** The same once more on a database of its own: what goes wrong, or null. */
  private async again(life: Life, manner: Manner): Promise<string | null> {
    const { mysql } = this.replica;
    const database = `again_${++this.copies}`;
    await mysql.query(`CREATE DATABASE ${database}`);
    const copy = { ...life, database };
    for (const step of life.before) await carryOut(mysql, database, step);
    if (copy.mapping) {
      const there = await tablesOf(mysql, database);
      copy.mapping = Object.fromEntries(
        Object.entries(copy.mapping).filter(([name]) => there.includes(name)),
      );
      if (Object.keys(copy.mapping).length === 0) {
        await mysql.query(`DROP DATABASE ${database}`);
        return null;
      }
    }
    const task = this.following([copy], manner);
    let text: string | null = null;
    try {
      await this.replica.start(task);
      let settled = await this.settle(task);
      if (typeof settled === 'string') return null;
      const rounds = cut(life.script);
      for (const steps of rounds) {
        for (const step of steps) if (step.do === 'reload') await this.reload(task, database, step);
        if (manner.isDown) await this.replica.stop(task);
        for (const step of steps) await carryOut(mysql, database, step);
        if (manner.isDown) await this.replica.start(task);
        settled = await this.settle(task);
        if (typeof settled === 'string') return settled;
        const [first] = await this.compare([copy], settled);
        text = first ? `${first.table}: ${first.text}` : null;
        if (text) break;
      }
    } finally {
      await this.end(task, [copy]);
    }
    return text;
  }
}

const shrinkMs = 90_000;

/** Steps between one place where the replica has settled and the next. */
function cut(script: readonly Step[]): Step[][] {
  const rounds: Step[][] = [[]];
  for (const step of script) {
    if (step.do === 'settle') rounds.push([]);
    else rounds.at(-1)!.push(step);
  }
  return rounds.filter((round) => round.length > 0);
}

/** Ways to make one step less. */
function lesserSteps(steps: readonly Step[], at: number): ((steps: readonly Step[]) => Step[])[] {
  const step = steps[at]!;
  const put = (change: (step: Step) => Step) => (all: readonly Step[]) =>
    all.map((one, i) => (i === at ? change(one) : one));
  if (step.do === 'rows')
    return step.sql.map((sql) =>
      put((one) =>
        one.do === 'rows' && one.sql.length > 1
          ? { ...one, sql: one.sql.filter((each) => each !== sql) }
          : one,
      ),
    );
  if (step.do !== 'statement') return [];
  const of = (change: (statement: Statement) => Statement) =>
    put((one) => (one.do === 'statement' ? { ...one, statement: change(one.statement) } : one));
  return [
    ...step.statement.parts.map((part) =>
      of((one) =>
        one.parts.length > 1 ? { ...one, parts: one.parts.filter((each) => each !== part) } : one,
      ),
    ),
    ...step.statement.session.map((setting) =>
      of((one) => ({ ...one, session: one.session.filter((each) => each !== setting) })),
    ),
  ];
}

function told({ database, mapping, before, script }: Life): string {
  const line = (step: Step) =>
    step.do === 'statement'
      ? `  ${[...step.statement.session, sqlOf(step.statement, 'd', step.table)].join('; ')};`
      : step.do === 'rows'
        ? `  ${step.image === 'MINIMAL' ? 'SET binlog_row_image=MINIMAL; ' : ''}${step.sql.map((sql) => sql.replace(/\bT\b/g, `d.${step.table}`)).join(';\n  ')};`
        : `  -- ${step.do}${'table' in step ? ` ${step.table}` : ''}`;
  return [
    `  -- ${database}: ${mapping ? JSON.stringify(mapping) : 'the whole database'}`,
    ...before.map(line),
    '  -- loaded, followed',
    ...script.map(line),
  ].join('\n');
}

const show = (bytes: string) => JSON.stringify(Buffer.from(bytes, 'latin1').toString('utf8').slice(0, 300));
