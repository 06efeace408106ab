import { afterAll, beforeAll, expect, it } from 'vitest';
import { startReplica, type Replica } from '../support/replica.js';

/** No name of a column is special, however much it means to JavaScript, to a driver or in SQL. */
let replica: Replica;
beforeAll(async () => {
  replica = await startReplica();
  await replica.mysql.query('CREATE DATABASE n');
}, 60_000);
afterAll(() => replica?.close());

const quoted = (name: string) => `\`${name.replaceAll('`', '``')}\``;

/** Names that Tablestore takes as they are. */
const plain = [
  '__proto__',
  'toString',
  'length',
  'hasOwnProperty',
  'valueOf',
  'then',
  'toJSON',
  'constructor',
];
/** Names that have to become others there. */
const odd = [
  '1',
  '0',
  ' x',
  'a`b',
  "it's",
  '"q"',
  '$error',
  '%s',
  'what?',
  'new\nline',
  'ü'.repeat(64),
  '名',
];

const columns = Object.fromEntries(odd.map((name, i) => [name, { rename: `odd_${i}` }]));
const target = (name: string) => columns[name]?.rename ?? name;
const all = [...plain, ...odd];

/** Pairs, since an object would put the names of numbers first. */
const byName = (row: object | undefined) => new Map<string, unknown>(Object.entries(row ?? {}));

async function makeTable(name: string): Promise<void> {
  const list = all.map((one) => `${quoted(one)} VARCHAR(40)`).join(', ');
  await replica.mysql.query(
    `CREATE TABLE n.${name} (\`isPrototypeOf\` INT, ${list}, \`propertyIsEnumerable\` BIGINT UNSIGNED, PRIMARY KEY (\`isPrototypeOf\`))`,
  );
}

async function insert(table: string, key: number, wide: string = String(key)): Promise<void> {
  await replica.mysql.query(
    `INSERT INTO n.${table} VALUES (${key}, ${all.map((_, i) => `'${i} of ${key}'`).join(', ')}, ${wide})`,
  );
}

const expected = (key: number) =>
  new Map<string, unknown>([
    ['isPrototypeOf', key],
    ...all.map((name, i): [string, unknown] => [target(name), `${i} of ${key}`]),
    ['propertyIsEnumerable', key],
  ]);

it('are loaded, followed, completed, recorded, verified, repaired and shown (D3)', async () => {
  const { mysql, engine } = replica;
  await makeTable('odd');
  await insert('odd', 1);
  await insert('odd', 2, '18446744073709551615');
  const task = replica.task({
    objects: [{ database: 'n', tables: [{ name: 'odd', columns }] }],
    dirtyData: { policy: 'skip', mask: ['constructor'] },
  });
  const report = await engine.api.check(task);
  expect(report.results.filter((one) => one.status === 'fail')).toEqual([]);
  await replica.start(task);
  await replica.until(task, (one) => one.phase === 'incremental' && one.caughtUp);
  await insert('odd', 3);
  await insert('odd', 4);
  const session = await mysql.connect();
  await session.query("SET SESSION binlog_row_image = 'MINIMAL'");
  await session.query("UPDATE n.odd SET `__proto__` = 'seen', `what?` = NULL WHERE isPrototypeOf = 3");
  await session.end();
  await replica.caughtUp(task);
  const now = expected(3).set('__proto__', 'seen');
  now.delete(target('what?'));
  const rows = () => replica.rows('odd').map(byName);
  expect(rows()).toEqual([expected(1), now, expected(4)]);

  const { records } = await engine.api.dirtyRecords(task.id, {}, { offset: 0, limit: 10 });
  expect(records).toHaveLength(1);
  expect(byName(records[0]!.sourceRow)).toEqual(
    new Map<string, unknown>([
      ['isPrototypeOf', '2'],
      ...all.map((name, i): [string, unknown] => [name, name === 'constructor' ? '***' : `${i} of 2`]),
      ['propertyIsEnumerable', '18446744073709551615'],
    ]),
  );
  await mysql.query('UPDATE n.odd SET propertyIsEnumerable = 2 WHERE isPrototypeOf = 2');
  await replica.caughtUp(task);
  expect(await engine.api.retryDirty(task, {})).toBe(1);
  expect(rows()[1]).toEqual(expected(2));

  const [preview] = await engine.api.preview(task, { rows: 2, before: true });
  const cells = preview!.columns.map((one, i) => [one.name, preview!.rows[0]!.cells[i]]);
  expect(new Map(cells as [string, string][])).toEqual(
    new Map([...expected(1)].map(([name, value]) => [name, String(value)])),
  );
  expect(preview!.rows[0]!.before![1]).toBe('0 of 1');
  const page = await engine.api.destinationRows(task.destination, 'odd', { limit: 1 });
  expect(new Map(page.columns.map((name, i) => [name, page.rows[0]![i]]))).toEqual(
    new Map([...expected(1)].map(([name, value]) => [name, String(value)])),
  );

  // A change that the binlog does not hold is found and repaired.
  await mysql.query(
    "SET sql_log_bin = 0; UPDATE n.odd SET `constructor` = 'unseen' WHERE isPrototypeOf = 4; SET sql_log_bin = 1",
  );
  const verified = await replica.verify(task, { repair: true });
  expect(verified.tables[0]).toMatchObject({ different: 1, missing: 0, extra: 0 });
  expect(await replica.verify(task)).toMatchObject({ equal: true });
  expect(rows()[3]!.get('constructor')).toBe('unseen');
  await replica.stop(task);
}, 60_000);

it('are filtered, transformed, renamed and keys like any other (D3)', async () => {
  const { mysql } = replica;
  await makeTable('sifted');
  for (const key of [1, 2, 3]) await insert('sifted', key);
  const task = replica.task({
    objects: [
      {
        database: 'n',
        tables: [
          {
            name: 'sifted',
            primaryKey: ['isPrototypeOf'],
            filter: "`__proto__` <> '0 of 2' AND `what?` LIKE '%of%' AND SOUNDEX(`constructor`) IS NOT NULL",
            columns: { ...columns, ['__proto__']: { rename: 'proto' }, constructor: { rename: 'built' } },
          },
        ],
      },
    ],
    etl: "e_compose(e_set(`hasOwnProperty`, op_add(`__proto__`, `toString`)), e_set(`valueOf`, 'set'))",
  });
  await replica.start(task);
  await replica.until(task, (one) => one.phase === 'incremental' && one.caughtUp);
  await insert('sifted', 4);
  await mysql.query("UPDATE n.sifted SET `__proto__` = 'in' WHERE isPrototypeOf = 2");
  await replica.caughtUp(task);
  const wanted = (key: number, proto = `0 of ${key}`) => {
    const row = expected(key).set('proto', proto).set('built', `7 of ${key}`).set('valueOf', 'set');
    row.set('hasOwnProperty', `${proto}1 of ${key}`);
    row.delete('__proto__');
    row.delete('constructor');
    return row;
  };
  expect(replica.rows('sifted').map(byName)).toEqual([wanted(1), wanted(2, 'in'), wanted(3), wanted(4)]);
  expect(await replica.verify(task)).toMatchObject({ equal: true });
  await replica.stop(task);
}, 60_000);
