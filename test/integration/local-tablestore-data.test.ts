import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTablestoreData, startLocalTablestore } from '../../src/local-tablestore/index.js';
import {
  BatchWriteRowRequest,
  BulkImportRequest,
  CreateTableRequest,
} from '../../src/tablestore/wire/messages.js';
import { cli, cliScript } from '../support/cli.js';
import { encodeRow } from '../support/plainbuffer-encoder.js';
import { errorText, sendRaw } from '../support/raw-tablestore.js';

/** What the embedded Tablestore keeps, and what `rowferry tablestore` makes of the folder that it keeps it in. */
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rowferry-data-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const keys = { instance: 'local', accessKeyId: 'test', accessKeySecret: 'test-secret' };

async function serve(data: string, ...args: string[]) {
  const child = spawn(
    process.execPath,
    [cliScript(), 'tablestore', '--port', '0', '--data', data, '--access-key-id', 'test', ...args],
    {
      env: { PATH: process.env['PATH'], HOME: folder, OTS_SECRET: 'test-secret' },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      const found = /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(output);
      if (found) resolve(Number(found[1]));
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.once('exit', () => reject(new Error(output)));
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    child,
    server: { ...keys, port },
    async stop(signal: NodeJS.Signals = 'SIGTERM') {
      // The launcher passes signals on; one that cannot be caught would leave the server itself running.
      if (signal === 'SIGKILL') killTree(child.pid!);
      else child.kill(signal);
      await exited;
    },
  };
}

/** Kills a process and those it started, at once. */
function killTree(pid: number): void {
  let children: string[] = [];
  try {
    children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  } catch {
    // No such list on this system, or the process is gone.
  }
  for (const child of children) killTree(Number(child));
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

const createBody = (tableName: string): Buffer =>
  CreateTableRequest.encode({
    tableMeta: { tableName, primaryKey: [{ name: 'id', type: 1 }], definedColumn: [] },
    reservedThroughput: { capacityUnit: { read: 0, write: 0 } },
    tableOptions: { timeToLive: -1, maxVersions: 1 },
    partitions: [],
    indexMetas: [],
  });
const rowsOf = (first: number, count: number) =>
  Array.from({ length: count }, (_, n) => ({
    type: 1,
    rowChange: encodeRow({
      primaryKey: [['id', BigInt(first + n)]],
      cells: [{ name: 'text', value: `row ${first + n} ${'x'.repeat(200)}` }],
    }),
    condition: { rowExistence: 0 },
  }));

describe('a server that is killed', () => {
  it.each(['BatchWriteRow', 'BulkImport'] as const)(
    'has lost nothing that %s acknowledged',
    async (operation) => {
      const data = join(folder, `killed-${operation}`);
      const acknowledged = new Set<number>();
      const sent = new Set<number>();
      let next = 0;
      for (let round = 0; round < 3; round++) {
        const running = await serve(data);
        if (round === 0) await sendRaw(running.server, { operation: 'CreateTable', body: createBody('t') });
        let killed = false;
        const lane = async (): Promise<void> => {
          while (!killed) {
            const first = next;
            next += 50;
            sent.add(first);
            const rows = rowsOf(first, 50);
            const body =
              operation === 'BulkImport'
                ? BulkImportRequest.encode({ tableName: 't', rows })
                : BatchWriteRowRequest.encode({ tables: [{ tableName: 't', rows }] });
            try {
              const answer = await sendRaw(running.server, { operation, body: Buffer.from(body) });
              if (errorText(answer) === 'no error') acknowledged.add(first);
            } catch {
              return;
            }
          }
        };
        const lanes = Promise.all([lane(), lane(), lane()]);
        await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 500));
        await running.stop('SIGKILL');
        killed = true;
        await lanes;
      }
      expect(acknowledged.size).toBeGreaterThan(20);
      const store = openTablestoreData(data);
      try {
        const batches = new Map<number, number>();
        for (const { primaryKey, columns } of store.scan('t')) {
          const id = Number(primaryKey['id']);
          expect(columns['text']).toBe(`row ${id} ${'x'.repeat(200)}`);
          const first = id - (id % 50);
          batches.set(first, (batches.get(first) ?? 0) + 1);
        }
        expect([...acknowledged].filter((first) => batches.get(first) !== 50)).toEqual([]);
        // A batch is one transaction: what was not acknowledged is there as a whole, or not at all.
        expect([...batches].filter(([first, count]) => count !== 50 || !sent.has(first))).toEqual([]);
      } finally {
        store.close();
      }
    },
  );
});

describe('a folder', () => {
  it('is served by one process at a time, and free again when that is killed', async () => {
    const data = join(folder, 'one');
    const running = await serve(data);
    const second = await cli(['tablestore', '--port', '0', '--data', data], { cwd: folder });
    expect(second.code).toBe(3);
    expect(second.stderr).toContain('Another process serves this data folder.');
    await running.stop('SIGKILL');
    const third = await serve(data);
    await third.stop();
  });

  it('keeps its key pair, which only its owner can read', async () => {
    const data = join(folder, 'pair');
    const pairs = [];
    for (let n = 0; n < 2; n++) {
      const server = await startLocalTablestore({ data });
      pairs.push(`${server.accessKeyId} ${server.accessKeySecret}`);
      await server.close();
    }
    expect(pairs[1]).toBe(pairs[0]);
    expect(statSync(join(data, 'local.tablestore')).mode & 0o077).toBe(0);
  });

  it('has a file for each instance', async () => {
    const data = join(folder, 'instances');
    for (const instance of ['first', 'second']) {
      const server = await startLocalTablestore({ data, instance });
      await sendRaw(server, { operation: 'CreateTable', body: createBody(`table_of_${instance}`) });
      await server.close();
    }
    for (const instance of ['first', 'second']) {
      const store = openTablestoreData(data, instance);
      expect(store.tables().map(({ name }) => name)).toEqual([`table_of_${instance}`]);
      store.close();
    }
  });
});

describe('a file that cannot be used is refused and left as it is', () => {
  async function refused(name: string, make: (file: string) => void): Promise<string> {
    const data = join(folder, name);
    const file = join(data, 'local.tablestore');
    mkdirSync(data);
    make(file);
    const before = readFileSync(file);
    const { code, stderr } = await cli(['tablestore', '--port', '0', '--data', data], { cwd: folder });
    expect(code).toBe(3);
    expect(stderr).toContain('ROW-E110');
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(readFileSync(file).equals(before)).toBe(true);
    return stderr;
  }

  it('one that is no database', async () => {
    expect(
      await refused('text', (file) => writeFileSync(file, 'not a database, by any means '.repeat(99))),
    ).toContain('file is not a database');
  });

  it("another program's database", async () => {
    const stderr = await refused('foreign', (file) => {
      const database = new DatabaseSync(file);
      database.exec(
        'CREATE TABLE tables (id INTEGER PRIMARY KEY, schema TEXT); INSERT INTO tables VALUES (1, 2)',
      );
      database.close();
    });
    expect(stderr).toContain('belongs to another program');
  });

  it('one of a newer version', async () => {
    const source = join(folder, 'pair', 'local.tablestore');
    const stderr = await refused('newer', (file) => {
      copyFileSync(source, file);
      const database = new DatabaseSync(file);
      database.exec('PRAGMA user_version = 99');
      database.close();
    });
    expect(stderr).toContain('newer version');
  });

  it('one whose pages were overwritten, or that was cut short', async () => {
    const source = join(folder, 'instances', 'first.tablestore');
    await refused('overwritten', (file) => {
      const bytes = readFileSync(source);
      bytes.fill(0x5a, 100, 8192);
      writeFileSync(file, bytes);
    });
    await refused('short', (file) => writeFileSync(file, readFileSync(source).subarray(0, 9000)));
  });

  it('and neither is a folder that is a file', async () => {
    const data = join(folder, 'file');
    writeFileSync(data, '');
    const { code, stderr } = await cli(['tablestore', '--port', '0', '--data', data], { cwd: folder });
    expect([code, stderr.includes('ROW-E110'), /\n\s+at /.test(stderr)]).toEqual([3, true, false]);
  });
});

describe('rowferry tablestore', () => {
  it('lists, gets, scans and exports, beside a running server too', async () => {
    const data = join(folder, 'look');
    const running = await serve(data);
    await sendRaw(running.server, { operation: 'CreateTable', body: createBody('orders') });
    const body = BulkImportRequest.encode({ tableName: 'orders', rows: rowsOf(0, 150) });
    expect(errorText(await sendRaw(running.server, { operation: 'BulkImport', body }))).toBe('no error');
    const look = (...args: string[]) => cli(['tablestore', ...args, '--data', data], { cwd: folder });
    try {
      const ls = await look('ls');
      expect(ls.stdout).toMatch(/orders\s+150\s+id INTEGER/);
      const get = await look('get', 'orders', '7', '--json');
      expect(JSON.parse(get.stdout)).toMatchObject({ key: { id: 7 } });
      expect((await look('get', 'orders', '700')).code).toBe(1);
      expect((await look('scan', 'orders', '--limit', '3', '--json')).stdout.trim().split('\n')).toHaveLength(
        3,
      );
      const exported = (await look('export', 'orders')).stdout.trim().split('\n');
      expect(exported).toHaveLength(150);
      for (const args of [
        ['get', 'orders', 'x'],
        ['get', 'orders', '1', '2'],
        ['scan', 'nothing'],
        ['lss'],
      ]) {
        const { code, stderr } = await look(...args);
        expect(code, args.join(' ')).not.toBe(0);
        expect(stderr, args.join(' ')).toMatch(/ROW-[A-Z]\d+/);
        expect(stderr).not.toMatch(/\n\s+at /);
      }
    } finally {
      await running.stop();
    }
  });

  it('injects faults and holds to the limits of the service where it is asked to', async () => {
    const faults = join(folder, 'faults.json');
    writeFileSync(
      faults,
      JSON.stringify([{ operation: 'ListTable', kind: 'error', code: 'OTSServerBusy', times: 1 }]),
    );
    const running = await serve(':memory:', '--faults', faults, '--service-limits', '--allow-repeated-keys');
    try {
      const list = () => sendRaw(running.server, { operation: 'ListTable' }).then(errorText);
      expect(await list()).toMatch(/^503 OTSServerBusy/);
      expect(await list()).toBe('no error');
      await sendRaw(running.server, { operation: 'CreateTable', body: createBody('t') });
      const body = BatchWriteRowRequest.encode({
        tables: [{ tableName: 't', rows: [...rowsOf(1, 1), ...rowsOf(1, 1)] }],
      });
      const written = await sendRaw(running.server, { operation: 'BatchWriteRow', body });
      expect(written.body.toString('latin1')).toContain('OTSTableNotReady');
    } finally {
      await running.stop();
    }
    for (const text of ['{', '[{"kind":"explode"}]']) {
      writeFileSync(faults, text);
      const { code, stderr } = await cli(
        ['tablestore', '--port', '0', '--data', join(folder, 'never'), '--faults', faults],
        { cwd: folder },
      );
      expect([code, /ROW-T104/.test(stderr), /\n\s+at /.test(stderr)]).toEqual([2, true, false]);
    }
  });
});
