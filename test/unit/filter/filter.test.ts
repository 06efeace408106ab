import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Column, TableDefinition } from '../../../src/mysql/model.js';
import { RowferryError } from '../../../src/shared/errors.js';
import { compileFilter, type FilterValue } from '../../../src/sync/filter/index.js';

const column = (name: string, dataType: string, extra: Partial<Column> = {}): Column => ({
  name,
  dataType,
  columnType: dataType,
  nullable: true,
  unsigned: false,
  length: 0,
  precision: 0,
  decimals: 0,
  charset: null,
  collation: null,
  members: [],
  generated: false,
  invisible: false,
  ...extra,
});
const utf8 = { charset: 'utf8mb4', collation: 'utf8mb4_0900_ai_ci' };
const table: TableDefinition = {
  database: 'shop',
  name: 'orders',
  engine: 'InnoDB',
  keys: [],
  estimatedRows: 0,
  averageRowBytes: 0,
  columns: [
    column('id', 'bigint'),
    column('Status', 'varchar', utf8),
    column('price', 'decimal', { precision: 10, decimals: 2 }),
    column('at', 'datetime', { decimals: 3 }),
    column('kind', 'enum', { ...utf8, members: ['a', 'b'] }),
    column('weight', 'double'),
    column('date', 'date'),
    column('odd `name', 'int'),
    column('code', 'int', { columnType: 'int(5) unsigned zerofill', unsigned: true }),
  ],
};
const decide = (sql: string, row: Record<string, FilterValue>) =>
  compileFilter(sql, table).decide((name) => row[name] ?? null);
const problem = (sql: string) => {
  try {
    compileFilter(sql, table);
  } catch (error) {
    if (error instanceof RowferryError && error.code === 'ROW-T102') return error.message;
    throw error;
  }
  throw new Error('the filter was accepted');
};

describe('decided here', () => {
  it.each<[string, Record<string, FilterValue>, boolean | null]>([
    ['id > 10', { id: 11n }, true],
    ['code = 7 AND 5 < orders.code', { code: 7n }, true],
    ['code BETWEEN 1 AND 6', { code: 7n }, false],
    ['code NOT IN (7, 8) OR code IS NULL', {}, true],
    ['id > 10', {}, null],
    ['10 >= orders.id', { id: 11n }, false],
    ['id IN (1, 2, NULL)', { id: 3n }, null],
    ['id NOT IN (1, 2)', { id: 3n }, true],
    ['id NOT BETWEEN 1 AND 3', { id: 3n }, false],
    ['NOT id = 1 AND price < 1.5', { id: 2n, price: '1.49' }, true],
    ['id = 1 OR id IS NULL', {}, true],
    ['id <=> NULL', {}, true],
    ['id = 1 XOR price = 1', { id: 1n, price: '1.00' }, false],
    ["status <> 'test'", { Status: 'TEST' }, false],
    ["status = 'a '", { Status: 'a' }, false],
    ["kind = 'a'", { kind: 'A' }, true],
    ["`at` >= '2024-01-01'", { at: '2024-01-01 00:00:00.000' }, true],
    ["date < '2024-01-01 00:00:01'", { date: '2024-01-01' }, true],
    ['id', { id: 0n }, false],
    ['`odd ``name` = -3', { 'odd `name': -3n }, true],
    ['id > 9223372036854775806', { id: 9223372036854775807n }, true],
    ['price = 1.10', { price: '1.1' }, true],
    ['weight < 3', { weight: 2.5 }, true],
    ['(id = 1 OR id = 2) AND NOT (price = 0)', { id: 2n, price: '0.01' }, true],
  ])('%s', (sql, row, expected) => expect(decide(sql, row)).toBe(expected));
});

describe('asked of the source', () => {
  it.each<[string, Record<string, FilterValue>]>([
    ["status = 'test'", { Status: 'tést' }],
    ["status < 'test'", { Status: 'a' }],
    ["status LIKE 't%'", { Status: 'a' }],
    ['id = 1e3', { id: 1000n }],
    ["id = '1'", { id: 1n }],
    ['weight = 0.1', { weight: 0.1 }],
    ["UPPER(status) = 'A'", { Status: 'a' }],
    ["`at` > '2024-1-1'", { at: '2024-01-01 00:00:00.000' }],
    ["`at` > '2024-01-01'", { at: '0000-00-00 00:00:00.000' }],
    ['id + 1 = 2', { id: 1n }],
    ['(id = 1) = 1', { id: 1n }],
  ])('%s', (sql, row) => expect(decide(sql, row)).toBe('ask'));

  it('an undecided part counts only where it decides', () => {
    expect(decide("id = 1 OR status LIKE 'x'", { id: 1n })).toBe('ask');
    const mixed = "id = 1 OR status = 'é'";
    expect(decide(mixed, { id: 1n, Status: 'e' })).toBe('ask');
    expect(decide("id = 1 AND status = 'e'", { id: 2n, Status: 'é' })).toBe(false);
    expect(decide("id = 1 OR status = 'e'", { id: 1n, Status: 'é' })).toBe(true);
  });

  it('by the values of the event, as literals of the column types', () => {
    const filter = compileFilter("UPPER(status) = 'A' AND price > id", table);
    const sql = filter.askSql(
      [(name) => ({ id: 5n, Status: "x' OR 1=1 -- ", price: '7.50' })[name] ?? null, () => null],
      false,
    );
    expect(sql).toContain('CAST(5 AS SIGNED) AS `id`');
    expect(sql).toContain("CAST('7.50' AS DECIMAL(10,2)) AS `price`");
    expect(sql).toContain('COLLATE utf8mb4_0900_ai_ci');
    expect(sql).not.toContain('OR 1=1');
    expect(sql.match(/ UNION ALL /g)).toHaveLength(1);
  });
});

describe('refused', () => {
  it.each<[string, RegExp]>([
    ['', /empty/],
    ['1 = 1', /no column/],
    ['nowhere = 1', /no column nowhere/],
    ['id = 1; DROP TABLE x', /semicolon/],
    ['id = 1) OR (1 = 1', /extra "\)"/],
    ['(id = 1', /"\)" is missing/],
    ['id IN (SELECT 1)', /subqueries/],
    ['EXISTS (SELECT 1)', /subqueries/],
    ['id = 1 /* x */', /comments/],
    ['id = 1 -- x', /comments/],
    ['id = @x', /variables/],
    ['`at` < NOW()', /NOW\(\) does not depend/],
    ['`at` < CURRENT_TIMESTAMP', /does not depend/],
    ['id < UNIX_TIMESTAMP()', /does not depend/],
    ['RAND() < id', /does not depend/],
    ['COUNT(id) > 1', /aggregates rows/],
    ["status = 'x", /not closed/],
    ['people.id = 1', /not this table/],
    ['id = 1 ORDER BY id', /ORDER is not allowed/],
    ["code LIKE '00%'", /at character 1: the ZEROFILL column code can only be compared with numbers/],
    ['code = 5 AND LENGTH(CONCAT(code, id)) > 3', /at character 28: the ZEROFILL column code/],
    ['kind = 1', /only be compared with its labels/],
    ['kind + 0 = 1', /only be compared with its labels/],
    ['id = ?', /not allowed/],
    ["x '61' = status", /no column x/],
    ['TRIM(id) = 1 FROM x', /FROM is not allowed/],
    ["MATCH(status) AGAINST ('x')", /depends on the table/],
    ['DEFAULT(id) = 1', /depends on the table/],
  ])('%s', (sql, message) => expect(problem(sql)).toMatch(message));

  it.each([
    'id < UNIX_TIMESTAMP(`at`)',
    "status COLLATE utf8mb4_bin = 'x'",
    "CAST(id AS CHAR CHARACTER SET utf8mb4) = '1'",
    '`at` > date + INTERVAL 1 DAY',
    'CASE WHEN id = 1 THEN TRUE ELSE FALSE END',
    "status = _latin1'x'",
    "kind IN ('a', 'b') AND kind IS NOT NULL",
    "status = 'SELECT ;'",
    "date = DATE '2024-01-01'",
    "status = x'61' AND status <> N'a' AND status <> b'1' AND status <> _latin1 'x'",
    "TRIM(LEADING 'a' FROM status) = 'b' AND TRIM(BOTH FROM status) <> ''",
    'EXTRACT(DAY_SECOND FROM `at`) = 1',
    "SUBSTRING(status FROM 2 FOR 3) = 'x' AND MID(status FROM 1) = 'y'",
    "CONVERT(status, SIGNED) = 1 AND CONVERT(id, CHAR) = '1'",
    'TIMESTAMPDIFF(SQL_TSI_DAY, `at`, date) = 1',
  ])('but not %s', (sql) => expect(compileFilter(sql, table).sql).toBe(sql));

  it('nothing but ROW-T102 comes of any text', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom(
            'id',
            ' ',
            '(',
            ')',
            "'",
            '"',
            '`',
            '=',
            '1',
            'AND',
            'NOT',
            'IN',
            ',',
            '\\',
            '.',
            '--',
            '0x',
            'é',
          ),
        }),
        (sql) => {
          try {
            compileFilter(sql, table).decide(() => 1n);
          } catch (error) {
            expect(error).toBeInstanceOf(RowferryError);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
});
