import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scrubbedEnvironment } from '../../../src/engine/ipc/client.js';
import { acquireLock } from '../../../src/engine/base/lock.js';
import { openStateDir, socketPath } from '../../../src/engine/base/paths.js';
import { Database } from '../../../src/engine/store/database.js';

let dir: string;
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'rowferry-store-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('the lock', () => {
  it('is held by one, refused to others, and free after release', () => {
    const file = join(dir, 'lock.db');
    const first = acquireLock(file);
    expect(first).toBeDefined();
    expect(acquireLock(file)).toBeUndefined();
    first!.release();
    const next = acquireLock(file);
    expect(next).toBeDefined();
    next!.release();
  });
});

describe('a store file', () => {
  const migrations = ['CREATE TABLE a (x INTEGER) STRICT', 'CREATE TABLE b (y INTEGER) STRICT'];

  it('migrates step by step and keeps what is there', () => {
    const file = join(dir, 'store.db');
    const old = Database.open(file, migrations.slice(0, 1));
    old.run('INSERT INTO a VALUES (?)', 5);
    old.close();
    const current = Database.open(file, migrations);
    expect(current.all('SELECT x FROM a')).toEqual([{ x: 5 }]);
    expect(current.all('SELECT y FROM b')).toEqual([]);
    current.close();
    expect(() => Database.open(file, migrations.slice(0, 1))).toThrow(
      expect.objectContaining({ code: 'ROW-E108' }),
    );
  });

  it('is readable by its owner only, and refuses what is no store', () => {
    const file = join(dir, 'store.db');
    Database.open(file, migrations).close();
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600);
    writeFileSync(join(dir, 'other.db'), 'this is no database, only some text that is long enough');
    expect(() => Database.open(join(dir, 'other.db'), migrations)).toThrow(
      expect.objectContaining({ code: 'ROW-E105' }),
    );
  });

  it('a transaction is all or nothing, inner ones join', () => {
    const database = Database.open(join(dir, 'store.db'), migrations);
    expect(() =>
      database.transaction(() => {
        database.run('INSERT INTO a VALUES (1)');
        database.transaction(() => database.run('INSERT INTO a VALUES (2)'));
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(database.all('SELECT * FROM a')).toEqual([]);
    database.transaction(() => database.transaction(() => database.run('INSERT INTO a VALUES (3)')));
    expect(database.all('SELECT * FROM a')).toEqual([{ x: 3 }]);
    database.close();
  });
});

describe('paths', () => {
  it('a socket path is short however deep the folder is', () => {
    const deep = openStateDir(join(dir, ...Array.from({ length: 12 }, () => 'a-rather-long-folder')));
    const path = socketPath(deep.dir);
    expect(Buffer.byteLength(path)).toBeLessThan(100);
    expect(path).not.toBe(socketPath(dir));
    if (process.platform !== 'win32') expect(statSync(join(path, '..')).mode & 0o077).toBe(0);
  });

  it('a folder that cannot be made is ROW-E105', () => {
    writeFileSync(join(dir, 'file'), '');
    expect(() => openStateDir(join(dir, 'file', 'state'))).toThrow(
      expect.objectContaining({ code: 'ROW-E105' }),
    );
  });
});

describe('the engine’s surroundings', () => {
  it('gets no variable that could hold a secret', () => {
    const passed = scrubbedEnvironment({
      PATH: '/bin',
      HOME: '/h',
      LC_ALL: 'C',
      OTS_SECRET: 's',
      MYSQL_PASSWORD: 'p',
      NODE_OPTIONS: '--x',
    });
    expect(passed).toEqual({ PATH: '/bin', HOME: '/h', LC_ALL: 'C' });
  });
});
