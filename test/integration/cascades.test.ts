import { afterAll, beforeAll, expect, it } from 'vitest';
import { startReplica, type Replica } from '../support/replica.js';

/** Foreign keys that change rows by themselves, on a source that leaves them to InnoDB: none of that is in the binlog. */
let replica: Replica;
beforeAll(async () => {
  replica = await startReplica({ args: ['--innodb_native_foreign_keys=ON'] });
}, 60_000);
afterAll(() => replica?.close());

const child = 'id INT PRIMARY KEY, p INT';
const additions: Record<string, string> = {
  named: 'ADD CONSTRAINT fk_named FOREIGN KEY (p) REFERENCES d.parent (id) ON DELETE CASCADE',
  silent: 'ADD FOREIGN KEY (p) REFERENCES parent (id) MATCH FULL ON UPDATE SET NULL',
  both: 'ADD INDEX (p), ADD FOREIGN KEY k (p) REFERENCES parent (id) ON DELETE NO ACTION ON UPDATE CASCADE',
  inline: 'ADD COLUMN q INT NULL REFERENCES parent (id) ON DELETE SET NULL',
};
const harmless: Record<string, string> = {
  plain: 'ADD FOREIGN KEY (p) REFERENCES parent (id)',
  restrict: 'ADD FOREIGN KEY (p) REFERENCES parent (id) ON DELETE RESTRICT ON UPDATE NO ACTION',
};

async function followed(more: Record<string, unknown>) {
  const { mysql } = replica;
  await mysql.query(
    'DROP DATABASE IF EXISTS d; CREATE DATABASE d; CREATE TABLE d.parent (id INT PRIMARY KEY)',
  );
  for (const name of Object.keys({ ...additions, ...harmless }))
    await mysql.query(`CREATE TABLE d.${name} (${child})`);
  const task = replica.task({ objects: [{ database: 'd' }], conflict: 'ignore', ...more });
  await replica.start(task);
  await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
  for (const [name, what] of Object.entries({ ...additions, ...harmless }))
    await mysql.query(`USE d; ALTER TABLE d.${name} ${what}`);
  await mysql.query(
    `CREATE TABLE d.created (${child}, FOREIGN KEY (p) REFERENCES d.parent (id) ON DELETE CASCADE)`,
  );
  await replica.until(task, ({ tables }) => tables.some(({ source }) => source === 'd.created'));
  await replica.caughtUp(task);
  return task;
}

it.each(['stop-table', 'reload'])(
  'rule 14: a table that gets one while it is followed stops and says why (%s)',
  async (onChange) => {
    const task = await followed({ ddl: { onChange } });
    const changing = new Set([...Object.keys(additions), 'created'].map((name) => `d.${name}`));
    const { tables } = await replica.until(task, (s) =>
      s.tables.every(({ source, phase }) => phase === (changing.has(source) ? 'stopped' : 'incremental')),
    );
    for (const { source, problem } of tables)
      if (changing.has(source)) expect(problem?.message).toMatch(/foreign key/);
    await replica.stop(task);
  },
  60_000,
);

it('and goes on where somebody has accepted it', async () => {
  const task = await followed({ ignoredChecks: ['cascades'] });
  await replica.until(task, ({ tables }) => tables.every(({ phase }) => phase === 'incremental'));
  await replica.stop(task);
}, 60_000);

it('is seen in the catalog when it came outside the binlog', async () => {
  const { definitionsMs } = replica.timing;
  replica.timing.definitionsMs = 200;
  try {
    const { mysql } = replica;
    await mysql.query(`DROP DATABASE IF EXISTS d; CREATE DATABASE d; CREATE TABLE d.parent (id INT PRIMARY KEY);
      CREATE TABLE d.unseen (${child})`);
    const task = replica.task({ objects: [{ database: 'd' }], conflict: 'ignore' });
    await replica.start(task);
    await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
    await mysql.query(
      `SET sql_log_bin = 0; ALTER TABLE d.unseen ${additions['named']!}; SET sql_log_bin = 1`,
    );
    await replica.until(task, ({ tables }) => {
      const unseen = tables.find(({ source }) => source === 'd.unseen');
      return unseen?.phase === 'stopped' && /foreign key/.test(unseen.problem?.message ?? '');
    });
    await replica.stop(task);
  } finally {
    replica.timing.definitionsMs = definitionsMs;
  }
}, 60_000);
