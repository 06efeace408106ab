import { afterAll, beforeAll, expect, it } from 'vitest';
import { startReplica, type Replica } from '../support/replica.js';

/** Tables of a whole database that the account of the source may not read: the task says so, and asks again. */
let replica: Replica;
beforeAll(async () => {
  replica = await startReplica({ gtid: true });
  replica.timing.definitionsMs = 300;
}, 120_000);
afterAll(() => replica.close());

/** A database of which an account may read one table only, and a task of that account that selects all of it. */
async function confined(db: string) {
  const { mysql } = replica;
  await mysql.query(`CREATE DATABASE ${db}; CREATE DATABASE ${db}_other;
    CREATE TABLE ${db}.${db}_open (id INT PRIMARY KEY); INSERT INTO ${db}.${db}_open VALUES (1);
    CREATE USER '${db}'@'%'; GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO '${db}'@'%';
    GRANT SELECT ON ${db}.* TO '${db}'@'%'`);
  const task = replica.task({
    objects: [{ database: db }],
    source: { host: '127.0.0.1', port: mysql.port, user: db },
  });
  const grant = (table: string) => mysql.query(`GRANT SELECT ON ${db}.${table} TO '${db}'@'%'`);
  // A first start is refused without the privilege on all of it.
  await replica.run(task);
  await grant(`${db}_open`);
  await mysql.query(`REVOKE SELECT ON ${db}.* FROM '${db}'@'%'`);
  const phases = async () => {
    const { tables } = await replica.snapshot(task);
    return Object.fromEntries(tables.map(({ source, phase, problem }) => [source, problem?.code ?? phase]));
  };
  return { task, grant, phases };
}

it('rule 25: one that a CREATE, a RENAME, rows or an ALTER tell of stops, names the GRANT, and comes by itself after it', async () => {
  const { mysql } = replica;
  const { task, grant, phases } = await confined('ua');
  // Hidden from the start: only what the stream has of them later tells that they are there.
  const unlogged = await mysql.connect();
  await unlogged.query(
    'SET sql_log_bin = 0; CREATE TABLE ua.rowed (id INT PRIMARY KEY); CREATE TABLE ua.altered (id INT PRIMARY KEY); CREATE TABLE ua_other.moved (id INT PRIMARY KEY)',
  );
  await unlogged.end();
  await replica.start(task);
  await replica.until(task, (one) => one.phase === 'incremental' && one.caughtUp);
  await mysql.query(`CREATE TABLE ua.made (id INT PRIMARY KEY); INSERT INTO ua.made VALUES (7);
    RENAME TABLE ua_other.moved TO ua.moved; INSERT INTO ua.rowed VALUES (5);
    ALTER TABLE ua.altered ADD COLUMN v INT; INSERT INTO ua.ua_open VALUES (2)`);
  await replica.caughtUp(task);
  const hidden = ['made', 'moved', 'rowed', 'altered'];
  const refused = Object.fromEntries(hidden.map((name) => [`ua.${name}`, 'ROW-S103']));
  expect(await phases()).toEqual({ ...refused, 'ua.ua_open': 'incremental' });
  const { tables } = await replica.snapshot(task);
  expect(tables.find(({ source }) => source === 'ua.made')!.problem!.remedy).toContain(
    "GRANT SELECT ON `ua`.`made` TO 'ua'@'%'",
  );
  expect(replica.rows('ua_open')).toEqual([{ id: 1 }, { id: 2 }]);

  await grant('made');
  await replica.until(task, (one) =>
    one.tables.some(({ source, phase }) => source === 'ua.made' && phase === 'incremental'),
  );
  await mysql.query('INSERT INTO ua.made VALUES (8)');
  await replica.caughtUp(task);
  expect(replica.rows('made')).toEqual([{ id: 7 }, { id: 8 }]);

  // At the next start it is asked again, too, before anything is called caught up.
  await replica.stop(task);
  await grant('moved');
  await grant('rowed');
  await replica.run(task);
  expect(await phases()).toMatchObject({ 'ua.altered': 'ROW-S103' });
  expect([replica.rows('moved'), replica.rows('rowed')]).toEqual([[], [{ id: 5 }]]);

  // One that nothing was ever read of is missing no more when it is dropped.
  await mysql.query('DROP TABLE ua.altered');
  await replica.run(task);
  expect(Object.keys(await phases())).not.toContain('ua.altered');
}, 90_000);

it('rule 25: a grant that is revoked stops the table, which is loaded again by itself when it is back', async () => {
  const { mysql } = replica;
  const { task, grant, phases } = await confined('ub');
  await mysql.query('CREATE TABLE ub.lent (id INT PRIMARY KEY, v INT); INSERT INTO ub.lent VALUES (1, 1)');
  await grant('lent');
  await replica.start(task);
  await replica.until(task, (one) => one.phase === 'incremental' && one.caughtUp);
  await mysql.query("REVOKE SELECT ON ub.lent FROM 'ub'@'%'");
  await replica.until(task, ({ tables }) => tables.some(({ phase }) => phase === 'stopped'));
  expect(await phases()).toEqual({ 'ub.lent': 'ROW-S103', 'ub.ub_open': 'incremental' });
  await mysql.query('UPDATE ub.lent SET v = 2');
  await replica.caughtUp(task);
  expect(replica.rows('lent')).toEqual([{ id: 1, v: 1 }]);
  // A privilege on one of its columns does not make it readable.
  await mysql.query("GRANT SELECT (id) ON ub.lent TO 'ub'@'%'; INSERT INTO ub.ub_open VALUES (3)");
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await replica.caughtUp(task);
  expect(await phases()).toMatchObject({ 'ub.lent': 'ROW-S103' });
  await grant('lent');
  await replica.until(task, ({ tables }) => tables.every(({ phase }) => phase === 'incremental'));
  await replica.caughtUp(task);
  expect(replica.rows('lent')).toEqual([{ id: 1, v: 2 }]);
  await replica.stop(task);
}, 60_000);
