import { afterAll, beforeAll, expect, it } from 'vitest';
import type mysql from 'mysql2/promise';
import type { RawStatement } from '../../src/mysql/model.js';
import { Recorder, settingsOf } from '../support/binlog-recorder.js';
import { startMysql, type MysqlServer } from '../support/mysql-server.js';

/** What a real server writes beside a statement, and what we read of it. */
let server: MysqlServer;
let session: mysql.Connection;
let recorder: Recorder;

beforeAll(async () => {
  server = await startMysql({});
  await server.query('CREATE DATABASE test; CREATE DATABASE other');
  session = await server.connect({ database: 'test' });
  const [row] = await server.query<{ File: string; Position: number }>('SHOW BINARY LOG STATUS');
  recorder = new Recorder(settingsOf(server), { file: row!.File, offset: row!.Position });
}, 60_000);
afterAll(async () => {
  await recorder?.stream.stop();
  await session?.end();
  await server?.stop();
});

let made = 0;
/** The event of `sql`, run by a session that has set `settings`. */
async function written(settings: string, sql: string): Promise<RawStatement> {
  await session.query(settings);
  await session.query(sql);
  const mark = `mark${++made}`;
  await session.query(`CREATE DATABASE ${mark}`);
  const at = () =>
    recorder.events.findIndex((event) => event.what === 'statement' && event.sql.includes(mark));
  await recorder.until(() => at() >= 0);
  const before = recorder.events.slice(0, at()).filter((event) => event.what === 'statement');
  return before.at(-1)!.event;
}

it('says what the session had set', async () => {
  const [collations] = await session.query(
    'SELECT ID AS id, COLLATION_NAME AS name FROM INFORMATION_SCHEMA.COLLATIONS',
  );
  const idOf = (name: string) =>
    (collations as { id: number; name: string }[]).find((one) => one.name === name)!.id;

  const plain = await written("SET sql_mode = ''", 'CREATE TABLE a (id INT PRIMARY KEY)');
  expect(plain).toMatchObject({
    database: 'test',
    databases: ['test'],
    statement: Buffer.from('CREATE TABLE a (id INT PRIMARY KEY)'),
  });
  expect(plain.place).toMatch(/^binlog\.0\d+:\d+$/);
  expect(plain.context).toMatchObject({
    sqlMode: 0n,
    ansiQuotes: false,
    noBackslashEscapes: false,
    isStrict: false,
  });

  const ansi = await written(
    "SET sql_mode = 'ANSI,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES'",
    'CREATE TABLE "b" (id INT)',
  );
  expect(ansi.context).toMatchObject({
    ansiQuotes: true,
    noBackslashEscapes: true,
    realAsFloat: true,
    pipesAsConcat: true,
    isStrict: true,
  });

  const named = await written(
    "SET sql_mode = '', NAMES cp850, SESSION collation_server = latin5_turkish_ci, time_zone = '+03:00', lc_time_names = 'de_DE'",
    'CREATE TABLE c (id INT, t TIMESTAMP DEFAULT CURRENT_TIMESTAMP)',
  );
  expect(named.context).toMatchObject({
    clientCollation: idOf('cp850_general_ci'),
    connectionCollation: idOf('cp850_general_ci'),
    serverCollation: idOf('latin5_turkish_ci'),
    explicitDefaultsForTimestamp: true,
  });

  const implicit = await written(
    'SET explicit_defaults_for_timestamp = OFF',
    'CREATE TABLE d (id INT, t TIMESTAMP)',
  );
  expect(implicit.context.explicitDefaultsForTimestamp).toBe(false);

  const utf8 = await written(
    'SET NAMES utf8mb4, default_collation_for_utf8mb4 = utf8mb4_general_ci',
    'CREATE TABLE e (id INT, t VARCHAR(3) CHARACTER SET utf8mb4)',
  );
  expect(utf8.context.defaultCollationForUtf8mb4).toBe(idOf('utf8mb4_general_ci'));

  const foreign = await written('USE other', 'CREATE TABLE test.f (id INT)');
  expect(foreign).toMatchObject({ database: 'other', databases: ['test'] });
  const moved = await written('USE test; CREATE TABLE g (id INT)', 'RENAME TABLE test.g TO other.g');
  expect(new Set(moved.databases)).toEqual(new Set(['test', 'other']));

  const many = Array.from({ length: 17 }, (_, i) => `many${i}`);
  for (const name of many) await session.query(`CREATE DATABASE ${name}; CREATE TABLE ${name}.t (id INT)`);
  const dropped = await written('DO 1', `DROP TABLE ${many.map((name) => `${name}.t`).join(', ')}`);
  expect(dropped.databases).toBeNull();
});

it('names the databases that were touched, whatever the default one is', async () => {
  const created = await written('USE test', "CREATE USER u@localhost IDENTIFIED BY 'x'");
  expect(created.databases).toEqual(['mysql']);
  const loaded = await written("SET binlog_format = 'STATEMENT'", 'INSERT INTO other.g VALUES (1)');
  expect(loaded).toMatchObject({ database: 'test', databases: ['other'] });
}, 30_000);
