/** A table of every type with values that are seldom thought of, and conditions on its columns. */

export type Random = () => number;

/** Deterministic by seed; the next number is in [0, 1). */
export function randomOf(seed: number): Random {
  let state = Math.imul(seed, 2654435761) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)]!;

const numbers = ['0', '1', '-1', '5', '100'];
/** Column → its type and values in SQL. */
export const columns: Record<string, readonly [type: string, values: readonly string[]]> = {
  ts: [
    'TIMESTAMP(6) NULL',
    ["'2020-01-01 10:00:00.123456'", "'1970-01-01 00:00:01'", "'0000-00-00'", "'2038-01-19 03:14:07'"],
  ],
  t: ['TIME(2)', ["'-838:59:59'", "'00:00:00.5'", "'12:34:56'", "'100:00:00'", "'00:00:00'"]],
  y: ['YEAR', ['0', '1970', '2020', '2155', '2000']],
  dbl: ['DOUBLE', ['0', '-0e0', '0.1', '-1.5e300', '3', '1e-7', '9007199254740993']],
  dbl2: ['DOUBLE(10,2)', ['0', '1.5', '-0.004', '12.505', '99999999.99']],
  f: ['FLOAT', ['0.1', '1.1', '-3', '16777217', '1e-40', '-0e0']],
  f3: ['FLOAT(8,3)', ['1.1', '0.0005', '-2', '99999.999']],
  vb: ['VARBINARY(8)', ["'a'", "''", '0x00ff', "'A'", "'10'", "'-1'"]],
  fixed: ['BINARY(4)', ["'a'", "''", '0x00ff', "'abcd'", "'10'"]],
  bl: ['BLOB', ["'ab'", "''", '0xfffe', "'1e1'", "'2020-01-01'"]],
  c: ['CHAR(8) CHARACTER SET latin1', ["'a'", "'A '", "''", "'10abc'", "'ß'", "'é'", '_latin1 0x81']],
  txt: [
    'TEXT COLLATE utf8mb4_general_ci',
    ["'It''s'", "'10'", "'1e1'", "'  5'", "'中文'", "'a%b'", "'a_b'", "'\\\\'", "'2020-01-01'", "'😀'"],
  ],
  vc: [
    'VARCHAR(20) COLLATE utf8mb4_0900_as_cs',
    ["'a '", "'a'", "'A'", "'1.0'", "'0'", "'2020-02-30'", "'12:34:56'"],
  ],
  g: ['VARCHAR(8) CHARACTER SET gbk', ["'中'", "'a'", "'A'", "''"]],
  jp: ['VARCHAR(8) CHARACTER SET cp932', ["'あ'", "'a'", '_cp932 0xed40', '_cp932 0xfa5c']],
  b: ['BIT(8)', ["b'0'", "b'1'", "b'11111111'", '0x31']],
  wide: ['BIT(64)', ["b'0'", '0xffffffffffffffff', '0x3135']],
  flag: ['BIT(1)', ["b'0'", "b'1'"]],
  se: ["SET('x','y','z')", ["''", "'x'", "'x,z'", "'y,z'"]],
  e: ["ENUM('a','B','ss')", ["'a'", "'B'", '0', "'ss'"]],
  j: [
    'JSON',
    [
      '\'{"a": 1, "b": "x"}\'',
      "'[1, 2.50, null]'",
      '\'"s"\'',
      "'null'",
      "JSON_OBJECT('a', 12.340, 'b', CAST('2020-01-01' AS DATE))",
      "JSON_OBJECT('a', CAST(5 AS UNSIGNED), 'b', x'00ff')",
      "JSON_ARRAY(CAST('10:00:00.5' AS TIME(6)), 1e0, -0e0)",
      'CAST(1.0 AS JSON)',
      "CAST('5' AS JSON)",
      'CAST(18446744073709551615 AS JSON)',
    ],
  ],
  u: ['BIGINT UNSIGNED', ['0', '18446744073709551615', '5', '9223372036854775808']],
  big: ['BIGINT', ['-1', '-9223372036854775808', '9223372036854775807', '0']],
  n: ['INT', ['-7', '0', '5', '2147483647', '20200101']],
  s8: ['TINYINT UNSIGNED', ['0', '1', '255']],
  d: ['DECIMAL(10,2)', ['-0.50', '12345.67', '0.00', '99999999.99', '1.00']],
  d30: ['DECIMAL(40,30)', ['0.000000000000000000000000000001', '-1', '1.5']],
  day: ['DATE', ["'2020-01-01'", "'0000-00-00'", "'1000-01-01'", "'9999-12-31'", "'2020-00-10'"]],
  at: [
    'DATETIME(1)',
    [
      "'2020-01-01 10:00:00'",
      "'2020-01-01 08:00:00'",
      "'0000-00-00'",
      "'9999-12-31 23:59:59.9'",
      "'2020-01-01'",
    ],
  ],
};
const names = Object.keys(columns);
/** Labels are compared with texts alone. */
const free = names.filter((name) => name !== 'e' && name !== 'se');

export function createTable(table: string): string {
  return `CREATE TABLE ${table} (id INT PRIMARY KEY, ${names.map((name) => `${name} ${columns[name]![0]}`).join(', ')})`;
}

/** Values of one row, behind its id. */
export function randomRow(random: Random): string[] {
  return names.map((name) => (random() < 0.08 ? 'NULL' : pick(random, columns[name]![1])));
}

export const assignments = (row: readonly string[]) =>
  names.map((name, i) => `${name} = ${row[i]}`).join(', ');

const constants = [
  ...numbers,
  '1.5',
  '0.1',
  '1.1',
  '1e0',
  '18446744073709551615',
  '-9223372036854775808',
  "'a'",
  "'A'",
  "''",
  "'10'",
  "'1.5'",
  "'20'",
  "'x,z'",
  "'中'",
  "'é'",
  'NULL',
  'TRUE',
  "'2020-01-01'",
  "'2020-02-30'",
  "'2020-01-01 10:00:00.123456'",
  "'2020-01-01 10:00:00+02:00'",
  "'2039-01-01 00:00:00'",
  "'12:34:56'",
  '20200101',
  "'2020'",
  "x'61'",
  "b'1'",
  "N'a'",
  "_latin1'a'",
  "DATE '2020-01-01'",
  "TIMESTAMP '2020-01-01 10:00:00'",
  "TIME '12:34:56'",
  "'{}'",
];

export function operand(random: Random, depth = 0): string {
  const one = () => pick(random, free);
  const inner = () => (depth < 2 && random() < 0.3 ? operand(random, depth + 1) : one());
  const any = () => (random() < 0.4 ? pick(random, constants) : inner());
  return pick(random, [
    one,
    one,
    one,
    () => pick(random, constants),
    () => `LENGTH(${inner()})`,
    () => `CHAR_LENGTH(${inner()})`,
    () => `LOWER(${inner()})`,
    () => `CONCAT(${inner()})`,
    () => `CONCAT(${one()}, ${any()})`,
    () => `IFNULL(${one()}, ${any()})`,
    () => `COALESCE(${one()}, ${any()})`,
    () => `NULLIF(${any()}, ${any()})`,
    () => `HEX(${inner()})`,
    () => `CAST(${inner()} AS CHAR)`,
    () =>
      `CAST(${inner()} AS ${pick(random, ['SIGNED', 'UNSIGNED', 'DECIMAL(10,2)', 'DATE', 'DATETIME(2)', 'TIME', 'DOUBLE', 'YEAR', 'BINARY', 'JSON'])})`,
    () => `${pick(random, ['LEAST', 'GREATEST'])}(${one()}, ${any()})`,
    () => `(${any()} ${pick(random, ['+', '-', '*', '/', 'DIV', 'MOD', '%', '&', '|', '^', '<<'])} ${any()})`,
    () => `LEFT(${inner()}, 2)`,
    () => `SUBSTRING(${inner()} FROM 2 FOR 3)`,
    () => `TRIM(LEADING ${pick(random, ["'a'", "'0'", "' '"])} FROM ${inner()})`,
    () =>
      `EXTRACT(${pick(random, ['YEAR', 'MINUTE_SECOND', 'DAY_HOUR'])} FROM ${pick(random, ['ts', 'at', 'day', 't'])})`,
    () => `CASE WHEN ${one()} > ${pick(random, constants)} THEN ${one()} ELSE ${any()} END`,
    () => `IF(n > 0, ${one()}, ${any()})`,
    () => `j->'$.${pick(random, ['a', 'b'])}'`,
    () => `j->>'$.${pick(random, ['a', 'b'])}'`,
    () => "j->'$[0]'",
    () => `JSON_TYPE(${pick(random, ['j', "j->'$.a'", "j->'$.b'", "j->'$[0]'"])})`,
    () => 'JSON_LENGTH(j)',
    () =>
      `${pick(random, ['at', 'ts', 'day', 't'])} + INTERVAL ${pick(random, ['1 DAY', '1.5 SECOND', "'1:1' MINUTE_SECOND"])}`,
    () => `DATE_FORMAT(${one()}, '%Y-%m')`,
    () => `TIME_TO_SEC(t)`,
    () => 'UNIX_TIMESTAMP(ts)',
    () => `CRC32(${inner()})`,
    () => `BIT_COUNT(${one()})`,
    () => `FIELD(${one()}, ${any()}, ${any()})`,
    () => `ROUND(${one()}, 1)`,
    () => `-${one()}`,
    () => `FORMAT(${one()}, 1)`,
    () => `REPLACE(${one()}, 'a', 'b')`,
    () => `INTERVAL(${one()}, 1, 15)`,
  ])();
}

export function predicate(random: Random): string {
  const name = () => pick(random, free);
  const comparison = () => pick(random, ['=', '<>', '<', '<=', '>', '>=', '<=>']);
  const constant = () => pick(random, constants);
  const not = () => pick(random, ['', 'NOT ']);
  return pick(random, [
    () => `${operand(random)} ${comparison()} ${operand(random)}`,
    () => `${operand(random)} ${comparison()} ${operand(random)}`,
    () => `${name()} ${comparison()} ${constant()}`,
    () => `${name()} ${comparison()} ${constant()}`,
    () => `${name()} ${comparison()} ${name()}`,
    () => `${name()} ${not()}IN (${constant()}, ${constant()}, ${constant()})`,
    () => `${operand(random)} ${not()}IN (${operand(random)}, ${constant()})`,
    () => `${name()} ${not()}BETWEEN ${constant()} AND ${constant()}`,
    () => `${operand(random)} ${not()}BETWEEN ${operand(random)} AND ${operand(random)}`,
    () => `${name()} LIKE ${pick(random, ["'a%'", "'%5'", "'_'", "'1%'", "'a\\%b'", "'%.50'", "'%0'"])}`,
    () => `${name()} ${not()}REGEXP ${pick(random, ["'^[a-z]'", "'b$'", "'0'"])}`,
    () => `${name()} IS ${not()}${pick(random, ['NULL', 'TRUE', 'UNKNOWN'])}`,
    () => `e ${pick(random, ['=', '<>', 'LIKE'])} ${pick(random, ["'a'", "'A'", "'b'", "''", "'s'"])}`,
    () => `se ${pick(random, ['=', '<>', 'LIKE'])} ${pick(random, ["'x'", "'x,z'", "'z,x'", "''", "'%z'"])}`,
    () => `${pick(random, ['c', 'txt', 'vc'])} COLLATE utf8mb4_bin = 'a'`,
    () => `NOT ${name()}`,
    name,
  ])();
}

/** A condition as its parts and what joins them, so that the part at fault can be found. */
export interface Condition {
  readonly sql: string;
  readonly parts: readonly string[];
}

export function randomCondition(random: Random): Condition {
  const parts = random() < 0.25 ? [predicate(random), predicate(random)] : [predicate(random)];
  const joined = pick(random, ['AND', 'OR', 'XOR', 'AND NOT']);
  return { sql: parts.length === 1 ? parts[0]! : `(${parts[0]}) ${joined} (${parts[1]})`, parts };
}

/** Conditions that once meant something else here, asked of each table before those that chance gives. */
export const onceWrong = [
  "b = 'A'",
  "b <=> 'é'",
  "wide = '15'",
  "flag = 'A'",
  "f = '1.1'",
  "y = '20'",
  "d = 'a'",
  'c = vb',
  'j',
  'NOT j',
  "(HEX(flag) <=> CHAR_LENGTH(dbl)) OR (f NOT REGEXP 'b$')",
];
