import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectSource } from '../../src/mysql/connection.js';
import { endPosition } from '../../src/mysql/position.js';
import type { SourcePosition } from '../../src/shared/position.js';
import type { ResolvedTask } from '../../src/shared/task.js';
import { startReplica, type Replica } from '../support/replica.js';

/**
 * A person moves the checkpoint over statements that change tables, and row events there have the shape of today but another
 * meaning: TABLE_MAP events do not show that (correctness rule 13).
 */
describe.each([true, false])('a position that was moved over statements, GTIDs %s', (gtid) => {
  let replica: Replica;
  beforeAll(async () => {
    const off = ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF'];
    replica = await startReplica(gtid ? { gtid } : { args: off });
  }, 120_000);
  afterAll(() => replica?.close());

  const goesOn = { state: 'stopped', reached: true };
  const place = async () => {
    const connection = await connectSource(replica.task({ objects: [{ database: 'm' }] }).source);
    return endPosition(connection).finally(() => connection.close());
  };
  const shown = (table: string) => replica.rows(table.replace('.', '_'));
  const stopped = async (task: ResolvedTask) =>
    (await replica.snapshot(task)).tables.filter(({ phase }) => phase === 'stopped').map((one) => one.source);
  const move = (task: ResolvedTask, to: SourcePosition) => replica.engine.api.setPosition(task.id, to);

  it.each(['stop-table', 'reload'])(
    'rule 13: back over a column that moved, and forward over one (%s)',
    async (onChange) => {
      const db = `m${onChange.slice(0, 2)}`;
      const { mysql } = replica;
      await mysql.query(`CREATE DATABASE ${db}; USE ${db};
      CREATE TABLE same (id INT PRIMARY KEY, a INT, b INT); INSERT INTO same VALUES (1, 10, 20);
      CREATE TABLE moved (id INT PRIMARY KEY, a INT, b INT); INSERT INTO moved VALUES (1, 10, 20)`);
      const task = replica.task({
        ddl: { onChange },
        objects: [{ database: db, renameTables: { prefix: `${db}_` } }],
      });
      expect(await replica.run(task)).toEqual(goesOn);
      const before = await place();
      await mysql.query(`USE ${db}; INSERT INTO moved VALUES (2, 100, 200); INSERT INTO same VALUES (2, 100, 200);
      ALTER TABLE moved MODIFY a INT AFTER b; INSERT INTO moved (id, a, b) VALUES (3, 1000, 2000)`);
      expect(await replica.run(task)).toEqual(goesOn);
      const right = [
        { id: 1, a: 10, b: 20 },
        { id: 2, a: 100, b: 200 },
        { id: 3, a: 1000, b: 2000 },
      ];
      expect(shown(`${db}.moved`)).toEqual(right);

      await move(task, before);
      expect(await replica.run(task)).toEqual(goesOn);
      expect(shown(`${db}.moved`)).toEqual(right);
      expect(await stopped(task)).toEqual(onChange === 'reload' ? [] : [`${db}.moved`]);
      if (onChange === 'stop-table') {
        await replica.engine.api.reload(task.id, `${db}.moved`);
        expect(await replica.run(task)).toEqual(goesOn);
      }
      expect(await stopped(task)).toEqual([]);

      await mysql.query(`USE ${db}; ALTER TABLE moved MODIFY a INT AFTER id`);
      const after = await place();
      await mysql.query(
        `USE ${db}; INSERT INTO moved (id, a, b) VALUES (4, 1, 2); INSERT INTO same VALUES (4, 1, 2)`,
      );
      await move(task, after);
      expect(await replica.run(task)).toEqual(goesOn);
      expect(shown(`${db}.same`)).toContainEqual({ id: 4, a: 1, b: 2 });
      if (onChange === 'reload') expect(shown(`${db}.moved`)).toEqual([...right, { id: 4, a: 1, b: 2 }]);
      else {
        expect(await stopped(task)).toEqual([`${db}.moved`]);
        expect(shown(`${db}.moved`)).toEqual(right);
      }
    },
  );

  it('over a CREATE TABLE IF NOT EXISTS that found the table there: nothing stops', async () => {
    const { mysql } = replica;
    await mysql.query(
      'CREATE DATABASE again; CREATE TABLE again.t (id INT PRIMARY KEY); INSERT INTO again.t VALUES (1)',
    );
    const task = replica.task({
      objects: [{ database: 'again', tables: [{ name: 't', rename: 'again_t' }] }],
    });
    expect(await replica.run(task)).toEqual(goesOn);
    const before = await place();
    await mysql.query(
      'CREATE TABLE IF NOT EXISTS again.t (id INT PRIMARY KEY); INSERT INTO again.t VALUES (2)',
    );
    expect(await replica.run(task)).toEqual(goesOn);
    await move(task, before);
    expect(await replica.run(task)).toEqual(goesOn);
    expect([await stopped(task), shown('again.t')]).toEqual([[], [{ id: 1 }, { id: 2 }]]);
  });

  it('by file, of a task that has loaded and applied nothing yet', async () => {
    const { mysql } = replica;
    await mysql.query(
      'CREATE DATABASE kinds; CREATE TABLE kinds.t (id INT PRIMARY KEY); INSERT INTO kinds.t VALUES (1)',
    );
    const task = replica.task({
      objects: [{ database: 'kinds', tables: [{ name: 't', rename: 'kinds_t' }] }],
    });
    await replica.run(task, { until: 'full' });
    const { gtidSet: _, ...byFile } = await place();
    await move(task, byFile);
    await mysql.query('INSERT INTO kinds.t VALUES (2)');
    expect(await replica.run(task)).toEqual(goesOn);
    expect(shown('kinds.t')).toEqual([{ id: 1 }, { id: 2 }]);
  });

  it('rule 13: back to before the first start: a table that is loaded for it is not followed meanwhile', async () => {
    const { mysql } = replica;
    const rows = (table: string) =>
      `SET SESSION cte_max_recursion_depth = 100000; INSERT INTO ${table} WITH RECURSIVE n AS (SELECT 1 i UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT i, 0, 0 FROM n`;
    await mysql.query(`CREATE DATABASE early; CREATE TABLE early.t (id INT PRIMARY KEY, a INT, b INT);
      CREATE TABLE early.m (id INT PRIMARY KEY, v INT, w INT); ${rows('early.m')}`);
    const before = await place();
    // Rows that are read at the source again keep the stream busy while the table is loaded.
    const slow =
      'SET SESSION binlog_row_image = MINIMAL; UPDATE early.m SET v = v + 1; SET SESSION binlog_row_image = FULL;';
    await mysql.query(`ALTER TABLE early.t MODIFY a INT AFTER b; ${rows('early.t')}; ${slow.repeat(3)}
      UPDATE early.t SET a = 1; ${slow.repeat(8)} UPDATE early.t SET a = 99`);
    const task = replica.task({
      objects: [{ database: 'early', renameTables: { prefix: 'early_' } }],
      ddl: { onChange: 'reload' },
    });
    expect(await replica.run(task)).toEqual(goesOn);
    await mysql.query('FLUSH BINARY LOGS');
    expect(await replica.run(task)).toEqual(goesOn);
    await move(task, before);
    expect(await replica.run(task)).toEqual(goesOn);
    expect(await replica.verify(task)).toMatchObject({ equal: true });
    expect(shown('early.t').filter(({ a }) => a !== 99)).toEqual([]);
  }, 120_000);

  it('rule 13: forward over what was purged: tables that are not what they were stop, the others go on', async () => {
    const { mysql } = replica;
    await mysql.query(`CREATE DATABASE gone; USE gone;
      CREATE TABLE same (id INT PRIMARY KEY, a INT, b INT); INSERT INTO same VALUES (1, 10, 20);
      CREATE TABLE moved (id INT PRIMARY KEY, a INT, b INT); INSERT INTO moved VALUES (1, 10, 20)`);
    const task = replica.task({ objects: [{ database: 'gone', renameTables: { prefix: 'gone_' } }] });
    expect(await replica.run(task)).toEqual(goesOn);
    await mysql.query('ALTER TABLE gone.moved MODIFY a INT AFTER b; FLUSH BINARY LOGS');
    const after = await place();
    const [{ File: file } = { File: '' }] = await mysql.query<{ File: string }>('SHOW BINARY LOG STATUS');
    await mysql.query(`PURGE BINARY LOGS TO '${file}'; INSERT INTO gone.moved (id, a, b) VALUES (2, 1, 2);
      INSERT INTO gone.same VALUES (2, 1, 2)`);
    await move(task, after);
    expect(await replica.run(task)).toEqual(goesOn);
    expect(shown('gone.same')).toContainEqual({ id: 2, a: 1, b: 2 });
    expect(await stopped(task)).toEqual(['gone.moved']);
    expect(shown('gone.moved')).toEqual([{ id: 1, a: 10, b: 20 }]);
  });
});
