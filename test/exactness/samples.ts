import fc from 'fast-check';
import type { CellType } from '../../src/shared/task.js';
import { big, bit, double, json, literal, moment, printed, text, utf8, whole } from './values.js';

/** A cell type that a column may become, and what its cell must then hold, worked out from what MySQL prints. */
export interface Target {
  readonly cell: CellType;
  readonly unit?: 'ms' | 'us';
  /** What MySQL is asked to print in place of the column. */
  readonly print?: (column: string) => string;
  /** The cell as `TYPE value`; null: no such cell holds the value, and the row is dirty. */
  readonly expect: (bytes: Buffer) => string | null;
  /** Some values of the type have no such cell. Random ones then come from here. */
  readonly fitting?: fc.Arbitrary<string>;
}

export interface Sample {
  /** The column's type as CREATE TABLE has it. */
  readonly type: string;
  /** SQL expressions. */
  readonly corners: readonly string[];
  readonly random: fc.Arbitrary<string>;
  /** The default first. */
  readonly targets: readonly Target[];
  /** Cell types that it may have as a key. */
  readonly keys?: readonly CellType[];
}

const integer: Target = { cell: 'INTEGER', expect: printed.integer };
const string: Target = { cell: 'STRING', expect: printed.string };
const binary: Target = { cell: 'BINARY', expect: printed.binary };
const real: Target = { cell: 'DOUBLE', expect: printed.double };
const flag: Target = { cell: 'BOOLEAN', print: (c) => `${c} <> 0`, expect: printed.boolean };

/** Around the whole numbers past which a double has gaps. */
const exactEnds = [2n ** 53n, -(2n ** 53n)].flatMap((end) => [end - 1n, end, end + 1n]);

function integers(type: string, least: bigint, most: bigint): Sample {
  const isBig = most > 2n ** 53n;
  return {
    type,
    corners: [...new Set([least, -1n, 0n, 1n, most, most - 1n, ...(isBig ? exactEnds : [])])]
      .filter((n) => n >= least)
      .map(String),
    random: big(least, most),
    targets: [
      { ...integer, ...(most > 2n ** 63n && { fitting: big(0n, 2n ** 63n - 1n) }) },
      string,
      { cell: 'DOUBLE', expect: printed.exactDouble, ...(isBig && { fitting: big(0n, 2n ** 53n) }) },
      flag,
    ],
    keys: most > 2n ** 63n ? ['STRING'] : ['INTEGER', 'STRING'],
  };
}

function decimals(type: string, digits: number, scale: number, corners: string[]): Sample {
  const integerTarget: Target = { ...integer, fitting: big(-(10n ** 18n), 10n ** 18n) };
  return {
    type,
    corners: ['0', '-0', '1', '-1', ...corners],
    random: fc
      .tuple(fc.boolean(), whole(digits - scale), whole(scale))
      .map(([minus, a, b]) => `${minus ? '-' : ''}${a}${scale ? `.${b}` : ''}`),
    targets: [string, real, ...(scale === 0 ? [integerTarget] : [])],
    keys: ['STRING'],
  };
}

function texts(type: string, charset: string, corners: string[] = []): Sample {
  return {
    type: `${type} CHARACTER SET ${charset}`,
    corners: ["''", "' '", "'a  '", "'A'", utf8(charset, 'é€日本中文ß\u0000\n\t"\\'), ...corners],
    random: text(charset),
    // As bytes they stay in their charset.
    targets: [string, { ...binary, print: (c) => `CAST(${c} AS BINARY)` }],
    // As text it is a key; a prefix of a TEXT column is none.
    ...(/^(VAR)?CHAR/.test(type) && { keys: ['STRING', 'BINARY'] as const }),
  };
}

function bytes(type: string, length: number): Sample {
  const hex = fc.uint8Array({ maxLength: length }).map((b) => literal(Buffer.from(b)));
  return {
    type,
    corners: ["''", "x'00'", "x'0000'", "x'610000'", "x'ff00fe'", "x'e697a5'", "x'20'", "x'c3'"],
    random: hex,
    targets: [
      binary,
      {
        cell: 'STRING',
        expect: printed.utf8OrNothing,
        fitting: fc
          .string({ maxLength: Math.floor(length / 4), unit: 'binary' })
          .map((s) => literal(Buffer.from(s, 'utf8'))),
      },
    ],
    ...(/BINARY/.test(type) && { keys: ['BINARY', 'STRING'] as const }),
  };
}

function bits(size: number): Sample {
  const most = 2n ** BigInt(size) - 1n;
  const number: Target = {
    ...integer,
    print: (c) => `${c} + 0`,
    ...(size === 64 && { fitting: bit(2n ** 63n - 1n) }),
  };
  const others: Target[] = [{ cell: 'STRING', print: (c) => `${c} + 0`, expect: printed.string }, binary];
  return {
    type: `BIT(${size})`,
    corners: ['0', '1', String(most), String(most >> 1n), String((most >> 1n) + 1n)],
    random: bit(most),
    targets: size === 1 ? [flag, number, ...others] : [number, flag, ...others],
    ...(size !== 64 && { keys: ['INTEGER', 'STRING', 'BINARY'] as const }),
  };
}

function temporal(type: string, corners: string[], random: fc.Arbitrary<string>): Sample {
  const isTime = type.startsWith('TIME(') || type === 'TIME';
  // MySQL counts no 29 February in the year 0000; the calendar of everybody else does.
  const micros = (c: string) =>
    isTime
      ? `TIME_TO_SEC(${c}) * 1000000 + MICROSECOND(${c}) * IF(${c} < CAST('00:00:00' AS TIME), -1, 1)`
      : `IF(MONTH(${c}) = 0 OR DAY(${c}) = 0 OR DAY(${c}) > DAY(LAST_DAY(${c})), 'none', TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', ${c}) - IF(YEAR(${c}) = 0 AND MONTH(${c}) < 3, 86400000000, 0))`;
  const epoch = (unit: 'ms' | 'us'): Target => ({
    cell: 'INTEGER',
    unit,
    print: micros,
    expect: (text) => printed.epoch(text, unit),
    fitting: random,
  });
  return {
    type,
    corners: corners.map((one) => `'${one}'`),
    random,
    targets: [string, epoch('ms'), epoch('us')],
    keys: ['STRING'],
  };
}

const many = Array.from({ length: 64 }, (_, i) => `m${i}`);
const labels = ["'a,b'", "'c'", "'it''s'", "'日本'", "'A B '", "''"];
const members = (list: readonly string[]) => list.map((one) => `'${one}'`).join(',');

const wkt = [
  'POINT(1 2)',
  'POINT(-0.1 1e300)',
  'LINESTRING(0 0, 1 1, 2 2)',
  'POLYGON((0 0, 10 0, 10 10, 0 10, 0 0),(1 1, 2 1, 2 2, 1 2, 1 1))',
  'MULTIPOINT((1 1),(2 2))',
  'MULTILINESTRING((0 0,1 1),(2 2,3 3))',
  'MULTIPOLYGON(((0 0,0 3,3 3,3 0,0 0)),((5 5,5 6,6 6,6 5,5 5)))',
  'GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))',
  'GEOMETRYCOLLECTION EMPTY',
];
function geometry(type: string, shapes: string[]): Sample {
  const random = fc
    .tuple(
      fc.integer({ min: -80, max: 80 }),
      fc.double({ min: -90, max: 90, noNaN: true }),
      fc.constantFrom(0, 4326),
    )
    .map(([x, y, srid]) => `ST_GeomFromText('POINT(${x} ${y.toFixed(9)})', ${srid})`);
  return {
    type,
    corners: shapes.flatMap((shape) => [
      `ST_GeomFromText('${shape}')`,
      ...(shape.includes('e300') ? [] : [`ST_GeomFromText('${shape}', 4326)`]),
    ]),
    random:
      type === 'GEOMETRY' || type === 'POINT'
        ? random
        : fc.constantFrom(...shapes.map((s) => `ST_GeomFromText('${s}', 3857)`)),
    targets: [binary],
  };
}

const dates = [
  '0000-00-00',
  '1000-01-01',
  '9999-12-31',
  '1969-12-31',
  '1970-01-01',
  '2024-02-29',
  '2024-00-00',
  '2024-05-00',
  '0001-01-01',
  '0000-01-01',
];
const at = (part: string) =>
  dates.map((date) => (date === '0000-00-00' ? `${date} 00:00:00` : `${date} ${part}`));
const times = [
  '00:00:00',
  '-00:00:01',
  '838:59:59',
  '-838:59:59',
  '24:00:00',
  '-25:01:02',
  '99:59:59',
  '100:00:00',
];
const fractions = [
  '00:00:00.000001',
  '-00:00:00.000001',
  '-00:00:01.5',
  '-00:00:00.999999',
  '12:34:56.789012',
  '-838:59:58.999999',
];
const stamps = [
  '0000-00-00 00:00:00',
  '1970-01-01 00:00:01',
  '2038-01-19 03:14:07',
  '2024-02-29 23:59:59.5',
  '2000-01-01 00:00:00.000001',
];

/** Every type that MySQL has, with each variation that is stored, printed or logged in a way of its own. */
export const samples: readonly Sample[] = [
  integers('TINYINT', -128n, 127n),
  integers('TINYINT UNSIGNED', 0n, 255n),
  integers('SMALLINT', -32768n, 32767n),
  integers('SMALLINT UNSIGNED', 0n, 65535n),
  integers('MEDIUMINT', -8388608n, 8388607n),
  integers('MEDIUMINT UNSIGNED', 0n, 16777215n),
  integers('INT', -2147483648n, 2147483647n),
  integers('INT UNSIGNED', 0n, 4294967295n),
  integers('INT(9) ZEROFILL', 0n, 4294967295n),
  integers('BIGINT', -(2n ** 63n), 2n ** 63n - 1n),
  integers('BIGINT UNSIGNED', 0n, 2n ** 64n - 1n),
  decimals('DECIMAL(10,2)', 10, 2, ['99999999.99', '-99999999.99', '0.01', '-0.01', '12.340']),
  decimals('DECIMAL(65,30)', 65, 30, [`${'9'.repeat(35)}.${'9'.repeat(30)}`, `-0.${'0'.repeat(29)}1`]),
  decimals('DECIMAL(38,0)', 38, 0, [
    '9'.repeat(38),
    '-9223372036854775808',
    '9223372036854775807',
    '9223372036854775808',
  ]),
  decimals('DECIMAL(9,9)', 9, 9, ['0.999999999', '-0.000000001']),
  {
    ...decimals('DECIMAL(12,3) UNSIGNED ZEROFILL', 12, 3, ['1.5']),
    random: fc.nat(99999999).map((n) => String(n / 1000)),
  },
  {
    type: 'FLOAT',
    corners: [
      '0',
      '-0e0',
      '0.1',
      '16777217',
      '3.4028234e38',
      '-3.4028234e38',
      '1.4e-45',
      '1.17549435e-38',
      '1e-40',
      '123456.789',
    ],
    random: fc.float({ noNaN: true, noDefaultInfinity: true }).map(double),
    targets: [{ ...real, print: (c) => `${c} * 1e0` }],
  },
  {
    type: 'DOUBLE',
    corners: [
      '0',
      '-0e0',
      '0.1',
      '1.7976931348623157e308',
      '-1.7976931348623157e308',
      '5e-324',
      '2.2250738585072014e-308',
      '9007199254740993',
      '1e15',
      '1e16',
      '123456789012345678',
    ],
    random: fc.double({ noNaN: true, noDefaultInfinity: true }).map(double),
    targets: [real],
  },
  {
    type: 'FLOAT(7,3)',
    corners: ['0', '1.0005', '-9999.999', '0.001'],
    random: fc.integer({ min: -9999999, max: 9999999 }).map((n) => String(n / 1000)),
    targets: [{ ...real, print: (c) => `${c} * 1e0` }],
  },
  bits(1),
  bits(8),
  bits(13),
  bits(63),
  bits(64),
  {
    type: 'YEAR',
    corners: ['0', '1901', '2155', '1970', "'0000'", "'70'"],
    random: fc.integer({ min: 1901, max: 2155 }).map(String),
    targets: [{ ...integer, print: (c) => `${c} + 0` }, string],
    keys: ['INTEGER', 'STRING'],
  },
  temporal('DATE', dates, moment.date),
  temporal('TIME', times, moment.time),
  temporal('TIME(3)', [...times, ...fractions], moment.time),
  temporal('TIME(6)', [...times, ...fractions], moment.time),
  temporal('DATETIME', at('23:59:59'), moment.datetime),
  temporal('DATETIME(1)', at('12:00:00.9'), moment.datetime),
  temporal('DATETIME(6)', at('00:00:00.000001'), moment.datetime),
  temporal('TIMESTAMP', stamps, moment.timestamp),
  temporal('TIMESTAMP(4)', stamps, moment.timestamp),
  temporal('TIMESTAMP(6)', stamps, moment.timestamp),
  texts('VARCHAR(40)', 'utf8mb4', [utf8('utf8mb4', '😀𠀀'), utf8('utf8mb4', 'a\u0301')]),
  texts('VARCHAR(40)', 'utf8mb3'),
  texts('VARCHAR(40)', 'latin1'),
  texts('VARCHAR(40)', 'gbk'),
  texts('CHAR(40)', 'utf8mb4', [utf8('utf8mb4', '😀')]),
  texts('CHAR(40)', 'sjis'),
  texts('CHAR(90)', 'utf16'),
  texts('CHAR(40)', 'ascii'),
  texts('VARCHAR(40)', 'utf8mb4 COLLATE utf8mb4_bin'),
  texts('TINYTEXT', 'cp932'),
  texts('TEXT', 'ucs2'),
  texts('MEDIUMTEXT', 'utf32', ["REPEAT('長', 70000)"]),
  texts('LONGTEXT', 'utf8mb4', ["REPEAT('x', 300000)"]),
  {
    type: `ENUM(${labels.join(',')})`,
    corners: [...labels.slice(0, 5), '0', '6', "'not one'"],
    random: fc.constantFrom(...labels.slice(0, 5)),
    targets: [string],
    keys: ['STRING'],
  },
  {
    type: "ENUM('中','文字','x') CHARACTER SET gbk",
    corners: ["'中'", "'文字'", '0', "'x'"],
    random: fc.constantFrom("'中'", "'文字'", "'x'"),
    targets: [string],
    keys: ['STRING'],
  },
  {
    type: `ENUM(${members(Array.from({ length: 300 }, (_, i) => `e${i}`))})`,
    corners: ["'e0'", "'e254'", "'e255'", "'e299'", '0'],
    random: fc.nat(299).map((i) => `'e${i}'`),
    targets: [string],
    keys: ['STRING'],
  },
  {
    type: "SET('a','b','Ж')",
    corners: ["''", "'a'", "'a,b,Ж'", "'Ж,a'", '0'],
    random: fc.nat(7).map(String),
    targets: [string],
    keys: ['STRING'],
  },
  {
    type: "SET('','a','Ж')",
    corners: ["''", '0', '1', '2', '3', '5', '6', '7'],
    random: fc.nat(7).map(String),
    targets: [string],
  },
  {
    type: `SET(${members(many)})`,
    corners: ["''", "'m63'", "'m0,m63'", `'${many.join(',')}'`, "'m31,m32'"],
    random: bit(2n ** 64n - 1n),
    targets: [string],
    keys: ['STRING'],
  },
  bytes('BINARY(12)', 12),
  bytes('VARBINARY(40)', 40),
  bytes('TINYBLOB', 200),
  { ...bytes('BLOB', 400), corners: ["''", "x'00ff'", "REPEAT(x'00ff', 30000)"] },
  { ...bytes('MEDIUMBLOB', 100), corners: ["''", "REPEAT(x'ff', 200000)"] },
  bytes('LONGBLOB', 100),
  { type: 'JSON', corners: json.corners, random: json.random, targets: [string] },
  {
    type: 'VECTOR(3)',
    corners: ["STRING_TO_VECTOR('[0, -1.5, 3.4e38]')", "STRING_TO_VECTOR('[1]')"],
    random: fc
      .array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 3 })
      .map((v) => `STRING_TO_VECTOR('[${v.join(',')}]')`),
    targets: [binary],
  },
  geometry('GEOMETRY', wkt),
  geometry('POINT', wkt.slice(0, 1)),
  geometry('LINESTRING', wkt.slice(2, 3)),
  geometry('POLYGON', wkt.slice(3, 4)),
  geometry('MULTIPOINT', wkt.slice(4, 5)),
  geometry('MULTILINESTRING', wkt.slice(5, 6)),
  geometry('MULTIPOLYGON', wkt.slice(6, 7)),
  geometry('GEOMETRYCOLLECTION', wkt.slice(7)),
];

/** The text columns of a server's charsets: one value with every character of the Basic Plane and many beyond. */
export function charsetSample(charset: string, bytesOfOne: number): Sample {
  const all: string[] = [];
  for (let code = 0; code < 0x20000; code++)
    if (code < 0xd800 || code > 0xdfff) all.push(String.fromCodePoint(code));
  const pieces = [];
  for (let from = 0; from < all.length; from += 40_000)
    pieces.push(utf8(charset, all.slice(from, from + 40_000).join('')));
  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  return {
    type: `MEDIUMTEXT CHARACTER SET ${charset}`,
    corners: [
      "''",
      ...pieces,
      ...(bytesOfOne === 1 && charset !== 'ascii' ? [`_${charset} ${literal(everyByte)}`] : []),
    ],
    random: text(charset),
    targets: [string],
  };
}
