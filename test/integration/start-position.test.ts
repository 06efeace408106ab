import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ResolvedTask } from '../../src/shared/task.js';
import { startReplica, type Replica } from '../support/replica.js';

/**
 * A task without a full load that begins at an old place: the definitions that hold there cannot be asked for any more
 * (correctness rule 13). What was made after that place is loaded as it is; what was altered stops, or is loaded.
 */
describe.each([true, false])('a start position before statements, GTIDs %s', (gtid) => {
  let replica: Replica;
  beforeAll(async () => {
    const off = ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF'];
    replica = await startReplica(gtid ? { gtid } : { args: off });
  }, 120_000);
  afterAll(() => replica?.close());

  const goesOn = { state: 'stopped', reached: true };
  const place = async () => {
    const [now] = await replica.mysql.query<{ File: string; Position: number; Executed_Gtid_Set: string }>(
      'SHOW BINARY LOG STATUS',
    );
    return gtid ? { gtid: now!.Executed_Gtid_Set } : { file: now!.File, position: now!.Position };
  };
  const source = (table: string) => replica.mysql.query(`SELECT * FROM ${table} ORDER BY id`);
  const shown = (table: string) => replica.rows(table.replace('.', '_'));
  const stopped = async (task: ResolvedTask) =>
    (await replica.snapshot(task)).tables.filter(({ phase }) => phase === 'stopped').map((one) => one.source);
  const reload = (task: ResolvedTask, table: string) => replica.engine.api.reload(task.id, table);

  it.each(['stop-table', 'reload'])(
    'rule 13: what was made again, renamed or altered after it is right in the end, or stops (%s)',
    async (onChange) => {
      const db = `x${onChange.slice(0, 2)}`;
      const { mysql } = replica;
      await mysql.query(`CREATE DATABASE ${db}; USE ${db};
        CREATE TABLE same (id INT PRIMARY KEY, v INT); INSERT INTO same VALUES (1, 1);
        CREATE TABLE dropped (id INT PRIMARY KEY, v INT); INSERT INTO dropped VALUES (1, 1);
        CREATE TABLE a (id INT PRIMARY KEY, v INT); INSERT INTO a VALUES (1, 1);
        CREATE TABLE wider (id INT PRIMARY KEY, v INT); CREATE TABLE swapped (id INT PRIMARY KEY, v INT, w INT);
        CREATE TABLE indexed (id INT PRIMARY KEY, v INT)`);
      const startPosition = await place();
      await mysql.query(`USE ${db}; INSERT INTO same VALUES (2, 2); UPDATE same SET v = 3 WHERE id = 2;
        INSERT INTO dropped VALUES (2, 2); DROP TABLE dropped;
        CREATE TABLE dropped (name VARCHAR(9), id INT PRIMARY KEY, e ENUM('x', 'y'));
        INSERT INTO dropped VALUES ('n', 7, 'y'); ALTER TABLE dropped ADD COLUMN z INT; INSERT INTO dropped VALUES ('m', 8, 'x', 1);
        INSERT INTO a VALUES (2, 2); RENAME TABLE a TO b; CREATE TABLE a (id BIGINT PRIMARY KEY, t VARCHAR(9));
        INSERT INTO a VALUES (3, 'three'); INSERT INTO b VALUES (4, 4);
        CREATE TABLE fresh (id INT PRIMARY KEY, v INT); INSERT INTO fresh VALUES (1, 1);
        INSERT INTO wider VALUES (1, 1); ALTER TABLE wider ADD COLUMN w INT; INSERT INTO wider VALUES (2, 2, 2);
        INSERT INTO swapped VALUES (1, 10, 20); ALTER TABLE swapped MODIFY w INT AFTER id; INSERT INTO swapped VALUES (2, 10, 20);
        INSERT INTO indexed VALUES (1, 1); ALTER TABLE indexed ADD INDEX (v); INSERT INTO indexed VALUES (2, 2)`);
      const task = replica.task({
        synchronization: { full: false },
        ddl: { onChange },
        startPosition,
        objects: [{ database: db, renameTables: { prefix: `${db}_` } }],
      });
      expect(await replica.run(task)).toEqual(goesOn);
      expect(shown(`${db}.same`)).toEqual([{ id: 2, v: 3 }]);
      for (const table of ['dropped', 'a', 'b', 'fresh', 'indexed'])
        expect(shown(`${db}.${table}`).map(({ id }) => id)).toEqual(
          (await source(`${db}.${table}`)).map((row) => (row as { id: number }).id),
        );
      expect(shown(`${db}.dropped`)).toEqual([
        { id: 7, name: 'n', e: 'y' },
        { id: 8, name: 'm', e: 'x', z: 1 },
      ]);
      const altered = onChange === 'reload' ? [] : [`${db}.swapped`, `${db}.wider`];
      expect(await stopped(task)).toEqual(altered);
      for (const table of altered) await reload(task, table);
      if (altered.length > 0) expect(await replica.run(task)).toEqual(goesOn);
      expect(await stopped(task)).toEqual([]);
      for (const table of ['wider', 'swapped'])
        expect(shown(`${db}.${table}`)).toEqual(
          (await source(`${db}.${table}`)).map((row) =>
            Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)),
          ),
        );
      // They are followed like all others from then on, and what is made now is taken in whole.
      await mysql.query(`USE ${db}; INSERT INTO dropped VALUES ('o', 9, 'x', 2); INSERT INTO wider VALUES (3, 3, 3);
        CREATE TABLE later (id INT PRIMARY KEY); INSERT INTO later VALUES (1); INSERT INTO later VALUES (2)`);
      expect(await replica.run(task)).toEqual(goesOn);
      for (const table of ['dropped', 'wider', 'later', 'a', 'b'])
        expect(shown(`${db}.${table}`)).toHaveLength((await source(`${db}.${table}`)).length);
    },
    60_000,
  );

  it('rule 13: a database that was dropped and made again is right in the end, or its tables stop with a way back', async () => {
    const { mysql } = replica;
    await mysql.query(`CREATE DATABASE again; USE again; CREATE TABLE t (id INT PRIMARY KEY, v INT); CREATE TABLE e (id INT PRIMARY KEY);
      INSERT INTO t VALUES (1, 1); INSERT INTO e VALUES (1)`);
    const startPosition = await place();
    await mysql.query(`USE again; INSERT INTO t VALUES (2, 2); TRUNCATE e; INSERT INTO e VALUES (5);
      DROP DATABASE again; CREATE DATABASE again; USE again; CREATE TABLE e (id INT PRIMARY KEY, w INT); INSERT INTO e VALUES (6, 6);
      CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(9)); INSERT INTO t VALUES (3, 'three')`);
    const common = { synchronization: { full: false }, startPosition };
    const whole = replica.task({
      ...common,
      objects: [{ database: 'again', renameTables: { prefix: 'again_' } }],
    });
    expect(await replica.run(whole)).toEqual(goesOn);
    expect(await stopped(whole)).toEqual([]);
    expect(shown('again.t')).toEqual([{ id: 3, s: 'three' }]);
    expect(shown('again.e')).toEqual([{ id: 6, w: 6 }]);

    const tables = ['t', 'e'].map((name) => ({ name, rename: `named_${name}` }));
    const named = replica.task({ ...common, objects: [{ database: 'again', tables }] });
    expect(await replica.run(named)).toEqual(goesOn);
    expect(await stopped(named)).toEqual(['again.e', 'again.t']);
    const [problem] = (await replica.snapshot(named)).tables.map((one) => one.problem);
    expect(problem).toMatchObject({
      code: 'ROW-S113',
      message: expect.stringContaining('was dropped at the source and created again') as string,
      remedy: expect.stringContaining('rowferry reload TASK --table again.') as string,
    });
    for (const table of ['again.t', 'again.e']) await reload(named, table);
    expect(await replica.run(named)).toEqual(goesOn);
    expect(await stopped(named)).toEqual([]);
    expect(replica.rows('named_t')).toEqual([{ id: 3, s: 'three' }]);
    expect(replica.rows('named_e')).toEqual([{ id: 6, w: 6 }]);
  }, 60_000);

  it('rule 13: without a full load, too, a table that is made while the task runs has all of its rows', async () => {
    const { mysql } = replica;
    await mysql.query(
      'CREATE DATABASE lives; CREATE TABLE lives.t (id INT PRIMARY KEY); INSERT INTO lives.t VALUES (1)',
    );
    const task = replica.task({
      synchronization: { full: false },
      startPosition: 'now',
      objects: [{ database: 'lives', renameTables: { prefix: 'lives_' } }],
    });
    await replica.start(task);
    await replica.until(task, (s) => s.caughtUp);
    await mysql.query(`USE lives; INSERT INTO t VALUES (2); CREATE TABLE made (id INT PRIMARY KEY); INSERT INTO made VALUES (1), (2);
      INSERT INTO made VALUES (3); CREATE TABLE other (id INT PRIMARY KEY, v INT); INSERT INTO other VALUES (1, 1);
      RENAME TABLE other TO taken; INSERT INTO taken VALUES (2, 2)`);
    await replica.caughtUp(task);
    expect(shown('lives.t')).toEqual([{ id: 2 }]);
    expect(shown('lives.made')).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
    expect(shown('lives.taken')).toEqual([
      { id: 1, v: 1 },
      { id: 2, v: 2 },
    ]);
    // Asked for, a table is loaded whole.
    await reload(task, 'lives.t');
    await replica.caughtUp(task);
    expect(shown('lives.t')).toEqual([{ id: 1 }, { id: 2 }]);
    await replica.stop(task);
    // Chosen only now, it begins here; what was followed whole brings what came meanwhile.
    await mysql.query(`CREATE TABLE lives.rested (id INT PRIMARY KEY); INSERT INTO lives.rested VALUES (1);
      CREATE DATABASE apart; CREATE TABLE apart.p (id INT PRIMARY KEY); INSERT INTO apart.p VALUES (1)`);
    const wider = { ...task, objects: [...task.objects, { database: 'apart' }] };
    expect(await replica.run(wider)).toEqual(goesOn);
    await mysql.query('INSERT INTO apart.p VALUES (2)');
    expect(await replica.run(wider)).toEqual(goesOn);
    expect(shown('lives.rested')).toEqual([{ id: 1 }]);
    expect(replica.rows('p')).toEqual([{ id: 2 }]);
  }, 60_000);
});
