import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLocalTablestore, type LocalTablestore } from '../../src/local-tablestore/index.js';
import type { CheckReport } from '../../src/shared/check-report.js';
import type { ResolvedTask } from '../../src/shared/task.js';
import { noHistory, precheck, type PrecheckHistory } from '../../src/sync/precheck/index.js';
import { openItems, taskBetween } from '../support/precheck.js';
import { startMysql, type MysqlServer } from '../support/mysql-server.js';

let mysql: MysqlServer;
let store: LocalTablestore;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rowferry-precheck-'));
  [mysql, store] = await Promise.all([startMysql(), startLocalTablestore({ data: join(folder, 'data') })]);
  await mysql.query(`
    CREATE DATABASE shop;
    CREATE TABLE shop.customers (id BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT, name VARCHAR(255) NOT NULL, note LONGTEXT, doc JSON);
    CREATE TABLE shop.orders (region CHAR(2), number INT, amount DECIMAL(10,2), PRIMARY KEY (region, number));
    INSERT INTO shop.customers (name) VALUES ('Ann'), ('Bob');
    INSERT INTO shop.orders VALUES ('eu', 1, 1.50);`);
}, 120_000);

afterAll(async () => {
  await store.close();
  await mysql.stop();
  rmSync(folder, { recursive: true, force: true });
});

type Change = (task: ResolvedTask) => void;
const open = openItems;

async function run(change?: Change, history: Partial<PrecheckHistory> = {}): Promise<CheckReport> {
  return precheck(taskBetween(mysql, store, change), { ...noHistory, ...history });
}

const inDatabase = (name: string, tables?: ResolvedTask['objects'][number]['tables']): Change => {
  return (t) => (t.objects = [{ database: name, ...(tables && { tables }) }]);
};

describe('a plain MySQL 9 with its defaults and a fresh Tablestore', () => {
  it('reaches 100 % with nothing ignored, in under five seconds', async () => {
    const began = Date.now();
    const report = await run();
    expect(open(report)).toEqual([]);
    expect(report.successRate).toBe(100);
    expect(report.results.filter((r) => r.status === 'skipped')).toEqual([]);
    expect(Date.now() - began).toBeLessThan(5000);
    for (const r of report.results) {
      expect(r, r.id).toMatchObject({
        title: expect.stringMatching(/./) as unknown,
        expected: expect.stringMatching(/./) as unknown,
        why: expect.stringMatching(/./) as unknown,
        actual: expect.stringMatching(/./) as unknown,
      });
    }
  });
});

describe('the source', () => {
  it('unknown host', async () => {
    const report = await run((t) => (t.source.port = 9));
    expect(open(report)).toEqual(['source-connection']);
    expect(report.successRate).toBeLessThan(100);
  });

  it('wrong password', async () => {
    const report = await run((t) => (t.source.password = 'wrong'));
    expect(open(report)).toEqual(['source-connection']);
    expect(report.results[0]!.actual).toMatch(/refused the login/);
  });

  it('missing privileges are named, with the statement that grants them', async () => {
    await mysql.query(
      "CREATE USER 'poor'@'%' IDENTIFIED BY 'x'; GRANT SELECT ON shop.customers TO 'poor'@'%'",
    );
    const report = await run((t) => {
      t.source.user = 'poor';
      t.source.password = 'x';
      t.objects = [{ database: 'shop', tables: [{ name: 'customers' }] }];
    });
    expect(open(report)).toEqual(['source-privileges']);
    const item = report.results.find((r) => r.id === 'source-privileges')!;
    expect(item.actual).toMatch(/REPLICATION CLIENT, REPLICATION SLAVE$/);
    await mysql.query(item.sql!);
    expect(
      open(
        await run((t) => {
          t.source.user = 'poor';
          t.source.password = 'x';
          t.objects = [{ database: 'shop', tables: [{ name: 'customers' }] }];
        }),
      ),
    ).toEqual([]);
  });

  it('privileges that come by a role count', async () => {
    await mysql.query(`CREATE ROLE reader; GRANT REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO reader;
      GRANT SELECT ON \`sh%\`.* TO reader; CREATE USER 'roled'@'%' IDENTIFIED BY 'x' DEFAULT ROLE reader`);
    expect(
      open(
        await run((t) => {
          t.source.user = 'roled';
          t.source.password = 'x';
        }),
      ),
    ).toEqual([]);
  });

  it('binlog_format, binlog_row_image, server ids, retention: each its own item', async () => {
    const cases: [string, string, string][] = [
      ['SET GLOBAL binlog_row_image = MINIMAL', 'SET GLOBAL binlog_row_image = FULL', 'binlog-row-image'],
      ['SET GLOBAL binlog_row_image = NOBLOB', 'SET GLOBAL binlog_row_image = FULL', 'binlog-row-image'],
      ['SET GLOBAL binlog_format = STATEMENT', 'SET GLOBAL binlog_format = ROW', 'binlog-format'],
      ['SET GLOBAL server_id = 0', 'SET GLOBAL server_id = 1', 'server-id'],
      [
        'SET GLOBAL binlog_expire_logs_seconds = 3600',
        'SET GLOBAL binlog_expire_logs_seconds = 2592000',
        'warning:binlog-retention',
      ],
    ];
    for (const [worse, better, id] of cases) {
      await mysql.query(worse);
      expect(open(await run()), worse).toEqual([id]);
      await mysql.query(better);
    }
    expect(open(await run())).toEqual([]);
  });

  it('information never lowers the rate', async () => {
    await mysql.query(
      "SET GLOBAL binlog_transaction_compression = ON; SET GLOBAL binlog_row_value_options = 'PARTIAL_JSON'",
    );
    const report = await run();
    await mysql.query(
      "SET GLOBAL binlog_transaction_compression = OFF; SET GLOBAL binlog_row_value_options = ''",
    );
    const informations = report.results.filter((r) => r.status === 'information').map((r) => r.id);
    expect(informations).toEqual(
      expect.arrayContaining(['row-metadata', 'transaction-compression', 'partial-json']),
    );
    expect(report.successRate).toBe(100);
  });

  it('our server_id in use by another replica', async () => {
    expect(open(await run((t) => (t.source.serverId = 1)))).toEqual(['server-id']);
    expect(open(await run((t) => (t.source.serverId = 4711)))).toEqual([]);
  });

  it('heartbeat without the privilege', async () => {
    const poor: Change = (t) => {
      t.source.user = 'roled';
      t.source.password = 'x';
      t.heartbeat = 'table';
    };
    expect(open(await run(poor))).toEqual(['heartbeat']);
    expect(open(await run((t) => (t.heartbeat = 'table')))).toEqual([]);
  });

  it('a start position that is gone', async () => {
    const incremental =
      (startPosition: ResolvedTask['startPosition']): Change =>
      (t) => {
        t.synchronization.full = false;
        t.startPosition = startPosition;
      };
    expect(open(await run(incremental(null)))).toEqual(['start-position']);
    expect(open(await run(incremental({ file: 'binlog.000099', position: 4 })))).toEqual(['start-position']);
    expect(open(await run(incremental({ time: 'yesterday-ish' })))).toEqual(['start-position']);
    expect(open(await run(incremental('now')))).toEqual([]);
    const checkpoint = { file: 'binlog.000099', offset: 4 };
    expect(open(await run(undefined, { checkpoint }))).toEqual(['start-position']);
  });

  it('binlog items are left out where no binlog is used', async () => {
    await mysql.query('SET GLOBAL binlog_row_image = MINIMAL');
    const report = await run((t) => (t.synchronization.incremental = false));
    await mysql.query('SET GLOBAL binlog_row_image = FULL');
    expect(report.results.map((r) => r.id)).not.toContain('binlog-row-image');
    expect(report.successRate).toBe(100);
  });
});

describe('the selected objects', () => {
  const wide = Array.from({ length: 1025 }, (_, i) => `c${i}`);
  beforeAll(async () => {
    await mysql.query(`
      CREATE DATABASE bad;
      CREATE TABLE bad.keyless (id INT, t TEXT);
      CREATE TABLE bad.nullable_unique (id INT NULL UNIQUE);
      CREATE TABLE bad.fine (id INT PRIMARY KEY, u INT NOT NULL, n INT NULL, f DOUBLE NOT NULL UNIQUE, UNIQUE (u, n), UNIQUE un (n));
      CREATE TABLE bad.isam (id INT PRIMARY KEY) ENGINE = MyISAM;
      CREATE TABLE bad.big (id BIGINT UNSIGNED PRIMARY KEY, v BIGINT UNSIGNED);
      INSERT INTO bad.big VALUES (1, 18446744073709551615);
      CREATE TABLE bad.long_key (k VARCHAR(3000) CHARACTER SET latin1 PRIMARY KEY);
      INSERT INTO bad.long_key VALUES (REPEAT('x', 1025));
      CREATE TABLE bad.empty_key (k VARCHAR(20) PRIMARY KEY);
      INSERT INTO bad.empty_key VALUES ('');
      CREATE TABLE bad.large (id INT PRIMARY KEY, a LONGTEXT, b LONGBLOB);
      INSERT INTO bad.large VALUES (1, REPEAT('x', 2097153), NULL);
      CREATE TABLE bad.large_row (id INT PRIMARY KEY, a LONGTEXT, b LONGBLOB, c LONGTEXT);
      INSERT INTO bad.large_row VALUES (1, REPEAT('x', 2000000), REPEAT('x', 2000000), REPEAT('x', 2000000));
      CREATE TABLE bad.wide (${['id INT PRIMARY KEY', ...wide.map((name) => `${name} TINYINT`)].join()}) ENGINE = MyISAM;
      CREATE TABLE bad.key_ms (k DATETIME(6) PRIMARY KEY);
      CREATE TABLE bad.spoken (\`größe\` INT, id INT PRIMARY KEY);
      CREATE TABLE bad.hidden (id INT PRIMARY KEY, secret INT INVISIBLE);
      CREATE TABLE bad.parent (id INT PRIMARY KEY);
      CREATE TABLE bad.child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES bad.parent (id) ON DELETE CASCADE);
      CREATE DATABASE empty_one; CREATE DATABASE shop2; CREATE TABLE shop2.customers (id INT PRIMARY KEY);
      CREATE DATABASE folded; CREATE TABLE folded.Items (id INT PRIMARY KEY); CREATE TABLE folded.items (id INT PRIMARY KEY);`);
  });

  const table = (name: string, mapping: object = {}) => inDatabase('bad', [{ name, ...mapping }]);
  const excluding = (names: readonly string[]) => ({
    columns: Object.fromEntries(names.map((name) => [name, { exclude: true }])),
  });

  it.each([
    ['a table without a key', table('keyless'), ['table-keys']],
    ['a unique key that can be NULL', table('nullable_unique'), ['table-keys']],
    ['a chosen key that is not unique', table('fine', { primaryKey: ['u'] }), ['key-columns']],
    ['a chosen key that can be NULL', table('fine', { primaryKey: ['n'] }), ['key-columns']],
    ['a chosen key of a type that no key can hold', table('fine', { primaryKey: ['f'] }), ['key-columns']],
    [
      'a type that the column cannot become',
      table('fine', { columns: { f: { type: 'INTEGER' } } }),
      ['column-types'],
    ],
    [
      'a masked key column where dirty rows are skipped',
      ((t) => {
        table('fine')(t);
        t.dirtyData = { ...t.dirtyData, policy: 'skip', mask: ['ID', 'n'] };
      }) as Change,
      ['warning:masked-keys'],
    ],
    ['a type that it can', table('fine', { columns: { u: { type: 'STRING' } } }), []],
    ['another engine', table('isam'), ['warning:engines']],
    ['a number above 2^63', table('big'), ['warning:bigint-unsigned']],
    [
      'a number above 2^63 in a column that is a STRING',
      table('big', { columns: { v: { type: 'STRING' } } }),
      [],
    ],
    ['a key value over 1 KB', table('long_key'), ['warning:key-size']],
    ['an empty first key value', table('empty_key'), ['warning:empty-key']],
    ['a cell over 2 MB', table('large'), ['warning:cell-size']],
    ['a cell over 2 MB that is excluded', table('large', { columns: { a: { exclude: true } } }), []],
    ['a row over 4 MB', table('large_row'), ['warning:row-size']],
    ['1,025 columns beside the key', table('wide'), ['warning:engines', 'warning:row-size']],
    ['one of them excluded', table('wide', excluding(wide.slice(1024))), ['warning:engines']],
    [
      'a key with microseconds as milliseconds',
      table('key_ms', { columns: { k: { type: 'INTEGER' } } }),
      ['key-columns'],
    ],
    ['in microseconds', table('key_ms', { columns: { k: { type: 'INTEGER', unit: 'us' } } }), []],
    ['a name that Tablestore does not take', table('spoken'), ['destination-names']],
    ['that name renamed', table('spoken', { columns: { größe: { rename: 'size' } } }), []],
    ['a name of 256 letters', table('fine', { rename: 'x'.repeat(256) }), ['destination-names']],
    ['a name of 255 letters', table('fine', { rename: 'x'.repeat(255) }), []],
    [
      'a rule that gives a name Tablestore does not take',
      ((t) => {
        table('fine')(t);
        t.objects[0]!.renameTables = { prefix: '9-' };
      }) as Change,
      ['destination-names'],
    ],
    [
      'a rule that gives one name to two tables',
      ((t) => {
        t.objects = [
          {
            database: 'bad',
            tables: [{ name: 'fine' }, { name: 'big', columns: { v: { type: 'STRING' } } }],
            renameTables: { replace: [{ from: 'fine', to: 'big' }] },
          },
        ];
      }) as Change,
      ['destination-names'],
    ],
    [
      'a rule that gives one name to two columns',
      ((t) => {
        table('fine')(t);
        t.objects[0]!.renameColumns = { replace: [{ from: 'u', to: 'n' }] };
      }) as Change,
      ['destination-names'],
    ],
    ['an invisible column is information', table('hidden'), []],
    ['a missing table', table('absent'), ['objects']],
    ['a missing column', table('fine', { columns: { absent: { exclude: true } } }), ['objects']],
    ['a missing database', inDatabase('absent'), ['objects']],
    ['a database without tables', inDatabase('empty_one'), ['objects']],
    ['a filter that does not parse', table('fine', { filter: 'u >' }), ['filters']],
    ['a filter on a column that is not there', table('fine', { filter: 'x = 1' }), ['filters']],
    ['a filter that differs from session to session', table('fine', { filter: 'u < RAND()' }), ['filters']],
    ['a good filter', table('fine', { filter: 'u > 1 AND n IS NOT NULL' }), []],
    ['names that differ in case alone', inDatabase('folded'), ['warning:case-folding']],
    [
      'two databases with a table of one name',
      ((t) => (t.objects = [{ database: 'shop' }, { database: 'shop2' }])) as Change,
      ['destination-names'],
    ],
    [
      'more than 1,000 tables one by one',
      inDatabase(
        'bad',
        Array.from({ length: 1001 }, (_, i) => ({ name: `t${i}` })),
      ),
      ['objects', 'table-count'],
    ],
    ['a script that does not parse', ((t) => (t.etl = 'e_set(')) as Change, ['etl']],
    [
      'a script that reads a column that is not there',
      ((t) => (t.etl = 'e_if(op_gt(`nmae`, 1), e_drop())')) as Change,
      ['etl'],
    ],
    [
      'a script that reads a column that one of the tables does not have',
      ((t) => {
        inDatabase('bad', [{ name: 'fine' }, { name: 'parent' }])(t);
        t.etl = 'e_if(op_gt(`u`, 1), e_drop())';
      }) as Change,
      ['etl-columns'],
    ],
    [
      'a script that reads a column only of the table that has it',
      ((t) => {
        inDatabase('bad', [{ name: 'fine' }, { name: 'parent' }])(t);
        t.etl = "e_if(op_and(op_eq(__TB__, 'fine'), op_gt(`u`, 1)), e_drop())";
      }) as Change,
      [],
    ],
    [
      'a script that sets what is the name of another column',
      ((t) => {
        table('fine', { columns: { u: { rename: 'v' } } })(t);
        t.etl = 'e_set(`v`, 1)';
      }) as Change,
      ['etl'],
    ],
    [
      'a script that sets a name Tablestore does not take',
      ((t) => {
        table('fine')(t);
        t.etl = 'e_set(`größe`, 1)';
      }) as Change,
      ['etl'],
    ],
    [
      'a script that sets a further column',
      ((t) => {
        table('fine')(t);
        t.etl = 'e_set(`further`, 1)';
      }) as Change,
      [],
    ],
    [
      'a merge with a column of the name that its key needs',
      ((t) => {
        table('fine', { columns: { u: { rename: '__dts_data_source' } } })(t);
        t.merge = true;
      }) as Change,
      ['destination-names'],
    ],
  ])('%s', async (_, change, expected) => {
    expect(open(await run(change))).toEqual(expected);
  });

  it('says how to give a table its key', async () => {
    const report = await run(table('keyless'));
    const item = report.results.find((r) => r.id === 'table-keys')!;
    expect(item.actual).toContain('bad.keyless');
    expect(item.sql).toMatch(
      /^ALTER TABLE `bad`.`keyless` ADD COLUMN `row_id` BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY/,
    );
    await mysql.query(
      `CREATE TABLE bad.keyless2 LIKE bad.keyless; ${item.sql!.replace('keyless', 'keyless2')}`,
    );
    expect(open(await run(table('keyless2')))).toEqual([]);
  });

  it('a cascade is a warning only where the binlog does not hold what it does', async () => {
    expect(open(await run(table('child')))).toEqual([]);
  });

  it('a warning can be accepted by its id, a failure cannot', async () => {
    const accepted = await run((t) => {
      table('isam')(t);
      t.ignoredChecks = ['engines'];
    });
    expect(accepted.successRate).toBe(100);
    expect(accepted.results.find((r) => r.id === 'engines')).toMatchObject({
      status: 'warning',
      ignored: true,
    });
    const refused = await run((t) => {
      table('keyless')(t);
      t.ignoredChecks = ['table-keys'];
    });
    expect(refused.successRate).toBeLessThan(100);
  });
});

it('tables of online schema changes are named, those that are left out and those that only have such names (D5)', async () => {
  await mysql.query(`CREATE DATABASE changing; CREATE TABLE changing.customers (id INT PRIMARY KEY);
    CREATE TABLE changing._flags_del (id INT PRIMARY KEY)`);
  const found = async (change: Change) => {
    const item = (await run(change)).results.find((one) => one.id === 'left-out');
    return `${item?.status}: ${item?.actual}`;
  };
  const whole = { database: 'changing' };
  const asWhole: Change = (task) => (task.objects = [whole]);
  expect(await found(asWhole)).toBe('pass: none; replicated despite their names: changing._flags_del');
  await mysql.query(`CREATE TABLE changing._customers_new (id INT PRIMARY KEY);
    CREATE TABLE changing._customers_gho (id INT PRIMARY KEY)`);
  expect(await found(asWhole)).toBe(
    'information: none left out; replicated despite their names: changing._customers_gho, changing._customers_new, changing._flags_del',
  );
  await mysql.query(`CREATE TABLE changing._customers_ghc (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
      last_update TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, hint VARCHAR(64) NOT NULL, value VARCHAR(4096) NOT NULL);
    CREATE TRIGGER changing.pt_osc_changing_customers_ins AFTER INSERT ON changing.customers FOR EACH ROW
      REPLACE INTO \`changing\`.\`_customers_new\` (id) VALUES (NEW.id)`);
  const copy = (tool: string) => `(${tool} is building the new changing.customers in it)`;
  expect(await found(asWhole)).toBe(
    `information: left out: changing._customers_ghc (gh-ost uses it while changing changing.customers), changing._customers_gho ${copy('gh-ost')}, changing._customers_new ${copy('pt-online-schema-change')}; replicated despite their names: changing._flags_del`,
  );
  const named = { database: 'changing', tables: [{ name: '_customers_ghc' }, { name: '_customers_gho' }] };
  expect(await found((task) => (task.objects = [whole, named]))).toBe(
    `information: left out: changing._customers_new ${copy('pt-online-schema-change')}; replicated despite their names: changing._flags_del`,
  );
});
