import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startReplica, type Replica } from '../support/replica.js';

/** Rows that a session changes in statement format, by whatever road: what its event names stops, and nothing else. */
let replica: Replica;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rowferry-load-'));
  const args = ['--secure-file-priv=', '--log-bin-trust-function-creators=ON', '--event-scheduler=ON'];
  replica = await startReplica({ gtid: true, args });
}, 120_000);
afterAll(async () => {
  await replica?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** C is a database whose table t is selected, D another one, O one of which nothing is: the session's own. */
const roads: Record<string, string> = {
  trigger: `CREATE TRIGGER O.tr AFTER INSERT ON O.s FOR EACH ROW UPDATE C.t SET v = NEW.v; INSERT INTO O.s VALUES (9, 9)`,
  call: `CREATE PROCEDURE O.p() UPDATE C.t SET v = 7; CALL O.p()`,
  select: `SELECT O.f()`,
  do: `DO O.f()`,
  set: `SET @x = O.f()`,
  argument: `CREATE PROCEDURE O.p(a INT) DO a; CALL O.p(O.f())`,
  load: `LOAD DATA INFILE '@' REPLACE INTO TABLE C.t`,
  into: `INSERT INTO C.t SELECT id, v FROM O.s`,
  update: `UPDATE C.t JOIN D.t USING (id) SET C.t.v = 5, D.t.v = 6`,
  delete: `DELETE a, b FROM C.t AS a JOIN D.t AS b USING (id)`,
  replace: `REPLACE INTO C.t VALUES (1, 3)`,
  prepared: `PREPARE p FROM 'UPDATE C.t SET v = ? WHERE id = ?'; SET @a = 5, @b = 1; EXECUTE p USING @a, @b`,
  event: `CREATE EVENT O.e ON SCHEDULE AT NOW() DO BEGIN SET SESSION binlog_format = 'STATEMENT'; UPDATE C.t SET v = 8; END`,
  view: `CREATE VIEW O.w AS SELECT * FROM C.t; UPDATE O.w SET v = 100`,
  'view of a view': `CREATE VIEW O.w AS SELECT * FROM C.t; CREATE VIEW O.x AS SELECT * FROM O.w; DELETE FROM O.x`,
  common: `WITH n AS (SELECT 1 AS i) UPDATE C.t, n SET v = 4 WHERE id = i`,
  default: `USE C; DELETE FROM t`,
  xa: `XA START 'x1'; UPDATE C.t SET v = 9; XA END 'x1'; XA COMMIT 'x1' ONE PHASE`,
  random: `INSERT INTO C.t VALUES (77, FLOOR(100 * RAND()))`,
};

it('C5: every table of the databases that were written stops, by whatever road', async () => {
  const { mysql } = replica;
  const names = Object.keys(roads);
  await mysql.query(`CREATE DATABASE apart; CREATE TABLE apart.t (id INT PRIMARY KEY);
    SELECT 1, 11 INTO OUTFILE '${join(folder, 'rows')}'`);
  const databases: string[] = ['apart'];
  for (const [i] of names.entries()) {
    for (const name of [`c${i}`, `d${i}`])
      await mysql.query(
        `CREATE DATABASE ${name}; CREATE TABLE ${name}.t (id INT PRIMARY KEY, v INT); INSERT INTO ${name}.t VALUES (1, 1), (2, 2)`,
      );
    databases.push(`c${i}`, `d${i}`);
    await mysql.query(
      `CREATE DATABASE o${i}; CREATE TABLE o${i}.s (id INT PRIMARY KEY, v INT); INSERT INTO o${i}.s VALUES (7, 7)`,
    );
    await mysql.query(`CREATE FUNCTION o${i}.f() RETURNS INT BEGIN UPDATE c${i}.t SET v = 50; RETURN 1; END`);
  }
  const task = replica.task({
    objects: databases.map((database) => ({ database, tables: [{ name: 't', rename: `${database}_t` }] })),
  });
  await replica.start(task);
  await replica.until(task, (one) => one.phase === 'incremental' && one.caughtUp, 60_000);
  const known = new Set<string>();
  for (const [i, name] of names.entries()) {
    const session = await mysql.connect({ database: `o${i}` });
    await session.query("SET SESSION binlog_format = 'STATEMENT'");
    const sql = roads[name]!.replace(/\b[CDO](?=[.;])/g, (letter) => `${letter.toLowerCase()}${i}`);
    await session.query(sql.replace(`'@'`, `'${join(folder, 'rows')}'`)).catch((error: unknown) => {
      throw new Error(`${name}: ${String(error)}`);
    });
    await session.end();
    const wanted = [`c${i}.t`, ...(name === 'update' || name === 'delete' ? [`d${i}.t`] : [])];
    const stopped = async () =>
      (await replica.snapshot(task)).tables.flatMap(({ source, problem }) =>
        problem?.code === 'ROW-S109' && !known.has(source) ? [source] : [],
      );
    await replica.until(task, ({ tables }) =>
      tables.some(({ source, phase }) => source === `c${i}.t` && phase === 'stopped'),
    );
    await replica.caughtUp(task);
    const now = await stopped();
    expect([name, ...now.sort()]).toEqual([name, ...wanted]);
    for (const one of now) known.add(one);
  }
  await replica.stop(task);
}, 180_000);

it('C5: a statement whose event does not name what it wrote may have written everything', async () => {
  const { mysql } = replica;
  const many = Array.from({ length: 17 }, (_, i) => `m${i}`);
  for (const name of many)
    await mysql.query(
      `CREATE DATABASE ${name}; CREATE TABLE ${name}.t (id INT PRIMARY KEY, v INT); INSERT INTO ${name}.t VALUES (1, 1)`,
    );
  await mysql.query(`CREATE DATABASE m_apart; CREATE TABLE m_apart.t (id INT PRIMARY KEY);
    CREATE FUNCTION m0.f() RETURNS INT BEGIN UPDATE m16.t SET v = 50; RETURN 1; END;
    CREATE PROCEDURE m0.p() IF m0.f() THEN DO 1; END IF`);
  const write = (databases: string[]) =>
    `UPDATE ${databases.map((name) => `${name}.t AS ${name}`).join(', ')} SET ${databases.map((name) => `${name}.v = 2`).join(', ')}`;
  for (const [round, unnamed] of [write(many), 'CALL m0.p()'].entries()) {
    const task = replica.task({
      objects: ['m0', 'm16', 'm_apart'].map((database) => ({
        database,
        tables: [{ name: 't', rename: `${database}_${round}` }],
      })),
    });
    await replica.start(task);
    await replica.until(task, (one) => one.phase === 'incremental' && one.caughtUp);
    const session = await mysql.connect();
    await session.query("SET SESSION binlog_format = 'STATEMENT'");
    await session.query(write(many.slice(1, 16)));
    await replica.caughtUp(task);
    expect((await replica.snapshot(task)).tables.map(({ phase }) => phase)).not.toContain('stopped');
    await session.query(unnamed);
    await session.end();
    await replica.until(task, ({ tables }) => tables.every(({ problem }) => problem?.code === 'ROW-S109'));
    await replica.stop(task);
  }
}, 60_000);
