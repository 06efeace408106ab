import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startReplica, type Replica } from '../support/replica.js';

/** Statements in a row say the same of a table whether or not the task was started anew between them. */
describe.each([{ gtid: true }, { gtid: false }])('with $gtid for GTIDs', (options) => {
  let replica: Replica;
  beforeAll(async () => {
    replica = await startReplica(options);
  }, 120_000);
  afterAll(() => replica.close());

  const db = (name: string) => `${name}_${options.gtid ? 'g' : 'f'}`;
  const again = (t: string) =>
    `CREATE TABLE IF NOT EXISTS ${t} (id INT PRIMARY KEY, v INT); INSERT IGNORE INTO ${t} VALUES (9, 9)`;
  const cases: [string, (t: string) => string, (t: string) => string][] = [
    ['drop', (t) => `DROP TABLE ${t}`, again],
    ['away', (t) => `RENAME TABLE ${t} TO ${t}_elsewhere.x`, again],
    ['back', (t) => `RENAME TABLE ${t} TO ${t}_elsewhere.x`, (t) => `RENAME TABLE ${t}_elsewhere.x TO ${t}`],
    ['plain', (t) => `DROP TABLE ${t}`, (t) => again(t).replace(' IF NOT EXISTS', '')],
    ['trunc', (t) => `TRUNCATE TABLE ${t}`, again],
  ];

  it.each(
    cases.flatMap(([name, first, then]) =>
      (['whole', 'named', 'reload'] as const).map((policy) => [name, policy, first, then] as const),
    ),
  )(
    'rule 14: %s, "%s": the same with a restart between the statements',
    async (name, policy, first, then) => {
      const ends: unknown[] = [];
      for (const restart of [false, true]) {
        const d = db(`${name}_${policy}_${restart ? 'r' : 'n'}`);
        const t = `${d}.t_${d}`;
        const elsewhere = (sql: string) => sql.replaceAll(`${t}_elsewhere`, `${d}_elsewhere`);
        await replica.mysql.query(`CREATE DATABASE ${d}; CREATE DATABASE ${d}_elsewhere;
          CREATE TABLE ${t} (id INT PRIMARY KEY, v INT); INSERT INTO ${t} VALUES (1, 1);
          CREATE TABLE ${d}.calm_${d} (id INT PRIMARY KEY)`);
        const tables = [{ name: `t_${d}` }, { name: `calm_${d}` }];
        const task = replica.task({
          objects: [policy === 'whole' ? { database: d } : { database: d, tables }],
          ddl: policy === 'reload' ? { onChange: 'reload', truncate: 'delete' } : {},
        });
        const begin = async () => {
          await replica.start(task);
          await replica.until(task, (one) => one.phase === 'incremental' && one.caughtUp);
        };
        await begin();
        await replica.mysql.query(elsewhere(first(t)));
        await replica.caughtUp(task);
        if (restart) {
          await replica.stop(task);
          await begin();
        }
        await replica.mysql.query(elsewhere(then(t)));
        await replica.caughtUp(task);
        const snapshot = await replica.snapshot(task);
        const { phase, problem } = snapshot.tables.find(({ source }) => source === t)!;
        const message = problem?.message.replaceAll(d, 'D');
        ends.push({
          phase,
          message,
          remedy: problem?.remedy.replaceAll(d, 'D'),
          rows: replica.rows(`t_${d}`),
        });
        await replica.stop(task);
      }
      expect(ends[1]).toEqual(ends[0]);
      // That the table stands there as it was means that it says so.
      const [{ phase, rows }] = ends as [{ phase: string; rows: { id: number }[] }];
      if (phase !== 'stopped') expect(rows.map(({ id }) => id)).toContain(9 - (name === 'back' ? 8 : 0));
    },
    60_000,
  );
});
