import { afterAll, beforeAll, expect, it } from 'vitest';
import { startReplica, type Replica } from '../support/replica.js';
/** A table that is on its way into the stream is there under two roads: its own stream, and the main one. */
let replica: Replica;
beforeAll(async () => {
  replica = await startReplica();
}, 60_000);
afterAll(() => replica?.close());

it.each(['ALTER TABLE d.coming RENAME TO d.renamed', 'RENAME TABLE d.coming TO d.renamed'])(
  'rule 14: a table of a whole database that is renamed while it comes is followed by its new name (%s)',
  async (rename) => {
    const { mysql } = replica;
    await mysql.query(
      'DROP DATABASE IF EXISTS d; CREATE DATABASE d; CREATE TABLE d.first (id INT PRIMARY KEY)',
    );
    const task = replica.task({
      objects: [{ database: 'd', renameTables: { prefix: `r${rename.length}_` } }],
      throttle: { full: { rowsPerSecond: 300 } },
    });
    await replica.start(task);
    await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
    // At once: rows that come after the table was seen would arrive by the binlog alone.
    await mysql.query(`CREATE TABLE d.coming (id INT PRIMARY KEY, v INT)
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT i AS id, 0 AS v FROM n`);
    await replica.until(task, ({ tables }) =>
      tables.some(({ source, phase, rows }) => source === 'd.coming' && phase === 'full' && rows > 0),
    );
    await mysql.query(`${rename}; UPDATE d.renamed SET v = 1 WHERE id = 5`);
    const { tables } = await replica.until(
      task,
      (s) =>
        s.caughtUp && s.tables.some(({ source, phase }) => source === 'd.renamed' && phase === 'incremental'),
    );
    expect(tables.find(({ source }) => source === 'd.coming')?.phase ?? 'stopped').toBe('stopped');
    const rows = replica.rows(`r${rename.length}_renamed`);
    expect([rows.length, rows.find(({ id }) => id === 5)?.['v']]).toEqual([900, 1]);
    await replica.stop(task);
  },
  60_000,
);
