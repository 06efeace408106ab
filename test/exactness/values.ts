import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';

/** How values are written in SQL, and what a cell must hold when MySQL prints them so. */

/** The cell that a printed value stands for, as `TYPE value`; null where no cell of that type holds it. */
export const printed = {
  integer(bytes: Buffer): string | null {
    const value = BigInt(bytes.toString('latin1'));
    return value >= -(2n ** 63n) && value < 2n ** 63n ? `INTEGER ${value}` : null;
  },
  string: (bytes: Buffer): string => `STRING ${bytes.toString('hex')}`,
  binary: (bytes: Buffer): string => `BINARY ${bytes.toString('hex')}`,
  utf8OrNothing: (bytes: Buffer): string | null => (isUtf8(bytes) ? printed.string(bytes) : null),
  boolean: (bytes: Buffer): string => `BOOLEAN ${bytes.toString('latin1') !== '0'}`,
  double: (bytes: Buffer): string => cellOfDouble(Number(bytes.toString('latin1'))),
  exactDouble(bytes: Buffer): string | null {
    const value = BigInt(bytes.toString('latin1'));
    return BigInt(Number(value)) === value ? cellOfDouble(Number(value)) : null;
  },
  epoch(bytes: Buffer, unit: 'ms' | 'us'): string | null {
    const text = bytes.toString('latin1');
    if (text === 'none') return null;
    const micros = BigInt(text.replace(/\.0+$/, ''));
    const floor = micros >= 0n ? micros / 1000n : -((-micros + 999n) / 1000n);
    return `INTEGER ${unit === 'us' ? micros : floor}`;
  },
};

/** All 64 bits, so that -0 is not 0. */
export function cellOfDouble(value: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return `DOUBLE ${bytes.toString('hex')}`;
}

export const literal = (bytes: Buffer): string => (bytes.length === 0 ? "''" : `x'${bytes.toString('hex')}'`);

/** Text in a charset; what the charset does not have becomes a question mark, as MySQL does it. */
export function utf8(charset: string, value: string): string {
  if (value === '') return "''";
  return `CONVERT(_utf8mb4 x'${Buffer.from(value, 'utf8').toString('hex')}' USING ${charset.split(' ')[0]!})`;
}

const alphabet = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) },
  { weight: 2, arbitrary: fc.integer({ min: 0xa0, max: 0x4ff }) },
  { weight: 3, arbitrary: fc.integer({ min: 0x3000, max: 0x9fff }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 0x1f }) },
  { weight: 1, arbitrary: fc.integer({ min: 0xe000, max: 0x2ffff }) },
);
export const text = (charset: string): fc.Arbitrary<string> =>
  fc
    .array(alphabet, { maxLength: 20 })
    .map((codes) => utf8(charset, codes.map((code) => String.fromCodePoint(code)).join('')));

/** Numbers near the ends as often as between them. */
export const big = (least: bigint, most: bigint): fc.Arbitrary<string> =>
  fc.oneof(fc.bigInt({ min: least, max: most }), fc.bigInt({ min: -300n, max: 300n })).map((value) => {
    const inside = value < least ? least : value > most ? most : value;
    return String(inside);
  });

export const bit = (most: bigint): fc.Arbitrary<string> => fc.bigInt({ min: 0n, max: most }).map(String);

/** Up to so many decimal digits. */
export const whole = (digits: number): fc.Arbitrary<string> =>
  digits === 0
    ? fc.constant('0')
    : fc
        .array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: digits })
        .map((all) => all.join(''));

/** A number literal that MySQL takes for a DOUBLE. */
export const double = (value: number): string =>
  `${Object.is(value, -0) ? '-0' : String(value)}${/e/.test(String(value)) ? '' : 'e0'}`;

const pad = (value: number, size = 2) => String(value).padStart(size, '0');
const number = (min: number, max: number) => fc.integer({ min, max });
const clock = fc
  .tuple(number(0, 23), number(0, 59), number(0, 59), number(0, 999_999))
  .map(([h, m, s, us]) => `${pad(h)}:${pad(m)}:${pad(s)}.${pad(us, 6)}`);
const day = fc
  .tuple(number(1, 9998), number(1, 12), number(1, 28))
  .map(([y, m, d]) => `${pad(y, 4)}-${pad(m)}-${pad(d)}`);
/** Quoted dates and times, all of them in the calendar. */
export const moment = {
  date: day.map((date) => `'${date}'`),
  datetime: fc.tuple(day, clock).map(([date, time]) => `'${date} ${time}'`),
  // Late enough that no time zone of a session makes it a time before the first second, which is none.
  timestamp: fc
    .tuple(number(86_400, 2_147_483_000), number(0, 999_999))
    .map(
      ([seconds, us]) =>
        `'${new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')}.${pad(us, 6)}'`,
    ),
  time: fc
    .tuple(fc.boolean(), number(0, 838), number(0, 59), number(0, 58), number(0, 999_999))
    .map(([minus, h, m, s, us]) => `'${minus ? '-' : ''}${pad(h)}:${pad(m)}:${pad(s)}.${pad(us, 6)}'`),
};

const asJson = (value: string): string =>
  `CAST(CONVERT(_utf8mb4 x'${Buffer.from(value, 'utf8').toString('hex')}' USING utf8mb4) AS JSON)`;
/** Values that JSON text cannot say: MySQL keeps their types inside a document. */
const opaque = [
  'CAST(18446744073709551615 AS JSON)',
  'CAST(12.340 AS JSON)',
  `CAST(-0.${'0'.repeat(29)}1 AS JSON)`,
  `CAST(${'9'.repeat(65)} AS JSON)`,
  "CAST(CAST('2024-02-29' AS DATE) AS JSON)",
  "CAST(CAST('0000-00-00' AS DATE) AS JSON)",
  "CAST(CAST('2024-02-29 12:34:56.000001' AS DATETIME(6)) AS JSON)",
  "CAST(TIMESTAMP'2024-02-29 12:34:56' AS JSON)",
  "CAST(CAST('-838:59:59' AS TIME) AS JSON)",
  "CAST(CAST('-00:00:00.5' AS TIME(1)) AS JSON)",
  "CAST(x'00ff10' AS JSON)",
  "CAST(CAST('' AS BINARY) AS JSON)",
  "CAST(REPEAT(x'00ff', 200) AS JSON)",
  "CAST(b'101' AS JSON)",
  "CAST(ST_GeomFromText('POINT(1 2)') AS JSON)",
  'CAST(1e0 AS JSON)',
  'CAST(-0e0 AS JSON)',
  'CAST(1e100 AS JSON)',
  'CAST(5e-324 AS JSON)',
];
export const json = {
  corners: [
    ...['null', 'true', 'false', '0', '-1', '32767', '32768', '-32769', '2147483647', '2147483648'].map(
      asJson,
    ),
    ...[
      '-9223372036854775808',
      '9223372036854775808',
      '18446744073709551616',
      '1.0',
      '1.5',
      '1e1',
      '-0.0',
    ].map(asJson),
    ...[
      '1e15',
      '1e16',
      '1208015263085171.2',
      '-9007199254740993.5',
      '1.7976931348623157e308',
      '0.1',
      '123456789.123456789',
      '""',
      '{}',
      '[]',
    ].map(asJson),
    ...['"\\u0000\\b\\f\\n\\r\\t\\"\\\\/é日😀"', '{"":null,"b":1,"a":[{"c":{}}],"aa":2}'].map(asJson),
    ...opaque,
    ...opaque.map((one) => `JSON_OBJECT('k', ${one}, 'l', JSON_ARRAY(${one}, NULL, TRUE))`),
    `JSON_ARRAY(${Array.from({ length: 300 }, (_, i) => i).join(',')})`,
    "JSON_OBJECT('long', REPEAT('y', 70000), 'next', JSON_ARRAY(1, 70000, -1, 1.5e0))",
    "JSON_ARRAY(REPEAT('z', 127), REPEAT('z', 128), REPEAT('z', 16384))",
  ],
  random: fc.oneof(
    { weight: 4, arbitrary: fc.json({ maxDepth: 4 }).filter(isPlain).map(asJson) },
    { weight: 1, arbitrary: fc.constantFrom(...opaque) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          fc.constantFrom(...opaque),
          fc.double({ noNaN: true, noDefaultInfinity: true }),
          fc.maxSafeInteger(),
        )
        .map(
          ([one, real, int]) =>
            `JSON_OBJECT('o', ${one}, 'd', ${double(real)}, 'i', JSON_ARRAY(${int}, ${one}))`,
        ),
    },
  ),
};

/** MySQL refuses lone halves of surrogate pairs. */
function isPlain(text: string): boolean {
  return !/\\ud[89a-f]/i.test(text);
}
