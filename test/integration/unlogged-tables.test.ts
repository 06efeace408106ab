import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ResolvedTask } from '../../src/shared/task.js';
import { startReplica, type Replica } from '../support/replica.js';

/** Tables of a whole database that no statement in the binlog made, and whose rows are in it. */
describe.each([{ gtid: false }, { gtid: true }])(
  'tables made outside of the binlog, gtid $gtid',
  ({ gtid }) => {
    let replica: Replica;
    beforeAll(async () => {
      replica = await startReplica(
        gtid ? { gtid } : { args: ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF'] },
      );
      replica.timing.toolTableMs = 300;
    }, 60_000);
    afterAll(() => replica?.close());

    const unlogged = (sql: string) =>
      replica.mysql.query(`SET SESSION sql_log_bin = 0; ${sql}; SET SESSION sql_log_bin = 1`);
    async function whole(name: string, more: Record<string, unknown> = {}): Promise<ResolvedTask> {
      await replica.mysql.query(
        `CREATE DATABASE ${name}; CREATE TABLE ${name}.${name}_old (id INT PRIMARY KEY, v INT)`,
      );
      const task = replica.task({ objects: [{ database: name, ...more }] });
      await replica.start(task);
      await replica.until(task, (one) => one.phase === 'incremental' && one.caughtUp);
      return task;
    }
    const phases = async (task: ResolvedTask) =>
      Object.fromEntries(
        (await replica.snapshot(task)).tables.map(({ source, phase, problem }) => [
          source.replace(/^[^.]+\./, ''),
          problem?.code ?? phase,
        ]),
      );

    it('rule 13: a table is taken in with its first rows, or says why it is not', async () => {
      const task = await whole('u', { exclude: ['tmp_*'] });
      await unlogged(`CREATE TABLE u.fresh (id INT PRIMARY KEY, v INT); INSERT INTO u.fresh VALUES (1, 1);
      CREATE TABLE u.no_key (v INT); CREATE TABLE u.tmp_x (id INT PRIMARY KEY);
      CREATE TABLE u._fresh_new (id INT PRIMARY KEY);
      CREATE TABLE u.branch (id INT PRIMARY KEY); CREATE TABLE u.unused (id INT PRIMARY KEY)`);
      await replica.mysql.query(`INSERT INTO u.fresh VALUES (2, 2); UPDATE u.fresh SET v = 9 WHERE id = 2;
      INSERT INTO u.no_key VALUES (1); INSERT INTO u.tmp_x VALUES (1); INSERT INTO u._fresh_new VALUES (1);
      BEGIN; INSERT INTO u.u_old VALUES (7, 7); INSERT INTO u.fresh VALUES (3, 3); COMMIT`);
      const session = await replica.mysql.connect();
      await session.query("XA START 'b'; INSERT INTO u.branch VALUES (1); XA END 'b'; XA PREPARE 'b'");
      await replica.until(task, ({ tables }) => tables.some(({ source }) => source === 'u.branch'));
      await session.query("XA COMMIT 'b'");
      await session.end();
      await replica.caughtUp(task);
      expect(await phases(task)).toEqual({
        u_old: 'incremental',
        fresh: 'incremental',
        no_key: 'ROW-S106',
        _fresh_new: 'incremental',
        branch: 'incremental',
      });
      expect(replica.rows('fresh')).toEqual([
        { id: 1, v: 1 },
        { id: 2, v: 9 },
        { id: 3, v: 3 },
      ]);
      expect([replica.rows('u_old'), replica.rows('branch'), replica.rows('_fresh_new')]).toEqual([
        [{ id: 7, v: 7 }],
        [{ id: 1 }],
        [{ id: 1 }],
      ]);
      await replica.stop(task);
    }, 60_000);

    it('rule 13: what makes a table or a database says that there was none: a table that is followed was dropped unseen', async () => {
      const task = await whole('m');
      const named = replica.task({
        capitalization: 'source',
        objects: [{ database: 'm', tables: [{ name: 'm_old', rename: 'by_name' }] }],
      });
      await replica.start(named);
      await replica.until(named, (one) => one.phase === 'incremental' && one.caughtUp);
      const make = 'CREATE TABLE m.m_old (id INT PRIMARY KEY, v INT)';
      const isReloaded = (...ids: number[]) =>
        replica.until(
          task,
          ({ tables }) =>
            tables.every(({ phase }) => phase === 'incremental') &&
            JSON.stringify(replica.rows('m_old').map(({ id }) => id)) === JSON.stringify(ids),
        );
      await replica.mysql.query('INSERT INTO m.m_old VALUES (1, 1), (2, 2)');
      await replica.mysql.query(`${make.replace('TABLE', 'TABLE IF NOT EXISTS')}`);
      await replica.caughtUp(named);
      expect(await phases(named)).toEqual({ m_old: 'incremental' });
      await unlogged('DROP TABLE m.m_old');
      await replica.mysql.query(`${make}; INSERT INTO m.m_old VALUES (3, 3)`);
      await isReloaded(3);
      await replica.caughtUp(named);
      expect(await phases(named)).toEqual({ m_old: 'ROW-S113' });
      await unlogged('DROP DATABASE m');
      await replica.mysql.query(`CREATE DATABASE m; ${make}; INSERT INTO m.m_old VALUES (4, 4)`);
      await isReloaded(4);
      await replica.stop(task);
      await replica.stop(named);
    }, 60_000);

    it('rule 13: rows of one that is gone by now stop nothing, and it comes when it is made again', async () => {
      const { mysql } = replica;
      const task = await whole('g');
      await replica.stop(task);
      await unlogged('CREATE TABLE g.gone (id INT PRIMARY KEY); CREATE TABLE g.lost (id INT PRIMARY KEY)');
      await mysql.query(`INSERT INTO g.gone VALUES (1); INSERT INTO g.lost VALUES (1); INSERT INTO g.gone VALUES (2);
      INSERT INTO g.g_old VALUES (1, 1)`);
      await unlogged('DROP TABLE g.lost');
      await mysql.query('DROP TABLE g.gone; INSERT INTO g.g_old VALUES (2, 2)');
      await replica.start(task);
      await replica.caughtUp(task);
      expect(await phases(task)).toEqual({ g_old: 'incremental' });
      await unlogged('CREATE TABLE g.gone (id INT PRIMARY KEY); INSERT INTO g.gone VALUES (5)');
      await mysql.query('INSERT INTO g.gone VALUES (6)');
      await replica.caughtUp(task);
      expect(await phases(task)).toEqual({ g_old: 'incremental', gone: 'incremental' });
      expect(replica.rows('gone')).toEqual([{ id: 5 }, { id: 6 }]);
      expect(replica.rows('g_old')).toHaveLength(2);
      await replica.stop(task);
    }, 60_000);

    it('the copy of an online schema change is left out still', async () => {
      const task = await whole('o');
      await replica.mysql.query(
        'CREATE TABLE o._o_old_ghc (id BIGINT PRIMARY KEY, last_update TIMESTAMP, hint VARCHAR(64), value VARCHAR(4096))',
      );
      await unlogged('CREATE TABLE o._o_old_gho (id INT PRIMARY KEY, v INT)');
      await replica.mysql.query(
        'INSERT INTO o._o_old_gho VALUES (1, 1); INSERT INTO o._o_old_gho VALUES (2, 2)',
      );
      await replica.caughtUp(task);
      expect(await phases(task)).toEqual({ o_old: 'incremental' });
      expect((await replica.snapshot(task)).leftOut?.map(({ source, as }) => [source, as])).toEqual([
        ['o._o_old_ghc', 'notes'],
        ['o._o_old_gho', 'copy'],
      ]);
      await replica.stop(task);
    }, 60_000);
  },
);
