import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ResolvedTask } from '../../src/shared/task.js';
import { startReplica, type Replica } from '../support/replica.js';

/** DDL at the source while a task runs, with and without GTID (correctness rules 5, 11, 13, 14). */
describe.each([{ gtid: false }, { gtid: true }])('DDL while running, gtid $gtid', ({ gtid }) => {
  let replica: Replica;
  beforeAll(async () => {
    replica = await startReplica(
      gtid ? { gtid } : { args: ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF'] },
    );
    await replica.mysql.query(
      'CREATE DATABASE d; CREATE DATABASE whole; CREATE DATABASE other; CREATE DATABASE osc',
    );
  }, 60_000);
  afterAll(() => replica?.close());

  const objects = (name: string, more: Record<string, unknown> = {}) => [
    { database: 'd', tables: [{ name, ...more }] },
  ];
  async function running(file: Record<string, unknown> & { objects: unknown[] }): Promise<ResolvedTask> {
    const task = replica.task(file);
    await replica.start(task);
    await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
    return task;
  }
  async function equal(task: ResolvedTask): Promise<void> {
    await replica.caughtUp(task);
    expect(await replica.verify(task)).toMatchObject({ equal: true });
    const { tables } = await replica.snapshot(task);
    expect(tables.filter(({ phase }) => phase === 'stopped')).toEqual([]);
  }
  const tableOf = async (task: ResolvedTask, source: string) =>
    (await replica.snapshot(task)).tables.find((table) => table.source === source);

  it('rule 14: added columns flow, with the values that no event brought; dropped ones end', async () => {
    const { mysql } = replica;
    await mysql.query(
      'CREATE TABLE d.cols (id INT PRIMARY KEY, a INT, b INT); INSERT INTO d.cols VALUES (1, 1, 1)',
    );
    const task = await running({ objects: objects('cols') });
    await mysql.query(
      'ALTER TABLE d.cols ADD COLUMN plain INT FIRST; INSERT INTO d.cols VALUES (7, 2, 2, 2)',
    );
    await mysql.query("ALTER TABLE d.cols ADD COLUMN filled VARCHAR(9) NOT NULL DEFAULT 'std'");
    await mysql.query('ALTER TABLE d.cols ADD COLUMN twice INT AS (id * 2) STORED, DROP COLUMN b');
    await mysql.query("INSERT INTO d.cols (plain, id, a, filled) VALUES (8, 3, 3, 'own')");
    await equal(task);
    expect(replica.rows('cols')).toEqual([
      { id: 1, a: 1, filled: 'std', twice: 2 },
      { id: 2, a: 2, plain: 7, filled: 'std', twice: 4 },
      { id: 3, a: 3, plain: 8, filled: 'own', twice: 6 },
    ]);
    await replica.stop(task);
  }, 60_000);

  it.each([
    'CONVERT TO CHARACTER SET latin1, MODIFY c VARCHAR(50), RENAME TO named.b',
    'CONVERT TO CHARACTER SET DEFAULT, RENAME AS named.b',
  ])(
    'rule 14: a table has another name by a statement that is not understood: %s',
    async (what) => {
      const { mysql } = replica;
      await mysql.query(`DROP DATABASE IF EXISTS named; CREATE DATABASE named; CREATE TABLE named.other (id INT PRIMARY KEY);
      CREATE TABLE named.a (id INT PRIMARY KEY, c VARCHAR(20)); INSERT INTO named.a VALUES (1, 'x')`);
      const prefix = `n${what.length}_`;
      const task = await running({ objects: [{ database: 'named', renameTables: { prefix } }] });
      await mysql.query(`ALTER TABLE named.a ${what}`);
      const isThere = () =>
        replica.tables().includes(`${prefix}b`) && replica.rows(`${prefix}b`).length === 1;
      await replica.until(task, isThere);
      expect(await tableOf(task, 'named.a')).toMatchObject({ phase: 'stopped' });
      await replica.stop(task);
    },
    60_000,
  );

  it('rule 13: a swap of column names is never misread, and stops that table alone until it is reloaded', async () => {
    const { mysql, engine } = replica;
    await mysql.query(`CREATE TABLE d.swap (id INT PRIMARY KEY, a INT, b INT); INSERT INTO d.swap VALUES (1, 10, 20);
      CREATE TABLE d.calm (id INT PRIMARY KEY)`);
    const task = await running({
      objects: [{ database: 'd', tables: [{ name: 'swap' }, { name: 'calm' }] }],
    });
    await mysql.query('INSERT INTO d.swap VALUES (2, 10, 20)');
    await mysql.query('ALTER TABLE d.swap RENAME COLUMN a TO b, RENAME COLUMN b TO a');
    await mysql.query('INSERT INTO d.swap VALUES (3, 20, 10); INSERT INTO d.calm VALUES (1)');
    await replica.caughtUp(task);
    expect(replica.rows('swap')).toEqual([
      { id: 1, a: 10, b: 20 },
      { id: 2, a: 10, b: 20 },
    ]);
    expect(replica.rows('calm')).toEqual([{ id: 1 }]);
    const stopped = await tableOf(task, 'd.swap');
    expect(stopped).toMatchObject({ phase: 'stopped', problem: { code: 'ROW-S113' } });
    expect(stopped!.problem!.remedy).toContain('reload');

    await mysql.query('DELETE FROM d.swap WHERE id = 2');
    expect(await engine.api.reload(task.id, 'D.Swap')).toEqual(['d.swap']);
    await replica.until(task, (s) =>
      s.tables.some((t) => t.source === 'd.swap' && t.phase === 'incremental'),
    );
    await mysql.query('UPDATE d.swap SET a = 21 WHERE id = 3');
    await equal(task);
    // The ghost is swept (rule 5), the rest as it is now.
    expect(replica.rows('swap')).toEqual(
      [
        { id: 1, b: 10, a: 20 },
        { id: 3, b: 20, a: 21 },
      ].map((row) => expect.objectContaining(row)) as never,
    );
    await replica.stop(task);
  }, 60_000);

  it.each(['stop-table', 'reload'] as const)(
    'a type in use and a filter column, onChange %s',
    async (onChange) => {
      const { mysql } = replica;
      const [type, filter] = [`type_${onChange.slice(0, 4)}`, `filter_${onChange.slice(0, 4)}`];
      await mysql.query(`CREATE TABLE d.${type} (id INT PRIMARY KEY, v INT); INSERT INTO d.${type} VALUES (1, 1);
      CREATE TABLE d.${filter} (id INT PRIMARY KEY, keep INT, v INT); INSERT INTO d.${filter} VALUES (1, 1, 1), (2, 0, 2)`);
      const task = await running({
        objects: [{ database: 'd', tables: [{ name: type }, { name: filter, filter: 'keep = 1' }] }],
        ddl: { onChange },
      });
      await mysql.query(
        `ALTER TABLE d.${type} MODIFY v VARCHAR(10); UPDATE d.${type} SET v = 'text' WHERE id = 1`,
      );
      await mysql.query(
        `ALTER TABLE d.${filter} MODIFY keep BIGINT; UPDATE d.${filter} SET keep = 1 WHERE id = 2`,
      );
      await replica.caughtUp(task);
      if (onChange === 'reload') {
        await equal(task);
        expect([replica.rows(type), replica.rows(filter).length]).toEqual([[{ id: 1, v: 'text' }], 2]);
      } else {
        expect([
          (await tableOf(task, `d.${type}`))!.phase,
          (await tableOf(task, `d.${filter}`))!.phase,
        ]).toEqual(['stopped', 'stopped']);
        expect([replica.rows(type), replica.rows(filter).length]).toEqual([[{ id: 1, v: 1 }], 1]);
      }
      await replica.stop(task);
    },
    60_000,
  );

  it('a key that changes needs its destination made anew: that table stops, and comes back when it is', async () => {
    const { mysql, engine } = replica;
    await mysql.query(
      `CREATE TABLE d.rekey (id INT PRIMARY KEY, k INT NOT NULL); INSERT INTO d.rekey VALUES (1, 9), (2, 8);
       CREATE TABLE d.beside (id INT PRIMARY KEY); INSERT INTO d.beside VALUES (1)`,
    );
    const both = [{ database: 'd', tables: [{ name: 'rekey' }, { name: 'beside' }] }];
    const task = await running({ objects: both, ddl: { onChange: 'reload' } });
    await mysql.query('ALTER TABLE d.rekey DROP PRIMARY KEY, ADD PRIMARY KEY (k)');
    await replica.until(task, (s) => s.tables.some(({ phase }) => phase === 'stopped'));
    expect(await tableOf(task, 'd.rekey')).toMatchObject({ problem: { code: 'ROW-D106' } });
    expect((await replica.snapshot(task)).state).toBe('running');
    // Only when it is said: what lies there is lost.
    await engine.api.reload(task.id, 'd.rekey');
    await replica.until(task, (s) => s.tables.some(({ phase }) => phase === 'stopped'));
    expect(replica.rows('rekey')).toEqual([
      { id: 1, k: 9 },
      { id: 2, k: 8 },
    ]);
    await mysql.query('UPDATE d.rekey SET id = 10 WHERE k = 9; INSERT INTO d.beside VALUES (2)');
    // Again and again while the one before is under way.
    await engine.api.reload(task.id, 'd.rekey', true);
    await engine.api.reload(task.id, 'd.rekey', true);
    await engine.api.reload(task.id, 'd.rekey');
    await engine.api.reload(task.id, 'd.rekey', true);
    await mysql.query('UPDATE d.rekey SET k = 7 WHERE k = 8; INSERT INTO d.rekey VALUES (3, 1)');
    await replica.caughtUp(task);
    expect(replica.rows('rekey')).toEqual([
      { k: 1, id: 3 },
      { k: 7, id: 2 },
      { k: 9, id: 10 },
    ]);
    expect(replica.rows('beside')).toEqual([{ id: 1 }, { id: 2 }]);
    expect(await replica.verify(task)).toMatchObject({ equal: true });
    await replica.stop(task);
    // A table that others share, or that was there before, is not deleted.
    const merged = replica.task({
      objects: [
        {
          database: 'd',
          tables: [
            { name: 'rekey', rename: 'shared' },
            { name: 'beside', rename: 'shared', columns: { id: { rename: 'k' } } },
          ],
        },
      ],
      merge: true,
    });
    expect(await replica.run(merged)).toMatchObject({ state: 'stopped' });
    await expect(engine.api.reload(merged.id, 'd.rekey', true)).rejects.toMatchObject({
      code: 'ROW-T106',
      message: expect.stringContaining('d.beside') as unknown,
    });
    const foreign = replica.task({ objects: objects('beside'), conflict: 'ignore' });
    expect(await replica.run(foreign)).toMatchObject({ state: 'stopped' });
    await expect(engine.api.reload(foreign.id, 'd.beside', true)).rejects.toMatchObject({ code: 'ROW-T106' });
  }, 60_000);

  it('rule 14: truncate: "stop" leaves the rows, "delete" takes them away in order', async () => {
    const { mysql } = replica;
    for (const truncate of ['stop', 'delete'] as const) {
      const name = `trunc_${truncate}`;
      await mysql.query(
        `CREATE TABLE d.${name} (id INT PRIMARY KEY, v INT); INSERT INTO d.${name} VALUES (1, 1), (2, 2)`,
      );
      const task = await running({ objects: objects(name), ddl: { truncate } });
      await mysql.query(
        `INSERT INTO d.${name} VALUES (3, 3); TRUNCATE d.${name}; INSERT INTO d.${name} VALUES (2, 22), (4, 4)`,
      );
      await replica.caughtUp(task);
      const rows = replica.rows(name).map((row) => `${String(row['id'])}:${String(row['v'])}`);
      expect(rows).toEqual(truncate === 'stop' ? ['1:1', '2:2', '3:3'] : ['2:22', '4:4']);
      expect((await tableOf(task, `d.${name}`))!.phase).toBe(truncate === 'stop' ? 'stopped' : 'incremental');
      await replica.stop(task);
    }
  }, 60_000);

  it('a whole database: tables created, renamed, dropped and made again', async () => {
    const { mysql } = replica;
    await mysql.query(
      'CREATE TABLE whole.first (id INT PRIMARY KEY, v INT); INSERT INTO whole.first VALUES (1, 1)',
    );
    const task = await running({ objects: [{ database: 'whole', exclude: ['tmp_*'] }] });
    await mysql.query(`CREATE TABLE whole.later (id INT PRIMARY KEY, v INT); INSERT INTO whole.later VALUES (1, 1);
      CREATE TABLE whole.tmp_x (id INT PRIMARY KEY); CREATE TABLE whole.nokey (v INT);
      CREATE TABLE whole.likeit LIKE whole.later; INSERT INTO whole.likeit VALUES (5, 5)`);
    await mysql.query(
      'CREATE TABLE other.outside (id INT PRIMARY KEY, v INT); INSERT INTO other.outside VALUES (8, 8)',
    );
    await mysql.query('RENAME TABLE other.outside TO whole.inside; UPDATE whole.inside SET v = 9');
    await mysql.query('RENAME TABLE whole.first TO whole.renamed; INSERT INTO whole.renamed VALUES (2, 2)');
    await replica.caughtUp(task);
    expect(
      replica
        .tables()
        .filter((name) => /first|later|likeit|inside|renamed|tmp_x|nokey/.test(name))
        .sort(),
    ).toEqual(['first', 'inside', 'later', 'likeit', 'renamed']);
    expect(replica.rows('renamed')).toEqual([
      { id: 1, v: 1 },
      { id: 2, v: 2 },
    ]);
    expect([replica.rows('inside'), replica.rows('later'), replica.rows('likeit')]).toEqual([
      [{ id: 8, v: 9 }],
      [{ id: 1, v: 1 }],
      [{ id: 5, v: 5 }],
    ]);
    expect(await tableOf(task, 'whole.nokey')).toMatchObject({
      phase: 'stopped',
      problem: { code: 'ROW-S106' },
    });
    expect(await tableOf(task, 'whole.first')).toMatchObject({ phase: 'stopped' });

    await mysql.query('DROP TABLE whole.later');
    await mysql.query(
      'CREATE TABLE whole.later (id INT PRIMARY KEY, w INT); INSERT INTO whole.later VALUES (7, 7)',
    );
    await replica.caughtUp(task);
    expect(replica.rows('later')).toEqual([{ id: 7, w: 7 }]);
    await replica.stop(task);
    // Made while the task rests.
    await mysql.query(
      'CREATE TABLE whole.resting (id INT PRIMARY KEY); INSERT INTO whole.resting VALUES (1)',
    );
    expect(await replica.run(task)).toMatchObject({ state: 'stopped' });
    expect(replica.rows('resting')).toEqual([{ id: 1 }]);
  }, 60_000);

  it.each(['gh-ost', 'pt-osc'] as const)(
    'rule 14: an online schema change as %s does it, while rows are written',
    async (tool) => {
      const { mysql } = replica;
      const name = tool === 'gh-ost' ? 'ghost' : 'ptosc';
      const [shadow, old] =
        tool === 'gh-ost' ? [`_${name}_gho`, `_${name}_del`] : [`_${name}_new`, `_${name}_old`];
      await mysql.query(`CREATE TABLE osc.${name} (id INT PRIMARY KEY, v INT, gone INT);
      INSERT INTO osc.${name} WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) SELECT i, i, i FROM n`);
      const task = await running({
        objects: [{ database: 'osc', exclude: [tool === 'gh-ost' ? 'ptosc' : 'ghost'] }],
      });
      let on = true;
      let written = 1000;
      const writing = (async () => {
        const connection = await mysql.connect();
        while (on) {
          const id = written++;
          await connection.query(`INSERT INTO osc.${name} (id, v) VALUES (${id}, ${id})`);
          await connection.query(`UPDATE osc.${name} SET v = v + 1 WHERE id = ${1 + (id % 300)}`);
          await connection.query(`DELETE FROM osc.${name} WHERE id = ${id - 5} AND id % 2 = 0`);
          await delay(3);
        }
        await connection.end();
      })();
      await mysql.query(`CREATE TABLE osc.${shadow} LIKE osc.${name};
      ALTER TABLE osc.${shadow} DROP COLUMN gone, ADD COLUMN extra VARCHAR(9) NOT NULL DEFAULT 'x', MODIFY v BIGINT AFTER extra`);
      // Rows go on while the tool's copy is made.
      await delay(150);
      on = false;
      await writing;
      await mysql.query(`INSERT INTO osc.${shadow} (id, v) SELECT id, v FROM osc.${name}`);
      await mysql.query(`RENAME TABLE osc.${name} TO osc.${old}, osc.${shadow} TO osc.${name};
      INSERT INTO osc.${name} (id, v, extra) VALUES (1, 77, 'after') ON DUPLICATE KEY UPDATE v = 77, extra = 'after';
      INSERT INTO osc.${name} (id, v) VALUES (5000, 9223372036854775807); DELETE FROM osc.${name} WHERE id = 2;
      DROP TABLE osc.${old}`);
      await equal(task);
      expect(replica.tables().filter((table) => table.startsWith('_'))).toEqual([]);
      expect(replica.rows(name).slice(0, 2)).toEqual([
        { id: 1, v: 77, extra: 'after' },
        expect.objectContaining({ id: 3, extra: 'x' }),
      ]);
      expect(replica.rows(name).at(-1)).toEqual({ id: 5000, v: '9223372036854775807', extra: 'x' });
      await replica.stop(task);
    },
    60_000,
  );

  it('rule 13: columns that come, move and go one after the other are each where the stream has them', async () => {
    const { mysql } = replica;
    await mysql.query(
      'CREATE TABLE d.moving (id INT PRIMARY KEY, a INT, b INT); INSERT INTO d.moving VALUES (1, 1, 2)',
    );
    const task = await running({ objects: objects('moving') });
    // All of one type, so that nothing but the order tells them apart; and all of it before the stream is told.
    await replica.stop(task);
    await mysql.query('ALTER TABLE d.moving ADD c INT AFTER a; INSERT INTO d.moving VALUES (2, 1, 3, 2)');
    await mysql.query('ALTER TABLE d.moving MODIFY b INT FIRST; INSERT INTO d.moving VALUES (2, 3, 1, 3)');
    await mysql.query(
      'ALTER TABLE d.moving ADD e INT FIRST, DROP c; INSERT INTO d.moving VALUES (5, 2, 4, 1)',
    );
    await replica.start(task);
    await equal(task);
    expect(replica.rows('moving')).toEqual([
      { id: 1, a: 1, b: 2 },
      { id: 2, a: 1, b: 2, c: 3 },
      { id: 3, a: 1, b: 2, c: 3 },
      { id: 4, a: 1, b: 2, e: 5 },
    ]);
    // Back again, it is another column: no row keeps what the first one held.
    await mysql.query('ALTER TABLE d.moving ADD c INT; UPDATE d.moving SET c = 9 WHERE id = 4');
    await equal(task);
    expect(replica.rows('moving').map((row) => row['c'])).toEqual([undefined, undefined, undefined, 9]);
    await replica.stop(task);
  }, 60_000);

  it('rule 13: several changes in a row, before the stream has come to the first', async () => {
    const { mysql } = replica;
    await mysql.query(
      'CREATE TABLE d.rush (id INT PRIMARY KEY, a INT, b INT); INSERT INTO d.rush VALUES (1, 1, 2)',
    );
    const task = await running({ objects: objects('rush'), ddl: { onChange: 'reload' } });
    await replica.stop(task);
    await mysql.query('INSERT INTO d.rush VALUES (2, 3, 4)');
    await mysql.query('ALTER TABLE d.rush ADD c INT NOT NULL DEFAULT 5');
    await mysql.query('INSERT INTO d.rush VALUES (3, 5, 6, 7)');
    await mysql.query('ALTER TABLE d.rush RENAME COLUMN a TO b, RENAME COLUMN b TO a');
    await mysql.query('INSERT INTO d.rush VALUES (4, 7, 8, 9)');
    await mysql.query('ALTER TABLE d.rush DROP COLUMN b, MODIFY c VARCHAR(10)');
    await mysql.query("INSERT INTO d.rush VALUES (5, 9, 'ten'); DELETE FROM d.rush WHERE id = 1");
    await replica.start(task);
    await equal(task);
    expect(replica.rows('rush')).toEqual([
      { id: 2, a: 4, c: '5' },
      { id: 3, a: 6, c: '7' },
      { id: 4, a: 8, c: '9' },
      { id: 5, a: 9, c: 'ten' },
    ]);
    await replica.stop(task);
  }, 60_000);

  it('rule 13: DDL during the full load of a table restarts that load', async () => {
    const { mysql } = replica;
    for (const name of ['slow', 'quick']) {
      await mysql.query(`CREATE TABLE d.${name} (id INT PRIMARY KEY, v INT, w INT);
        INSERT INTO d.${name} WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT i, i, i FROM n`);
    }
    const task = replica.task({
      objects: [{ database: 'd', tables: [{ name: 'quick' }, { name: 'slow' }] }],
      throttle: { full: { rowsPerSecond: 900 } },
    });
    await replica.start(task);
    await replica.until(task, (s) => s.phase === 'full' && s.rows.full > 0);
    await mysql.query('ALTER TABLE d.slow DROP COLUMN w, MODIFY v VARCHAR(20)');
    await mysql.query("UPDATE d.slow SET v = 'text' WHERE id = 2");
    await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp, 30_000);
    await equal(task);
    expect(replica.rows('slow').slice(0, 2)).toEqual([
      { id: 1, v: '1' },
      { id: 2, v: 'text' },
    ]);
    await replica.stop(task);
  }, 60_000);
});
