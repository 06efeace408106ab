import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTablestoreData } from '../../src/local-tablestore/index.js';
import { cli, startCli } from '../support/cli.js';
import { startPair, writeTask, type Pair } from '../support/pair.js';
import { startReplica, type Replica } from '../support/replica.js';

/** What is known of a table is never overwritten by what was known before (rule 24). */

const enginePid = (folder: string, state: string) =>
  (JSON.parse(readFileSync(join(folder, state, 'engine.json'), 'utf8')) as { pid: number }).pid;

describe('killed', () => {
  const rows = 3000;
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair();
    await pair.mysql.query(`
      CREATE DATABASE s; CREATE TABLE s.ot (id INT PRIMARY KEY, v INT);
      SET SESSION cte_max_recursion_depth = 10000;
      INSERT INTO s.ot WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows}) SELECT i, i FROM n;
      CREATE TABLE s.made (id INT PRIMARY KEY, v INT); INSERT INTO s.made VALUES (1, 1), (2, 2), (3, 3)`);
  }, 120_000);
  afterAll(() => pair.close());
  const command = (name: string, ...more: string[]) => [
    name,
    'task.rowferry.json',
    '--state',
    'state',
    ...more,
  ];
  const run = (...args: string[]) => cli(args, { cwd: pair.folder, env: pair.env });
  const start = (...args: string[]) => startCli(args, { cwd: pair.folder, env: pair.env });

  it.each([
    ['ADD COLUMN e INT DEFAULT 5', 'SIGKILL'],
    ['ADD COLUMN f INT NULL, ADD COLUMN g INT AS (v + 1) STORED', 'SIGKILL'],
    ['ADD COLUMN h INT DEFAULT 7', 'SIGINT'],
  ] as const)(
    'rule 24: in the middle of the reload that ALTER TABLE … %s asked for, it goes on with that reload (A1, %s)',
    async (clause, how) => {
      const task = { id: 't-a1', objects: [{ database: 's', tables: [{ name: 'ot' }] }] };
      writeTask(pair, 'task', task);
      expect((await run(...command('run', '--until', 'caught-up'))).code).toBe(0);
      writeTask(pair, 'task', { ...task, throttle: { full: { rowsPerSecond: rows / 4 } } });
      const killed = start(...command('run', '--json'));
      await killed.until((line) => line['caughtUp'] === true, 'being caught up');
      await pair.mysql.query(`ALTER TABLE s.ot ${clause}`);
      const isHalf = (line: Record<string, unknown>) => {
        const [table] = (line['tables'] ?? []) as { phase: string; rows: number }[];
        return table?.phase === 'full' && table.rows > rows / 3 && table.rows < rows;
      };
      await killed.until(isHalf, 'half of the reload');
      if (how === 'SIGINT') killed.child.kill(how);
      else process.kill(enginePid(pair.folder, 'state'), how);
      await killed.ended;
      writeTask(pair, 'task', task);
      const again = await run(...command('run', '--until', 'caught-up'));
      expect({ code: again.code, stderr: again.stderr }).toEqual({ code: 0, stderr: '' });
      const verified = await run(...command('verify'));
      expect({ code: verified.code, said: verified.stdout.split('\n').at(-2) }).toEqual({
        code: 0,
        said: expect.stringMatching(/, 0 differing/) as string,
      });
    },
    60_000,
  );

  it.each(['report', 'ignore'])(
    'rule 24: between the making of a table and the note of it, the table is its own, with conflict "%s" (A3)',
    async (conflict) => {
      const destination = `made_${conflict}`;
      const task = {
        id: `t-a3-${conflict}`,
        conflict,
        objects: [{ database: 's', tables: [{ name: 'made', rename: destination }] }],
      };
      writeTask(pair, 'task', task);
      // The table is there at once, and what asks for its state afterwards gets no answer.
      pair.store.faults.set([{ kind: 'timeout', operation: 'DescribeTable', after: 1 }]);
      const killed = start(...command('run', '--json'));
      await expect.poll(() => tables().includes(destination), { timeout: 20_000, interval: 20 }).toBe(true);
      process.kill(enginePid(pair.folder, 'state'), 'SIGKILL');
      await killed.ended;
      pair.store.faults.set([]);
      const again = await run(...command('run', '--until', 'caught-up'));
      expect({ code: again.code, stderr: again.stderr }).toEqual({ code: 0, stderr: '' });
      // Its own is swept by a reload: a row that is gone without a word of the binlog goes.
      await pair.mysql.query('SET sql_log_bin = 0; DELETE FROM s.made WHERE id = 3; SET sql_log_bin = 1');
      expect((await run(...command('reload', '--table', 's.made'))).code).toBe(0);
      expect((await run(...command('run', '--until', 'caught-up'))).code).toBe(0);
      expect((await run(...command('verify'))).code).toBe(0);
      await pair.mysql.query('INSERT INTO s.made VALUES (3, 3)');
    },
    60_000,
  );

  function tables(): string[] {
    const data = openTablestoreData(join(pair.folder, 'data'));
    try {
      return data.tables().map(({ name }) => name);
    } finally {
      data.close();
    }
  }
});

describe('stopped', () => {
  let replica: Replica;
  beforeAll(async () => {
    replica = await startReplica({ gtid: true });
    await replica.mysql.query('CREATE DATABASE s');
  }, 120_000);
  afterAll(() => replica.close());

  it.each([
    ['truncated', 'TRUNCATE s.t; INSERT INTO s.t VALUES (9, 9, "a", NULL)'],
    ['relabelled', "ALTER TABLE s.t MODIFY e ENUM('b','a'); INSERT INTO s.t VALUES (9, 9, 'a', NULL)"],
    ['made anew', "DROP TABLE s.t; CREATE TABLE s.t (id INT PRIMARY KEY, v INT, e ENUM('a','b'))"],
    ['converted', 'ALTER TABLE s.t CONVERT TO CHARACTER SET latin1'],
    ['without its key', 'ALTER TABLE s.t DROP PRIMARY KEY, ADD PRIMARY KEY (v)'],
  ])(
    'rule 24: a table that was altered and then %s is so after a restart, whatever the checkpoint passed (A2)',
    async (_how, sql) => {
      await replica.mysql.query(`
      DROP TABLE IF EXISTS s.t, s.u; CREATE TABLE s.t (id INT PRIMARY KEY, v INT NOT NULL, e ENUM('a','b'));
      INSERT INTO s.t VALUES (1, 1, 'a'), (2, 2, 'b')`);
      const task = replica.task({
        objects: [{ database: 's', tables: [{ name: 't', rename: `t_${tried++}` }] }],
      });
      await replica.start(task, {});
      await replica.until(task, ({ caughtUp }) => caughtUp);
      await replica.mysql.query(`ALTER TABLE s.t ADD COLUMN x INT NULL; ${sql}`);
      const stopped = await replica.until(task, ({ tables }) => tables[0]!.phase === 'stopped');
      const reason = stopped.tables[0]!.problem?.message;
      // The checkpoint passes all of it.
      const [{ executed }] = (await replica.mysql.query('SELECT @@gtid_executed AS executed')) as [
        { executed: string },
      ];
      await replica.until(task, ({ position }) => position?.gtidSet === executed.replaceAll('\n', ''));
      await replica.stop(task);
      for (let i = 0; i < 2; i++) {
        await replica.start(task, {});
        await replica.caughtUp(task);
        const [table] = (await replica.snapshot(task)).tables;
        expect([table!.phase, table!.problem?.message]).toEqual(['stopped', reason]);
        await replica.stop(task);
      }
    },
  );
  let tried = 0;
});
