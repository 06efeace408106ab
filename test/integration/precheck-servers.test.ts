import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TablestoreClient } from '../../src/tablestore/client/client.js';
import { createTable, deleteTable } from '../../src/tablestore/client/operations.js';
import { startLocalTablestore, type LocalTablestore } from '../../src/local-tablestore/index.js';
import { noHistory, precheck, type PrecheckHistory } from '../../src/sync/precheck/index.js';
import type { ResolvedTask } from '../../src/shared/task.js';
import { startMysql, type MysqlServer } from '../support/mysql-server.js';
import { openItems, taskBetween } from '../support/precheck.js';

let store: LocalTablestore;
let mysql: MysqlServer;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rowferry-precheck-'));
  [mysql, store] = await Promise.all([startMysql(), startLocalTablestore({ data: join(folder, 'data') })]);
  await mysql.query(
    'CREATE DATABASE shop; CREATE TABLE shop.customers (id INT PRIMARY KEY, name VARCHAR(20))',
  );
}, 120_000);

afterAll(async () => {
  await store.close();
  await mysql.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function run(
  change: (task: ResolvedTask) => unknown = () => {},
  history: Partial<PrecheckHistory> = {},
) {
  return precheck(taskBetween(mysql, store, change), { ...noHistory, ...history });
}

describe('the destination', () => {
  async function withTable(
    name: string,
    keys: { name: string; type: 'INTEGER' | 'STRING' }[],
    work: () => Promise<void>,
  ) {
    const client = new TablestoreClient({ endpoint: store.url, ...store });
    await createTable(client, {
      name,
      keys,
      timeToLive: -1,
      maxVersions: 1,
      reservedRead: 0,
      reservedWrite: 0,
    });
    try {
      await work();
    } finally {
      await deleteTable(client, name);
      client.close();
    }
  }

  it('nobody there', async () => {
    const report = await run((t) => (t.destination.endpoint = 'http://127.0.0.1:9'));
    expect(openItems(report)).toEqual(['destination-connection']);
    expect(report.connectionError?.code).toBe('ROW-D101');
  });

  it('wrong key pair', async () => {
    const report = await run((t) => (t.destination.accessKeySecret = 'wrong'));
    expect(openItems(report)).toEqual(['destination-connection']);
    expect(report.connectionError?.code).toBe('ROW-D102');
  });

  it('a RAM user that may not create tables or write', async () => {
    store.faults.set([{ kind: 'error', operation: 'CreateTable', code: 'OTSNoPermissionAccess' }]);
    let report = await run();
    expect(openItems(report)).toEqual(['destination-permissions']);
    expect(report.results.find((r) => r.id === 'destination-permissions')!.fix).toContain('ots:CreateTable');
    store.faults.set([{ kind: 'error', operation: 'PutRow', code: 'OTSNoPermissionAccess' }]);
    report = await run();
    expect(report.results.find((r) => r.id === 'destination-permissions')!.actual).toBe(
      'missing: ots:PutRow',
    );
    store.faults.set([]);
    expect(openItems(await run())).toEqual([]);
  });

  it('a table of that name', async () => {
    await withTable('customers', [{ name: 'id', type: 'INTEGER' }], async () => {
      expect(openItems(await run())).toEqual(['destination-tables']);
      expect(openItems(await run((t) => (t.conflict = 'ignore')))).toEqual([]);
      expect(openItems(await run(undefined, { created: new Set(['customers']) }))).toEqual([]);
    });
  });

  it('a table of that name with another key', async () => {
    await withTable('customers', [{ name: 'id', type: 'STRING' }], async () => {
      const report = await run((t) => (t.conflict = 'ignore'));
      expect(openItems(report)).toEqual(['destination-tables']);
      expect(report.results.find((r) => r.id === 'destination-tables')!.actual).toContain('id STRING');
    });
  });

  it('no room for the tables', async () => {
    await mysql.query(
      `CREATE DATABASE many; ${Array.from({ length: 65 }, (_, i) => `CREATE TABLE many.t${i} (id INT PRIMARY KEY)`).join(';')}`,
    );
    const many = (t: ResolvedTask) => (t.objects = [{ database: 'many' }]);
    expect(openItems(await run(many))).toEqual(['destination-table-limit']);
    expect(
      openItems(
        await run((t) => {
          many(t);
          t.destination.tableLimit = 65;
        }),
      ),
    ).toEqual([]);
  });
});

describe('1,000 tables', () => {
  it('take less than five seconds', async () => {
    const tables = Array.from(
      { length: 1000 },
      (_, i) =>
        `CREATE TABLE big.t${i} (id BIGINT UNSIGNED, k VARCHAR(400), v LONGTEXT, PRIMARY KEY (k, id))`,
    );
    await mysql.query(
      `CREATE DATABASE big; SET SESSION sql_log_bin = 0; ${tables.join(';')}; SET SESSION sql_log_bin = 1`,
    );
    const began = Date.now();
    const report = await run((t) => {
      t.objects = [{ database: 'big' }];
      t.destination.tableLimit = 2000;
    });
    expect(Date.now() - began).toBeLessThan(5000);
    expect(openItems(report)).toEqual([]);
    expect(report.successRate).toBe(100);
  }, 120_000);
});

describe('servers that are set up otherwise', () => {
  it.each([
    ['without a binlog', ['--skip-log-bin'], '', ['binlog-enabled']],
    ['without a binlog, read-only', ['--skip-log-bin', '--read-only'], '', ['binlog-enabled']],
    ['with another database logged only', ['--binlog-do-db=other'], '', ['binlog-filters']],
    ['with the selected database not logged', ['--binlog-ignore-db=shop'], '', ['binlog-filters']],
    ['with another database not logged', ['--binlog-ignore-db=other'], '', []],
    ['with gtid_mode OFF', ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF'], '', []],
    [
      'a replica that does not log what it replicates',
      ['--skip-log-replica-updates', '--skip-replica-start'],
      "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = 9, SOURCE_USER = 'nobody'",
      ['warning:replica-updates'],
    ],
    [
      'a replica that does',
      ['--skip-replica-start'],
      "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = 9, SOURCE_USER = 'nobody'",
      [],
    ],
    [
      'that leave cascades to InnoDB',
      ['--innodb-native-foreign-keys=ON'],
      'CREATE TABLE shop.child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES shop.customers (id) ON DELETE CASCADE)',
      ['warning:cascades'],
    ],
  ])(
    '%s',
    async (_, args, sql, expected) => {
      const server = await startMysql({ args });
      try {
        await server.query(
          `CREATE DATABASE shop; CREATE TABLE shop.customers (id INT PRIMARY KEY, name VARCHAR(20))`,
        );
        if (sql !== '') await server.query(sql);
        expect(openItems(await precheck(taskBetween(server, store)))).toEqual(expected);
      } finally {
        await server.stop();
      }
    },
    60_000,
  );
});
