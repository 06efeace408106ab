import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ResolvedTask } from '../../src/shared/task.js';
import { TablestoreClient } from '../../src/tablestore/client/client.js';
import { deleteTable } from '../../src/tablestore/client/operations.js';
import { standardTiming } from '../../src/sync/base/timing.js';
import { startReplica, type Replica } from '../support/replica.js';
import { ghostSteps, ptOscSteps, type Step } from '../support/schema-change-tools.js';

/** Tables with the names of online schema changes, real ones and those of the tools (case D5). */
describe.each([{ gtid: false }, { gtid: true }])('online schema changes, gtid $gtid', ({ gtid }) => {
  let replica: Replica;
  let made = 0;
  beforeAll(async () => {
    replica = await startReplica(
      gtid ? { gtid } : { args: ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF'] },
    );
    await replica.mysql.query(`CREATE USER plain IDENTIFIED BY 'secret';
      GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO plain`);
  }, 60_000);
  afterAll(() => replica?.close());
  afterEach(async () => {
    replica.timing.toolTableMs = standardTiming.toolTableMs;
    await replica.stopAll();
    const client = new TablestoreClient({ endpoint: replica.store.url, ...replica.store });
    // An instance takes 64 tables.
    for (const name of replica.tables()) await deleteTable(client, name);
    client.close();
  });

  const database = async () => {
    const name = `osc${++made}`;
    await replica.mysql.query(`CREATE DATABASE ${name}`);
    return name;
  };
  const table = (name: string, ...ids: number[]) =>
    `CREATE TABLE ${name} (id INT PRIMARY KEY, v INT); ${ids.length > 0 ? `INSERT INTO ${name} VALUES ${ids.map((id) => `(${id}, ${id})`).join()};` : ''}`;
  /** `blind`: the account has no TRIGGER privilege, as README grants none. */
  function whole(name: string, blind = true): ResolvedTask {
    const user = blind ? { user: 'plain', password: 'secret' } : { user: 'root' };
    return replica.task({
      objects: [{ database: name, renameTables: { prefix: `${name}_` } }],
      source: { host: '127.0.0.1', port: replica.mysql.port, ...user },
    });
  }
  async function running(task: ResolvedTask): Promise<void> {
    await replica.start(task);
    await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
  }
  const tables = (name: string) =>
    replica
      .tables()
      .filter((one) => one.startsWith(`${name}_`))
      .map((one) => one.slice(name.length + 1))
      .sort();
  const rows = (name: string, of: string) => replica.rows(`${name}_${of}`);
  const leftOut = async (task: ResolvedTask) =>
    ((await replica.snapshot(task)).leftOut ?? []).map(({ source, as }) => `${source} ${as}`);
  async function allWell(task: ResolvedTask): Promise<void> {
    await replica.caughtUp(task);
    expect((await replica.snapshot(task)).tables.filter(({ phase }) => phase !== 'incremental')).toEqual([]);
    expect(await replica.verify(task)).toMatchObject({ equal: true });
  }
  const perform = async ([, ...statements]: Step) => {
    for (const statement of statements) await replica.mysql.query(statement);
  };

  it('real tables are loaded and followed, whatever they are called and whenever they came', async () => {
    const { mysql } = replica;
    const d = await database();
    replica.timing.toolTableMs = 300;
    // Some beside a table that a tool would have made them for, and some that no tool can have made.
    const real = ['_customers_new', '_archive_old', '_flags_del', '__x_new', '_notes_ghc', '_notes_gho'];
    const named = [...real, '_logs_20240101120000_del', '_customers_old', '_customers_ghc'];
    await mysql.query(
      ['customers', 'flags', ...named].map((name) => table(`${d}.${name}`, 1)).join('') +
        `CREATE TABLE ${d}.view_of (id INT PRIMARY KEY)`,
    );
    const task = whole(d);
    await running(task);
    expect(tables(d)).toEqual(['customers', 'flags', 'view_of', ...named].sort());
    expect(await leftOut(task)).toEqual([]);
    for (const name of named)
      await mysql.query(
        `INSERT INTO ${d}.${name} VALUES (2, 2); UPDATE ${d}.${name} SET v = 10 WHERE id = 1`,
      );
    // While it follows.
    await mysql.query(
      table(`${d}._flags_new`, 1) + table(`${d}._alone_new`, 1) + `INSERT INTO ${d}._flags_new VALUES (2, 2)`,
    );
    await mysql.query(`CREATE TABLE ${d}.kept LIKE ${d}.customers; INSERT INTO ${d}.kept VALUES (1, 1);
      RENAME TABLE ${d}.kept TO ${d}._flags_old; INSERT INTO ${d}._flags_old VALUES (2, 2)`);
    await allWell(task);
    for (const name of named)
      expect(rows(d, name)).toEqual([
        { id: 1, v: 10 },
        { id: 2, v: 2 },
      ]);
    expect([
      rows(d, '_flags_new').length,
      rows(d, '_alone_new').length,
      rows(d, '_flags_old').length,
    ]).toEqual([2, 1, 2]);
    // While it rests.
    await replica.stop(task);
    await mysql.query(table(`${d}._customers_gho`, 1, 2) + table(`${d}._rest_del`, 1, 2, 3));
    expect(await replica.run(task)).toMatchObject({ state: 'stopped' });
    expect([rows(d, '_customers_gho').length, rows(d, '_rest_del').length]).toEqual([2, 3]);
    expect(await leftOut(task)).toEqual([]);
  }, 60_000);

  const tools = [
    ['gh-ost', (d: string) => ghostSteps(d, 't'), '_t_del'],
    ['gh-ost that keeps the old table', (d: string) => ghostSteps(d, 't', { keepsOld: true }), '_t_del'],
    [
      'gh-ost with a timestamp',
      (d: string) => ghostSteps(d, 't', { old: '_t_20240101120000_del', keepsOld: true }),
      '_t_20240101120000_del',
    ],
    ['pt-osc', (d: string) => ptOscSteps(d, 't'), '_t_old'],
    ['pt-osc that keeps the old table', (d: string) => ptOscSteps(d, 't', { keepsOld: true }), '_t_old'],
    [
      'pt-osc, with its first names taken',
      (d: string) => ptOscSteps(d, 't', { copy: '___t_new', old: '__t_old', keepsOld: true }),
      '__t_old',
    ],
  ] as const;
  const kept = (name: string) => /keeps|timestamp|taken/.test(name);

  async function changing(blind: boolean) {
    const d = await database();
    await replica.mysql.query(
      table(`${d}.t`, 1, 2, 3, 4, 5) + table(`${d}.beside`, 1) + table(`${d}._real_new`, 1),
    );
    const task = whole(d, blind);
    let id = 100;
    const write = () =>
      replica.mysql.query(
        `INSERT INTO ${d}.t (id, v) VALUES (${++id}, 1); UPDATE ${d}.t SET v = v + 1 WHERE id < 4; INSERT INTO ${d}._real_new VALUES (${id}, 1)`,
      );
    const end = async (name: string, old: string) => {
      await allWell(task);
      expect(tables(d)).toEqual(['_real_new', 'beside', 't']);
      expect(await leftOut(task)).toEqual(kept(name) ? [`${d}.${old} old`] : []);
      expect(rows(d, 't').map((row) => row['extra'])).toEqual(rows(d, 't').map(() => 'x'));
      expect(rows(d, 't').length).toBe(id - 100 + 5);
      if (kept(name)) await replica.mysql.query(`DROP TABLE ${d}.${old}`);
      await replica.until(task, (s) => s.leftOut?.length === 0);
      await replica.stop(task);
      expect(await replica.run(task)).toMatchObject({ state: 'stopped' });
      expect(tables(d)).toEqual(['_real_new', 'beside', 't']);
    };
    return { d, task, write, end };
  }

  it.each(tools)(
    '%s, while the task follows',
    async (name, steps, old) => {
      const { d, task, write, end } = await changing(true);
      await running(task);
      for (const step of steps(d)) {
        await perform(step);
        await write();
      }
      await end(name, old);
    },
    60_000,
  );

  it.each(tools)(
    '%s, all of it while the task rests',
    async (name, steps, old) => {
      const { d, task, write, end } = await changing(true);
      await running(task);
      await replica.stop(task);
      for (const step of steps(d)) {
        await perform(step);
        await write();
      }
      await running(task);
      await end(name, old);
    },
    60_000,
  );

  it.each(tools)(
    '%s, with a rest at every step',
    async (name, steps, old) => {
      const { d, task, write, end } = await changing(true);
      await running(task);
      for (const step of steps(d)) {
        await replica.stop(task);
        await write();
        await perform(step);
        await write();
        // Between CREATE TABLE and the triggers pt-osc has proved nothing: whoever waits for long then takes the copy in.
        if (name.startsWith('pt-osc') && ['copy', 'alter'].includes(step[0])) {
          await replica.start(task);
          await replica.until(task, (s) => s.phase === 'incremental' && s.leftOut?.length === 1);
        } else await running(task);
        await write();
      }
      await end(name, old);
    },
    120_000,
  );

  it.each(tools)(
    '%s, begun with at every step',
    async (name, steps, old) => {
      for (let begun = 1; begun < steps('x').length - 2; begun++) {
        const { d, task, write, end } = await changing(false);
        const all = steps(d);
        // Between CREATE TABLE and the triggers nothing proves what pt-osc is about to do.
        if (['copy', 'alter'].includes(all[begun - 1]![0]) && name.startsWith('pt-osc')) continue;
        for (const step of all.slice(0, begun)) await perform(step);
        await running(task);
        await write();
        for (const step of all.slice(begun)) {
          await perform(step);
          await write();
        }
        await end(name, old);
      }
    },
    120_000,
  );

  it('a copy that nothing proved goes on as the table that it replaces', async () => {
    // The triggers are made before the task begins, and its account may not see them.
    const { d, task, write } = await changing(true);
    const steps = ptOscSteps(d, 't', { keepsOld: true });
    for (const step of steps.slice(0, 3)) await perform(step);
    await replica.mysql.query('FLUSH BINARY LOGS');
    await running(task);
    expect(tables(d)).toContain('_t_new');
    for (const step of steps.slice(3)) {
      await perform(step);
      await write();
    }
    await allWell(task);
    const { tables: followed } = await replica.snapshot(task);
    expect(followed.map(({ source }) => source).sort()).toEqual(
      ['_real_new', '_t_old', 'beside', 't'].map((name) => `${d}.${name}`),
    );
    expect(rows(d, 't').every(({ extra }) => extra === 'x')).toBe(true);
    await replica.stop(task);
    expect(await replica.run(task)).toMatchObject({ state: 'stopped' });
  }, 60_000);

  it('what proved a change is gone, and no statement of the stream says so: its copy is loaded at the next start', async () => {
    const { mysql } = replica;
    replica.timing.toolTableMs = 300;
    const { d, task } = await changing(true);
    await running(task);
    for (const step of ghostSteps(d, 't').slice(0, 4)) await perform(step);
    await replica.until(task, (s) => s.leftOut?.length === 3);
    await replica.caughtUp(task);
    await mysql.query(
      `SET SESSION sql_log_bin = 0; DROP TABLE ${d}._t_ghc, ${d}._t_ghk; SET SESSION sql_log_bin = 1`,
    );
    await replica.stop(task);
    await running(task);
    await replica.until(task, (s) => s.leftOut?.length === 0);
    await allWell(task);
    expect(rows(d, '_t_gho').length).toBe(5);
    await replica.stop(task);
  }, 60_000);

  it('a change that is given up: its copy is like any other table from then on', async () => {
    const { mysql } = replica;
    for (const [steps, copy, giveUp] of [
      [ghostSteps, '_t_gho', (d: string) => `DROP TABLE ${d}._t_ghc, ${d}._t_ghk`],
      [
        ptOscSteps,
        '_t_new',
        (d: string) =>
          ['del', 'upd', 'ins'].map((end) => `DROP TRIGGER ${d}.pt_osc_${d}_t_${end}`).join('; '),
      ],
    ] as const) {
      const { d, task } = await changing(true);
      await running(task);
      for (const step of steps(d, 't').slice(0, 4)) await perform(step);
      await replica.caughtUp(task);
      expect(await leftOut(task)).toContain(`${d}.${copy} copy`);
      expect(tables(d)).not.toContain(copy);
      await replica.stop(task);
      await running(task);
      expect(await leftOut(task)).toContain(`${d}.${copy} copy`);
      await mysql.query(giveUp(d));
      await allWell(task);
      expect(await leftOut(task)).toEqual([]);
      expect(rows(d, copy).length).toBe(5);
      await mysql.query(`INSERT INTO ${d}.${copy} (id, v) VALUES (77, 7)`);
      await allWell(task);
      expect(rows(d, copy).length).toBe(6);
      await replica.stop(task);
    }
  }, 60_000);

  it('a proof that comes late takes the table out again, and its rows are brought no more', async () => {
    replica.timing.toolTableMs = 200;
    const { d, task, write } = await changing(true);
    await running(task);
    const [copy, alter, triggers, ...more] = ptOscSteps(d, 't');
    await perform(copy!);
    await perform(alter!);
    await allWell(task);
    expect(tables(d)).toContain('_t_new');
    await perform(triggers!);
    await write();
    await replica.until(task, (s) => s.leftOut?.length === 1);
    for (const step of more) await perform(step);
    await write();
    await allWell(task);
    expect((await replica.snapshot(task)).tables.map(({ source }) => source).sort()).toEqual([
      `${d}._real_new`,
      `${d}.beside`,
      `${d}.t`,
    ]);
    await replica.stop(task);
  }, 60_000);

  it('renaming by hand is no schema change: the rows of the old table are not lost', async () => {
    const { d, task } = await changing(true);
    await running(task);
    await replica.mysql.query(`CREATE TABLE ${d}.next LIKE ${d}.t; INSERT INTO ${d}.next VALUES (50, 50);
      RENAME TABLE ${d}.t TO ${d}._t_old, ${d}.next TO ${d}.t`);
    await replica.until(task, (s) => s.caughtUp && s.tables.some(({ source }) => source === `${d}._t_old`));
    await replica.caughtUp(task);
    expect([rows(d, '_t_old').length, rows(d, 't').length]).toEqual([5, 1]);
    expect(await leftOut(task)).toEqual([]);
    await replica.stop(task);
  }, 60_000);

  it('what is selected by its name is replicated, whatever it is', async () => {
    const { mysql } = replica;
    const { d } = await changing(true);
    for (const step of ghostSteps(d, 't').slice(0, 4)) await perform(step);
    await mysql.query('FLUSH BINARY LOGS');
    const task = replica.task({
      objects: [
        { database: d, renameTables: { prefix: `${d}_` } },
        { database: d, tables: [{ name: '_t_gho', rename: `${d}_shadow` }] },
      ],
    });
    await running(task);
    expect(rows(d, 'shadow').length).toBe(5);
    expect(await leftOut(task)).toEqual([`${d}._t_ghc notes`, `${d}._t_ghk notes`]);
    await mysql.query(`INSERT INTO ${d}._t_gho (id, v) VALUES (9, 9)`);
    await allWell(task);
    expect(rows(d, 'shadow').length).toBe(6);
    await replica.stop(task);
  }, 60_000);
});
