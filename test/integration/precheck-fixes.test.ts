import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CheckReport } from '../../src/shared/check-report.js';
import { applyTaskEdits } from '../../src/shared/task-edits.js';
import { fixEdits } from '../../src/shared/task-fix.js';
import type { ResolvedTask } from '../../src/shared/task.js';
import { startReplica, type Replica } from '../support/replica.js';

/** What a precheck proposes mends what it found: changes of the task, and statements that the engine runs at the source. */

let replica: Replica;
beforeAll(async () => {
  replica = await startReplica();
  await replica.mysql.query(`
    CREATE DATABASE shop; CREATE DATABASE other;
    CREATE TABLE shop.fine (id INT PRIMARY KEY, amount INT);
    CREATE TABLE shop.keyless (n INT); CREATE TABLE shop.keyless2 (n INT);
    CREATE TABLE shop.big (id INT PRIMARY KEY, v BIGINT UNSIGNED);
    INSERT INTO shop.big VALUES (1, 18446744073709551615);
    CREATE TABLE shop.\`größe\` (id INT PRIMARY KEY, \`straße\` INT);
    CREATE TABLE shop.two_keys (a DOUBLE PRIMARY KEY, b INT NOT NULL, c INT NOT NULL, UNIQUE (b, c));
    CREATE TABLE other.fine (id INT PRIMARY KEY);
    CREATE USER poor@'%' IDENTIFIED BY 'x'; GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO poor@'%'`);
}, 60_000);
afterAll(() => replica?.close());

type File = Record<string, unknown> & { objects: unknown[] };
/** Of an account without rights to write. */
type Account = 'root' | 'poor';
const api = () => replica.engine.api;
const source = (user: Account) => ({
  host: '127.0.0.1',
  port: replica.mysql.port,
  user,
  ...(user === 'poor' && { password: 'x' }),
});
const check = (file: File, user: Account = 'root') =>
  api().check(replica.task({ source: source(user), ...file }));
const item = (report: CheckReport, id: string) => report.results.find((result) => result.id === id)!;
const tables = (...names: (string | object)[]) => [
  { database: 'shop', tables: names.map((name) => (typeof name === 'string' ? { name } : name)) },
];

describe('fixes of the task', () => {
  it.each<[string, string, File, Account?]>([
    ['a table without a key is excluded', 'table-keys', { objects: tables('fine', 'keyless') }],
    ['of a whole database too', 'table-keys', { objects: [{ database: 'shop' }] }],
    ['a table that is not there is taken out', 'objects', { objects: tables('fine', 'gone') }],
    ['integers become text', 'bigint-unsigned', { objects: tables('big') }],
    [
      'a type that does not fit gives way to the usual one',
      'column-types',
      { objects: tables({ name: 'fine', columns: { amount: { type: 'BINARY' } } }) },
    ],
    ['another key is chosen', 'key-columns', { objects: tables('two_keys') }],
    [
      'tables of one name are told apart',
      'destination-names',
      { objects: [...tables('fine'), { database: 'other', tables: [{ name: 'fine' }] }] },
    ],
    [
      'a table that lacks what the script reads is excluded',
      'etl-columns',
      { objects: tables('fine', 'big'), etl: 'e_if(op_gt(`amount`, 1), e_drop())' },
    ],
    [
      'key columns are masked no more',
      'masked-keys',
      { objects: tables('fine'), dirtyData: { policy: 'skip', mask: ['id', 'amount'] } },
    ],
    [
      'a heartbeat that the account may not write is off',
      'heartbeat',
      { objects: tables('fine'), heartbeat: 'table' },
      'poor',
    ],
    [
      'what is purged is loaded',
      'start-position',
      {
        objects: tables('fine'),
        synchronization: { full: false },
        startPosition: { file: 'binlog.000099', position: 4 },
      },
    ],
  ])('%s', async (_, id, file, user) => {
    const before = item(await check(file, user), id);
    expect(['fail', 'warning'], JSON.stringify(before)).toContain(before.status);
    expect(before.at).toBeTypeOf('string');
    const fix = before.fixes![0]!;
    const edits = fixEdits(file, fix);
    expect(edits).not.toEqual([]);
    const fixed = JSON.parse(applyTaskEdits(JSON.stringify(file), edits)) as File;
    expect(item(await check(fixed, user), id)?.status ?? 'pass').toBe('pass');
    expect(fixEdits(fixed, fix)).toEqual([]);
  });

  it('names that Tablestore does not take are replaced, each by a click', async () => {
    let file: File = { objects: tables('größe') };
    for (let clicks = 0; clicks < 2; clicks++) {
      const { status, fixes } = item(await check(file), 'destination-names');
      expect([status, fixes?.length]).toEqual(['fail', 2 - clicks]);
      file = JSON.parse(applyTaskEdits(JSON.stringify(file), fixEdits(file, fixes![0]!))) as File;
    }
    expect(item(await check(file), 'destination-names').status).toBe('pass');
    expect(file.objects).toEqual(
      tables({ name: 'größe', rename: 'gr_e', columns: { straße: { rename: 'stra_e' } } }),
    );
  });

  it('a table that exists in Tablestore gets a name that is free', async () => {
    await replica.run(replica.task({ id: 't-first', objects: tables('fine') }));
    const file = { objects: tables('fine') };
    const { status, fixes } = item(await check(file), 'destination-tables');
    expect(status).toBe('fail');
    expect(fixes).toEqual([{ do: 'rename-table', table: { database: 'shop', name: 'fine' }, to: 'fine_2' }]);
  });

  it('nothing is proposed that would leave a task without a table', async () => {
    expect(item(await check({ objects: tables('keyless') }), 'table-keys').fixes).toBeUndefined();
    expect(item(await check({ objects: tables('gone') }), 'objects').fixes).toBeUndefined();
  });
});

describe('statements', () => {
  const proposed = async (task: ResolvedTask) => {
    const report = await api().check(task);
    return { report, proposal: { report: report.id!, check: 'table-keys' } };
  };
  const keyless = (user: Account = 'root') =>
    replica.task({
      id: 't-sql',
      objects: tables('fine', 'keyless', 'keyless2'),
      source: source(user),
    });
  const keys = async () => {
    const found = await replica.mysql.query<{ name: string }>(
      "SELECT TABLE_NAME AS name FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME LIKE 'keyless%' AND COLUMN_KEY = 'PRI'",
    );
    return found.map(({ name }) => name).sort();
  };
  const refused = { code: 'ROW-E117' };

  it('only what the newest report proposes is run, by its id and that of the item', async () => {
    const task = keyless();
    const old = await proposed(task);
    const { report, proposal } = await proposed(task);
    expect(report.source).toEqual({ user: 'root', address: `127.0.0.1:${replica.mysql.port}` });
    const run = (id: string, given: { report: string; check: string }) => api().runProposal(id, given);
    await expect(run(task.id, old.proposal)).rejects.toMatchObject(refused);
    await expect(run(task.id, { ...proposal, check: 'objects' })).rejects.toMatchObject(refused);
    await expect(run('t-another', proposal)).rejects.toMatchObject(refused);
    const sql = { ...proposal, sql: 'DROP TABLE shop.fine' } as typeof proposal;
    await expect(run(task.id, sql)).rejects.toMatchObject({ code: 'ROW-E107' });
    expect(await keys()).toEqual([]);
  });

  it('what the account may not do is said in the words of the server', async () => {
    const task = keyless('poor');
    const { proposal } = await proposed(task);
    await expect(api().runProposal(task.id, proposal)).rejects.toMatchObject({
      message: expect.stringMatching(/ALTER command denied to user 'poor'/) as string,
    });
    expect(await keys()).toEqual([]);
  });

  it('one statement a report, and once', async () => {
    const task = keyless();
    for (const done of [['keyless'], ['keyless', 'keyless2']]) {
      const { proposal } = await proposed(task);
      expect(await api().runProposal(task.id, proposal)).toEqual({ affectedRows: 0 });
      await expect(api().runProposal(task.id, proposal)).rejects.toMatchObject(refused);
      expect(await keys()).toEqual(done);
    }
    const { report } = await proposed(task);
    expect(item(report, 'table-keys').status).toBe('pass');
  });

  it('a table that is in use keeps others waiting for seconds only', async () => {
    await replica.mysql.query('CREATE TABLE shop.used (n INT)');
    const other = await replica.mysql.connect();
    await other.query('START TRANSACTION');
    await other.query('SELECT * FROM shop.used');
    const task = replica.task({ id: 't-used', objects: tables('fine', 'used') });
    const { proposal } = await proposed(task);
    await expect(api().runProposal(task.id, proposal)).rejects.toMatchObject({
      message: expect.stringMatching(/Lock wait timeout/) as string,
    });
    await other.end();
  }, 30_000);
});
