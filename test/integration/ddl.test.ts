import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectSource, type SourceConnection } from '../../src/mysql/connection.js';
import { loadTables } from '../../src/mysql/catalog.js';
import type { Column, TableDefinition } from '../../src/mysql/model.js';
import { plainContext } from '../../src/mysql/statement.js';
import { sourceSchema } from '../../src/shared/task.js';
import { applyAlter, applyCreate } from '../../src/sync/ddl/apply.js';
import { parseDdl } from '../../src/sync/ddl/parse.js';
import { startMysql, type MysqlServer } from '../support/mysql-server.js';

/** Statements are run on a real server and applied here: both must end with the same columns and keys. */
const types = [
  'int',
  'int(5) unsigned zerofill',
  'integer',
  'bool',
  'bigint unsigned',
  'serial',
  'dec(8,3)',
  'numeric',
  'float',
  'float(30)',
  'float(7,3)',
  'double(9,2) unsigned',
  'double precision',
  'real',
  'char',
  'char(3) binary',
  'character varying(9)',
  'national varchar(4)',
  'nchar(2)',
  'text',
  'text(300000)',
  'tinytext character set latin1',
  "enum('a','b ','it''s')",
  "set('x','y')",
  'bit',
  'bit(9)',
  'date',
  'time(3)',
  'datetime',
  'timestamp(6) null',
  'year',
  'json',
  'varbinary(20)',
  'blob(100)',
  'binary(4)',
  'point',
  'geometry',
  'varchar(5) collate utf8mb4_bin',
  'char(4) ascii',
  'char(3) byte',
  'vector(3)',
  'vector',
  'mediumblob',
  'longtext',
  'long varchar',
  'longblob',
  'varchar(7) charset gbk',
];
const attributes = ['', ' NULL', " COMMENT 'a, b) '", ' INVISIBLE', ' DEFAULT NULL'];

const parse = (sql: string, defaultsOf: Parameters<typeof parseDdl>[1]) =>
  parseDdl({ sql, database: 'other', context: plainContext }, defaultsOf);

let server: MysqlServer;
let source: SourceConnection;
const defaults = { charset: 'utf8mb4', collation: 'utf8mb4_0900_ai_ci' };

beforeAll(async () => {
  server = await startMysql({});
  source = await connectSource(sourceSchema.parse({ port: server.port, user: 'root' }));
  await server.query('CREATE DATABASE ddl');
}, 60_000);
afterAll(async () => {
  await source?.close();
  await server?.stop();
});

const shape = (table: TableDefinition) => ({
  columns: table.columns.map((column: Column) => ({
    ...column,
    columnType: '',
    // Of labels it is not used: they are compared themselves.
    length: column.members.length > 0 ? 0 : column.length,
  })),
  unique: table.keys
    .filter((key) => key.unique)
    .map((key) => `${key.primary}:${key.columns.join(',')}`)
    .sort(),
});

it('reads CREATE and ALTER as the server does', { timeout: 120_000 }, async () => {
  const seed = Number(process.env['ROWFERRY_SEED'] ?? Date.now() % 2 ** 31);
  let state = seed;
  const random = (n: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  let applied = 0;
  for (let round = 0; round < 6; round++) {
    let next = 0;
    const fresh = () => pick([`c${next++}`, `\`C ${next++}\``, `\`key${next++}\``]);
    const column = () => `${fresh()} ${pick(types)}${pick(attributes)}`;
    await server.query('DROP TABLE IF EXISTS ddl.t');
    const create = `CREATE TABLE ddl.t (id int NOT NULL, ${Array.from({ length: 4 }, column).join(', ')}, n varchar(9) NOT NULL UNIQUE, PRIMARY KEY (id), KEY k (n)) ENGINE=InnoDB COMMENT='x'`;
    try {
      await server.query(create);
    } catch {
      continue;
    }
    const statement = parse(create, () => defaults);
    if (statement.kind !== 'create' || statement.body.as !== 'columns')
      throw new Error(`${create}: ${JSON.stringify(statement)}`);
    let definition = applyCreate(statement.table, statement.body);
    let textDefaults = statement.body.defaults;
    for (let step = 0; step < 12; step++) {
      const quoted = definition.columns.map((c) => `\`${c.name}\``);
      const actions = Array.from({ length: 1 + random(2) }, () =>
        pick([
          () => `ADD ${column()}${pick(['', ' FIRST', ` AFTER ${pick(quoted)}`])}`,
          () => `ADD COLUMN (${column()}, ${column()})`,
          () => `DROP COLUMN ${pick(quoted)}`,
          () => `MODIFY ${pick(quoted)} ${pick(types)}${pick(['', ' FIRST', ` AFTER ${pick(quoted)}`])}`,
          () => `CHANGE ${pick(quoted)} ${column()}`,
          () => `RENAME COLUMN ${pick(quoted)} TO ${fresh()}`,
          () => `ADD UNIQUE KEY u${next++} (${pick(quoted)})`,
          () => `DROP INDEX ${pick(['u1', 'k', 'n', 'u3'])}`,
          () => 'DROP PRIMARY KEY, ADD PRIMARY KEY (id, n)',
          () => `ALTER COLUMN ${pick(quoted)} SET ${pick(['INVISIBLE', 'VISIBLE'])}`,
          () => `CONVERT TO CHARACTER SET ${pick(['utf8mb4', 'latin1'])}`,
          () =>
            `${pick(['', "COMMENT 'x' ", 'ENGINE=InnoDB ', 'ROW_FORMAT=DYNAMIC COMMENT = "y" '])}DEFAULT CHARSET ${pick(['utf8mb4', 'latin1'])}`,
          () => 'ENGINE=InnoDB, ALGORITHM=COPY',
        ])(),
      );
      const sql = `ALTER TABLE ddl.t ${actions.join(', ')}`;
      if (/ADD|MODIFY|CHANGE/.test(sql) && sql.includes('CONVERT')) continue;
      try {
        await server.query(sql);
      } catch {
        continue;
      }
      const alter = parse(sql, () => textDefaults);
      if (alter.kind !== 'alter') throw new Error(`seed ${seed}: ${sql}: ${JSON.stringify(alter)}`);
      ({ definition, defaults: textDefaults } = applyAlter(definition, textDefaults, alter.actions));
      applied++;
      const [truth] = await loadTables(source, [{ database: 'ddl', table: 't' }]);
      expect(shape(definition), `seed ${seed}: ${sql}`).toEqual(shape(truth!));
    }
  }
  expect(applied).toBeGreaterThan(20);
});
