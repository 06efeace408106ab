import type { Chance } from '../support/chance.js';

/**
 * Random tables, values and statements about tables, over the clauses of the MySQL manual (“CREATE TABLE Statement”,
 * “ALTER TABLE Statement”, 9.x). What the server refuses is no matter: it is not in the binlog.
 */

/** A table as the server has it when the next statement is made up. */
export interface Seen {
  readonly columns: readonly { readonly name: string; readonly type: string; readonly generated: boolean }[];
  readonly indexes: readonly string[];
  readonly constraints: readonly string[];
  readonly partitions: readonly string[];
  /** Tables of the database, this one among them, without those of other lives. */
  readonly tables: readonly string[];
}

/** `T` stands for the table, `D` for its database; the parts of an ALTER are joined by commas. */
export interface Statement {
  readonly session: readonly string[];
  readonly head: string;
  readonly parts: readonly string[];
}

/** Names that a column may have: whatever else a row at the destination holds is of the mapping. */
export const columnNames = ['c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'C2', 'x', 'select', 'é', 'a b'];
export const idName = 'id';
const quoted = (name: string) => `\`${name.replaceAll('`', '``')}\``;
const text = (value: string) => `'${value.replaceAll("'", "''")}'`;

const charsets = [
  'utf8mb4',
  'latin1',
  'utf8mb3',
  'ascii',
  'gbk',
  'cp932',
  'ucs2',
  'utf16',
  'binary',
  'sjis',
  'cp850',
];
const collations = [
  'utf8mb4_bin',
  'utf8mb4_0900_ai_ci',
  'utf8mb4_general_ci',
  'latin1_swedish_ci',
  'latin1_bin',
  'ascii_bin',
  'gbk_chinese_ci',
  'utf8mb3_general_ci',
  'binary',
];
/** BLACKHOLE keeps no rows, so what its binlog brings is no difference. */
const engines = ['InnoDB', 'InnoDB', 'InnoDB', 'MyISAM', 'MEMORY', 'ARCHIVE', 'CSV'];
const labels = ['a', 'b', 'B', 'é', 'ü', 'c:\\new', '', 'x y', "it's", '0', '1', '中'];

function someLabels(chance: Chance): string {
  const some = new Set(Array.from({ length: 1 + chance.below(5) }, () => chance.of(labels)));
  return [...some].map(text).join(',');
}

function textAttributes(chance: Chance): string {
  switch (chance.below(8)) {
    case 0:
      return ` CHARACTER SET ${chance.of(charsets)}`;
    case 1:
      return ` COLLATE ${chance.of(collations)}`;
    case 2:
      return ` ${chance.of(['BINARY', 'ASCII', 'UNICODE', 'BYTE', 'CHARSET latin1 COLLATE latin1_bin'])}`;
    default:
      return '';
  }
}

/** A type with its length and attributes. */
export function typeOf(chance: Chance): string {
  const sign = chance.of(['', '', ' UNSIGNED', ' ZEROFILL', ' SIGNED']);
  const digits = chance.of([0, 0, 1, 3, 6]);
  switch (chance.below(24)) {
    case 0:
    case 1:
    case 2:
      return `${chance.of(['TINYINT', 'SMALLINT', 'MEDIUMINT', 'INT', 'INTEGER', 'BIGINT', 'INT4', 'MIDDLEINT'])}${chance.of(['', '', '(3)', '(6)'])}${sign}`;
    case 3:
      return chance.of(['BOOL', 'BOOLEAN', 'BIT', 'BIT(7)', 'BIT(64)', 'YEAR']);
    case 4:
    case 5:
      return `${chance.of(['DECIMAL', 'NUMERIC', 'DEC', 'FIXED'])}${chance.of(['', '(6)', '(6,2)', '(8,2)', '(10,4)', '(3,3)'])}${chance.of(['', '', ' UNSIGNED', ' ZEROFILL'])}`;
    case 6:
      return chance.of([
        'FLOAT',
        'FLOAT(6,2)',
        'FLOAT(30)',
        'FLOAT(7)',
        'REAL',
        'REAL(8,3)',
        'DOUBLE',
        'DOUBLE PRECISION',
        'DOUBLE(9,3)',
        'DOUBLE(5,3)',
        'FLOAT UNSIGNED',
        'DOUBLE ZEROFILL',
      ]);
    case 7:
    case 8:
    case 9:
    case 10:
      return `${chance.of(['CHAR', 'CHAR(5)', 'CHAR(12)', 'VARCHAR(1)', 'VARCHAR(9)', 'VARCHAR(20)', 'VARCHAR(300)', 'CHARACTER VARYING(9)'])}${textAttributes(chance)}`;
    case 11:
      return chance.of([
        'NCHAR(5)',
        'NVARCHAR(9)',
        'NATIONAL VARCHAR(9)',
        'NATIONAL CHARACTER(4)',
        'LONG',
        'LONG VARCHAR',
        'LONG VARBINARY',
      ]);
    case 12:
    case 13:
      return `${chance.of(['TINYTEXT', 'TEXT', 'TEXT(20)', 'TEXT(300)', 'MEDIUMTEXT', 'LONGTEXT'])}${textAttributes(chance)}`;
    case 14:
      return chance.of([
        'BINARY',
        'BINARY(3)',
        'BINARY(8)',
        'VARBINARY(3)',
        'VARBINARY(20)',
        'TINYBLOB',
        'BLOB',
        'BLOB(20)',
        'MEDIUMBLOB',
        'LONGBLOB',
      ]);
    case 15:
    case 16:
      return `${chance.of(['ENUM', 'ENUM', 'SET'])}(${someLabels(chance)})${textAttributes(chance)}`;
    case 17:
      return 'DATE';
    case 18:
      return `TIME(${digits})`;
    case 19:
      return `DATETIME(${digits})`;
    case 20:
      return digits === 0 ? 'TIMESTAMP' : `TIMESTAMP(${digits})`;
    case 21:
      return 'JSON';
    case 22:
      return chance.of(['POINT', 'GEOMETRY', 'GEOMETRY SRID 4326', 'VECTOR(2)', 'VECTOR']);
    default:
      return chance.of(['INT', 'VARCHAR(9)', 'DATETIME', 'DECIMAL(6,2)', 'SERIAL']);
  }
}

const numbers = [
  '0',
  '1',
  '-1',
  '7',
  '255',
  '-128',
  '12345.678',
  '99',
  '3.5',
  "'12abc'",
  '65536',
  'NULL',
  '0.005',
  '1e10',
];
const strings = [
  "''",
  "'a'",
  "'A '",
  "'b'",
  "'é'",
  "'ü'",
  "'中'",
  "'10'",
  "'c:\\\\new'",
  "'x y'",
  "'it''s'",
  "REPEAT('z', 15)",
  'NULL',
  "'0'",
  "'1'",
];
const moments = [
  "'2024-02-29'",
  "'0000-00-00'",
  "'2024-01-01 10:00:00.123456'",
  "'1999-12-31 23:59:59.9'",
  "'2020-00-10'",
  'NOW(6)',
  'NULL',
  '20240101',
  "'2024-02-30'",
  "'1970-01-01 00:00:01'",
];
const bytes = ["x'FFFE00'", "x'00'", "''", "'abc'", "x'61620000'", 'NULL', "x'E9'"];

/** A value that a column of a printed type may be given; the server makes it fit, or says no. */
export function valueOf(chance: Chance, type: string): string {
  const word = /^[a-z]+/.exec(type)?.[0] ?? '';
  if (chance.once(9)) return 'NULL';
  if (/int$|decimal|float|double|bit/.test(word)) return chance.of(numbers);
  if (word === 'year') return chance.of(['2024', '0', '1901', '70', "'2155'"]);
  if (/^(date|datetime|timestamp)$/.test(word)) return chance.of(moments);
  if (word === 'time')
    return chance.of(["'10:00:00.5'", "'-838:59:59'", "'00:00:00'", "'99:59:59.999999'", 'NULL']);
  if (/binary|blob/.test(word)) return chance.of(bytes);
  if (word === 'json')
    return chance.of(['\'{"a": 1.50}\'', "'[]'", '\'"s"\'', 'JSON_ARRAY(1, 2.5)', "'null'"]);
  if (word === 'enum')
    return chance.of([...labels.map((label) => text(label.replaceAll('\\', '\\\\'))), '0', '1', '2']);
  if (word === 'set') return chance.of(["''", "'a'", "'a,b'", "'é'", '1', '3', "'x y'"]);
  if (/point|geom/.test(word))
    return chance.of(["ST_GeomFromText('POINT(1 2)')", "ST_GeomFromText('POINT(3 4)', 4326)", 'NULL']);
  if (word === 'vector') return chance.of(["STRING_TO_VECTOR('[1,2]')", 'NULL']);
  return chance.of(strings);
}

const literalDefaults = [
  "'a'",
  "'5'",
  '0',
  '7',
  'NULL',
  "''",
  "'2024-01-01'",
  'CURRENT_TIMESTAMP',
  'TRUE',
  "b'1'",
  "x'41'",
  "_latin1'é'",
  '-1',
  '+2',
  "'10:00:00'",
  'NOW(3)',
  '(1 + 1)',
  "(CONCAT('a', 'b'))",
  '(UUID())',
  '(CURRENT_DATE)',
  "('[]')",
  '(RAND())',
];

function expression(chance: Chance, seen: Seen): string {
  const plain = seen.columns.filter(({ generated }) => !generated);
  const column = quoted(plain.length > 0 ? chance.of(plain).name : idName);
  return chance.of([
    `${column} * 2`,
    `${column} + 1`,
    `CONCAT(${column}, 'x')`,
    `${column} || 'b'`,
    `LENGTH(${column})`,
    `${column} IS NULL`,
    `${column} / 3`,
    `UPPER(${column})`,
    `${column} = 'A'`,
    `COALESCE(${column}, 5)`,
    `NOT ${column} BETWEEN 0 AND 3`,
    `WEEK(${column})`,
    `HEX(${column})`,
    `CAST(${column} AS CHAR(20))`,
    `"a"`,
    `'a\\tb'`,
    `YEAR(${column})`,
    `IF(${column} > 'a', 1, 2)`,
    `CAST(${column} AS UNSIGNED) - 5`,
    `CAST(${column} AS REAL)`,
  ]);
}

/** What stands behind a column's name. */
export function definition(chance: Chance, seen: Seen): string {
  const type = typeOf(chance);
  if (chance.once(7))
    return `${type} ${chance.of(['GENERATED ALWAYS ', ''])}AS (${expression(chance, seen)})${chance.of(['', ' VIRTUAL', ' STORED', ' STORED'])}${chance.of(['', '', ' NOT NULL', " COMMENT 'g'"])}`;
  const some = [
    chance.of(['', '', '', ' NULL', ' NOT NULL', ' NOT NULL']),
    chance.once(3) ? ` DEFAULT ${chance.of(literalDefaults)}` : '',
    chance.once(14) ? ' ON UPDATE CURRENT_TIMESTAMP' : '',
    chance.once(16) ? chance.of([' AUTO_INCREMENT', ' AUTO_INCREMENT UNIQUE']) : '',
    chance.once(14) ? chance.of([' UNIQUE', ' UNIQUE KEY', ' KEY', ' PRIMARY KEY']) : '',
    chance.once(9)
      ? chance.of([" COMMENT 'a, b'", " COMMENT 'it''s (x'", ' COLUMN_FORMAT DYNAMIC', ' STORAGE DISK'])
      : '',
    chance.once(12) ? ' INVISIBLE' : '',
    chance.once(14)
      ? chance.of([` CHECK (1 = 1)`, ' CONSTRAINT ck CHECK (2 > 1) NOT ENFORCED', ' REFERENCES T (id)'])
      : '',
    chance.once(20) ? ` COLLATE ${chance.of(collations)}` : '',
  ];
  return type + some.join('');
}

const place = (chance: Chance, seen: Seen) =>
  chance.of(['', '', '', ' FIRST', ...seen.columns.map(({ name }) => ` AFTER ${quoted(name)}`)]);

function tableOption(chance: Chance): string {
  return chance.of([
    `ENGINE = ${chance.of(engines)}`,
    `ENGINE ${chance.of(engines)}`,
    `ROW_FORMAT = ${chance.of(['DYNAMIC', 'COMPACT', 'REDUNDANT', 'COMPRESSED', 'DEFAULT', 'FIXED'])}`,
    `KEY_BLOCK_SIZE ${chance.of([0, 4, 8])}`,
    `COMMENT = 'x, y'`,
    `COMMENT 'ENGINE=MyISAM'`,
    `AUTO_INCREMENT = ${chance.below(1000)}`,
    `AVG_ROW_LENGTH 100`,
    `CHECKSUM = 1`,
    `DELAY_KEY_WRITE=1`,
    `COMPRESSION = 'zlib'`,
    `ENCRYPTION = 'N'`,
    `MAX_ROWS 1000`,
    `MIN_ROWS = 1`,
    `PACK_KEYS = ${chance.of(['0', '1', 'DEFAULT'])}`,
    `STATS_AUTO_RECALC=${chance.of(['0', '1', 'DEFAULT'])}`,
    `STATS_PERSISTENT=${chance.of(['0', '1', 'DEFAULT'])}`,
    `STATS_SAMPLE_PAGES 10`,
    `TABLESPACE ${chance.of(['innodb_file_per_table', 'innodb_system'])}`,
    `INSERT_METHOD NO`,
    `AUTOEXTEND_SIZE 4M`,
    `ENGINE_ATTRIBUTE ''`,
    `SECONDARY_ENGINE NULL`,
  ]);
}

function textDefaults(chance: Chance): string {
  return chance.of([
    `DEFAULT CHARACTER SET ${chance.of(charsets)}`,
    `CHARSET = ${chance.of(charsets)}`,
    `DEFAULT COLLATE = ${chance.of(collations)}`,
    `CHARACTER SET latin1 COLLATE latin1_bin`,
    `COLLATE ${chance.of(collations)}`,
  ]);
}

function partitioning(chance: Chance, seen: Seen): string {
  const column = quoted(chance.of([idName, idName, ...seen.columns.map(({ name }) => name)]));
  return chance.of([
    `PARTITION BY HASH (${column}) PARTITIONS ${1 + chance.below(3)}`,
    `PARTITION BY LINEAR HASH (${column}) PARTITIONS 2`,
    `PARTITION BY KEY (${column}) PARTITIONS 2`,
    `PARTITION BY KEY ALGORITHM=2 () PARTITIONS 2`,
    `PARTITION BY RANGE (${column}) (PARTITION p0 VALUES LESS THAN (3), PARTITION p1 VALUES LESS THAN MAXVALUE)`,
    `PARTITION BY RANGE COLUMNS (${column}) (PARTITION p0 VALUES LESS THAN (5), PARTITION p1 VALUES LESS THAN (MAXVALUE))`,
    `PARTITION BY LIST (${column}) (PARTITION p0 VALUES IN (1, 2, 3, 4, 5, 6), PARTITION p1 VALUES IN (NULL, 0, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16))`,
    `PARTITION BY RANGE (${column}) SUBPARTITION BY HASH (${column}) SUBPARTITIONS 2 (PARTITION p0 VALUES LESS THAN (4), PARTITION p1 VALUES LESS THAN MAXVALUE)`,
  ]);
}

/** A part that fills an ALTER TABLE alone. */
function alone(chance: Chance, seen: Seen): string {
  const partition = seen.partitions.length > 0 ? chance.of(seen.partitions) : 'p0';
  const other = chance.of(seen.tables);
  return chance.of([
    partitioning(chance, seen),
    'REMOVE PARTITIONING',
    chance.of([
      `ADD PARTITION PARTITIONS 2`,
      `ADD PARTITION (PARTITION p9 VALUES LESS THAN (1000))`,
      `ADD PARTITION (PARTITION p9 VALUES IN (1000))`,
      `COALESCE PARTITION 1`,
      `REORGANIZE PARTITION ${partition} INTO (PARTITION ${partition} VALUES LESS THAN (2), PARTITION n VALUES LESS THAN (3))`,
      `DROP PARTITION ${partition}`,
      `TRUNCATE PARTITION ${chance.of([partition, 'ALL'])}`,
      `EXCHANGE PARTITION ${partition} WITH TABLE D.${quoted(other)}${chance.of(['', ' WITHOUT VALIDATION', ' WITH VALIDATION'])}`,
    ]),
    `${chance.of(['REBUILD', 'OPTIMIZE', 'ANALYZE', 'CHECK', 'REPAIR'])} PARTITION ${chance.of([partition, 'ALL'])}`,
    `CONVERT TO CHARACTER SET ${chance.of([...charsets, 'DEFAULT'])}${chance.of(['', '', ' COLLATE utf8mb4_bin', ' COLLATE latin1_bin'])}`,
    `CONVERT TO CHARSET ${chance.of(charsets)}`,
    `ORDER BY ${idName} DESC`,
    'FORCE',
    'ENABLE KEYS',
    'DISABLE KEYS',
    'DISCARD TABLESPACE',
  ]);
}

function part(chance: Chance, seen: Seen): string {
  const column = quoted(
    chance.once(20)
      ? chance.of(columnNames)
      : seen.columns.length > 0
        ? chance.of(seen.columns).name
        : idName,
  );
  const columns = [column, ...(chance.once(3) ? [quoted(chance.of(seen.columns).name)] : [])];
  const fresh = quoted(chance.of(columnNames));
  const index = quoted(seen.indexes.length > 0 ? chance.of(seen.indexes) : 'k');
  const constraint = quoted(seen.constraints.length > 0 ? chance.of(seen.constraints) : 'ck');
  const keyName = chance.of(['', '', ' k1', ' k2', ` ${column}`]);
  switch (chance.below(30)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
      return `ADD ${chance.of(['COLUMN ', ''])}${fresh} ${definition(chance, seen)}${place(chance, seen)}`;
    case 5:
      return `ADD ${chance.of(['COLUMN ', ''])}(${fresh} ${definition(chance, seen)}, ${quoted(chance.of(columnNames))} ${definition(chance, seen)})`;
    case 6:
    case 7:
      return `DROP ${chance.of(['COLUMN ', ''])}${column}`;
    case 8:
    case 9:
    case 10:
    case 11:
    case 12:
      return `MODIFY ${chance.of(['COLUMN ', ''])}${column} ${definition(chance, seen)}${place(chance, seen)}`;
    case 13:
    case 14:
      return `CHANGE ${chance.of(['COLUMN ', ''])}${column} ${fresh} ${definition(chance, seen)}${place(chance, seen)}`;
    case 15:
      return `RENAME COLUMN ${column} TO ${fresh}`;
    case 16:
      return `ALTER ${chance.of(['COLUMN ', ''])}${column} ${chance.of([`SET DEFAULT ${chance.of(literalDefaults)}`, 'DROP DEFAULT', 'SET INVISIBLE', 'SET VISIBLE'])}`;
    case 17:
    case 18:
      return `ADD ${chance.of(['INDEX', 'KEY', 'UNIQUE', 'UNIQUE INDEX', 'UNIQUE KEY', 'CONSTRAINT uq UNIQUE', 'FULLTEXT', 'SPATIAL INDEX'])}${keyName}${chance.of(['', '', ' USING BTREE'])} (${chance.of([columns.join(', '), `${column}(2)`, `${column} DESC`, `(${expression(chance, seen)})`])})${chance.of(['', '', " COMMENT 'k'", ' INVISIBLE', ' USING HASH'])}`;
    case 19:
      return `${chance.of(['', '', 'DROP PRIMARY KEY, '])}ADD ${chance.of(['', 'CONSTRAINT pk '])}PRIMARY KEY (${columns.join(', ')})`;
    case 20:
      return chance.of(['DROP PRIMARY KEY', 'DROP CONSTRAINT `PRIMARY`', 'DROP INDEX `PRIMARY`']);
    case 21:
      return `DROP ${chance.of(['INDEX', 'KEY', 'CONSTRAINT'])} ${index}`;
    case 22:
      return chance.of([
        `ALTER INDEX ${index} ${chance.of(['VISIBLE', 'INVISIBLE'])}`,
        `RENAME ${chance.of(['INDEX', 'KEY'])} ${index} TO ${quoted(chance.of(['k1', 'k3', 'uq']))}`,
      ]);
    case 23:
      return `ADD ${chance.of(['', 'CONSTRAINT ', 'CONSTRAINT ck2 '])}CHECK (${chance.of([`${column} IS NULL OR 1`, '1', expression(chance, seen)])})${chance.of(['', ' NOT ENFORCED'])}`;
    case 24:
      return chance.of([
        `DROP ${chance.of(['CHECK', 'CONSTRAINT'])} ${constraint}`,
        `ALTER ${chance.of(['CHECK', 'CONSTRAINT'])} ${constraint} ${chance.of(['NOT ENFORCED', 'ENFORCED'])}`,
      ]);
    case 25:
      return chance.of([
        `ADD ${chance.of(['', 'CONSTRAINT fk '])}FOREIGN KEY (${column}) REFERENCES T (${idName})${chance.of(['', ' ON DELETE CASCADE', ' ON UPDATE SET NULL'])}`,
        `DROP FOREIGN KEY ${constraint}`,
      ]);
    case 26:
      return tableOption(chance);
    case 27:
      return textDefaults(chance);
    case 28:
      return chance.of([
        'ALGORITHM = COPY',
        'ALGORITHM INPLACE',
        'ALGORITHM=INSTANT',
        'LOCK = NONE',
        'LOCK=SHARED',
        'WITHOUT VALIDATION',
        'WITH VALIDATION',
      ]);
    default:
      return alone(chance, seen);
  }
}

/** What a session may have set when it alters a table. */
function session(chance: Chance): string[] {
  const modes = [
    'ANSI_QUOTES',
    'NO_BACKSLASH_ESCAPES',
    'REAL_AS_FLOAT',
    'PIPES_AS_CONCAT',
    'IGNORE_SPACE',
    'NO_ZERO_DATE',
    'NO_ZERO_IN_DATE',
    'ALLOW_INVALID_DATES',
    'PAD_CHAR_TO_FULL_LENGTH',
    'NO_UNSIGNED_SUBTRACTION',
    'HIGH_NOT_PRECEDENCE',
    'NO_AUTO_VALUE_ON_ZERO',
    'TIME_TRUNCATE_FRACTIONAL',
    'ERROR_FOR_DIVISION_BY_ZERO',
    'NO_ENGINE_SUBSTITUTION',
    'ANSI',
  ].filter(() => chance.once(6));
  if (chance.once(2)) modes.push(chance.of(['STRICT_TRANS_TABLES', 'STRICT_ALL_TABLES']));
  const variables = [
    'explicit_defaults_for_timestamp = OFF',
    'foreign_key_checks = 0',
    'unique_checks = 0',
    "time_zone = '+05:30'",
    'old_alter_table = 1',
    'div_precision_increment = 9',
    'default_week_format = 3',
    'sql_generate_invisible_primary_key = ON',
    'innodb_strict_mode = OFF',
    'timestamp = 86400.5',
    'sql_auto_is_null = 1',
    'default_collation_for_utf8mb4 = utf8mb4_general_ci',
    'collation_database = latin1_swedish_ci',
    'auto_increment_increment = 7',
    'collation_connection = utf8mb4_bin',
    "lc_time_names = 'de_DE'",
    'use_secondary_engine = OFF',
    "default_storage_engine = 'MyISAM'",
    'binlog_row_image = MINIMAL',
    'binlog_transaction_compression = ON',
    'binlog_rows_query_log_events = ON',
  ].filter(() => chance.once(14));
  // Not gbk, sjis or binary for our bytes: of labels that the server breaks itself its catalog tells nothing.
  const names = chance.once(8) ? [`SET NAMES ${chance.of(['cp850', 'latin1', 'utf8mb3', 'cp1251'])}`] : [];
  return [`SET sql_mode = '${modes.join(',')}'`, ...variables.map((one) => `SET ${one}`), ...names];
}

export function createTable(chance: Chance): Statement {
  const known: { name: string; type: string; generated: boolean }[] = [
    { name: idName, type: 'int', generated: false },
  ];
  const seen: Seen = { columns: known, indexes: [], constraints: [], partitions: [], tables: ['none'] };
  const lines: string[] = [];
  const key = chance.below(6);
  const idType = chance.of([
    'INT',
    'INT',
    'BIGINT',
    'BIGINT AUTO_INCREMENT',
    'VARCHAR(9)',
    'DECIMAL(6,2)',
    'CHAR(5) COLLATE utf8mb4_bin',
  ]);
  lines.push(`${idName} ${idType} NOT NULL`);
  for (const name of columnNames.slice(0, 2 + chance.below(3))) {
    lines.push(`${quoted(name)} ${definition(chance, seen)}`);
    known.push({ name, type: 'int', generated: false });
  }
  if (key === 0) lines.push(`code VARCHAR(9) NOT NULL`, 'UNIQUE KEY uc (code)');
  lines.push(
    key === 1 ? `code INT NOT NULL DEFAULT 1, PRIMARY KEY (${idName}, code)` : `PRIMARY KEY (${idName})`,
  );
  if (key === 2) lines.push(`INDEX (${idName}), KEY k1 (c1)`);
  const options = [
    chance.once(4) ? textDefaults(chance) : '',
    chance.once(5) ? tableOption(chance) : '',
    chance.once(5) ? partitioning(chance, seen) : '',
  ];
  return {
    session: session(chance),
    head: 'CREATE TABLE T',
    parts: [`(${lines.join(', ')}) ${options.filter(Boolean).join(' ')}`],
  };
}

/** The next statement about the table; `isAlone`: nothing else of its database may be touched. */
export function statement(chance: Chance, seen: Seen, isWhole: boolean): Statement {
  const head = (text: string, ...parts: string[]): Statement => ({
    session: session(chance),
    head: text,
    parts,
  });
  const index = quoted(seen.indexes.length > 0 ? chance.of(seen.indexes) : 'k');
  const column = quoted(chance.of(seen.columns).name);
  const other = quoted(chance.of(seen.tables));
  switch (chance.below(isWhole ? 26 : 20)) {
    case 0:
      return head(`CREATE ${chance.of(['', 'UNIQUE ', 'FULLTEXT '])}INDEX k7 ON T (${column})`);
    case 1:
      return head(`DROP INDEX ${index} ON T`);
    case 2:
      return head(
        chance.of([
          'OPTIMIZE TABLE T',
          'ANALYZE TABLE T',
          'REPAIR TABLE T',
          'CHECK TABLE T',
          'OPTIMIZE TABLE T',
        ]),
      );
    case 3:
      return head('ALTER TABLE T', alone(chance, seen));
    case 4:
      return chance.once(3) ? head('TRUNCATE TABLE T') : head('ALTER TABLE T', alone(chance, seen));
    case 20:
      return head(`RENAME TABLE T TO D.${quoted(`${chance.of(seen.tables)}_r`)}`);
    case 21:
      return head(`RENAME TABLE T TO D.swap, D.${other} TO T, D.swap TO D.${other}`);
    case 22:
      return head(
        'ALTER TABLE T',
        `RENAME ${chance.of(['TO', 'AS', ''])} D.${quoted(`${chance.of(seen.tables)}_r`)}`,
        ...(chance.once(2) ? [part(chance, seen)] : []),
      );
    case 23:
      return head(
        chance.of([
          `CREATE TABLE D.${quoted(`${chance.of(seen.tables)}_l`)} LIKE T`,
          `CREATE TABLE D.${quoted(`${chance.of(seen.tables)}_s`)} (PRIMARY KEY (${idName})) AS SELECT * FROM T`,
          `CREATE TABLE D.${quoted(`${chance.of(seen.tables)}_k`)} SELECT * FROM T`,
        ]),
      );
    case 24:
      return head('DROP TABLE T');
    case 25:
      return {
        ...createTable(chance),
        head: `CREATE TABLE ${chance.of(['', 'IF NOT EXISTS '])}D.${quoted(`${chance.of(seen.tables)}_n`)}`,
      };
    default: {
      const parts = Array.from({ length: chance.of([1, 1, 1, 2, 2, 3, 4]) }, () => part(chance, seen));
      return head('ALTER TABLE T', ...parts);
    }
  }
}
