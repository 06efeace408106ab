import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileEtl, type EtlRecord } from '../../../src/sync/etl/compile.js';
import { EtlSyntaxError } from '../../../src/sync/etl/parser.js';
import { DateTime, Decimal, EtlError, type EtlValue } from '../../../src/sync/etl/values.js';

function record(
  columns: Record<string, EtlValue>,
  extra: Partial<EtlRecord> = {},
): EtlRecord & { columns: typeof columns } {
  return {
    database: 'shop',
    table: 'orders',
    operation: 'INSERT',
    commitMicros: null,
    columns,
    get: (name) => columns[name],
    set: (name, value) => void (columns[name] = value),
    ...extra,
  };
}

/** The value that an expression has, by way of e_set. */
function evaluate(
  expression: string,
  columns: Record<string, EtlValue> = {},
  extra: Partial<EtlRecord> = {},
): EtlValue {
  const row = record({ ...columns, out: null }, extra);
  compileEtl(`e_set(\`out\`, ${expression})`)!.run(row);
  return row.columns.out!;
}
const keeps = (script: string, columns: Record<string, EtlValue>, extra: Partial<EtlRecord> = {}) =>
  compileEtl(script)!.run(record(columns, extra));
const problem = (script: string) => {
  try {
    compileEtl(script);
  } catch (error) {
    if (error instanceof EtlSyntaxError) return error;
    throw error;
  }
  throw new Error('the script was accepted');
};

describe('the documented examples', () => {
  it('drops rows above an id', () => {
    expect(keeps('e_if(op_gt(`id`, 10000), e_drop())', { id: 10001n })).toBe(false);
    expect(keeps('script:e_if(op_gt(`id`, 10000), e_drop())', { id: 10000n })).toBe(true);
  });
  it('masks the last four digits of a phone number', () => {
    expect(evaluate("str_mask(`phone`, 7, 10, '*')", { phone: '18700001111' })).toBe('1870000****');
  });
  it('compares a date column with DATETIME', () => {
    const script = "e_if(op_lt(`at`, DATETIME('2021-01-01 10:10:01')), e_drop())";
    expect(keeps(script, { at: '2021-01-01 10:10:00.999' })).toBe(false);
    expect(keeps(script, { at: '2021-01-01 10:10:01.000' })).toBe(true);
  });
  it('knows the operation, the table and the database', () => {
    const script =
      "e_if(op_and(op_eq(__OPERATION__, __OP_DELETE__), op_eq(__TB__, 'orders'), op_eq(__DB__, “shop”)), e_drop())";
    expect(keeps(script, {}, { operation: 'DELETE' })).toBe(false);
    expect(keeps(script, {}, { operation: 'UPDATE' })).toBe(true);
    expect(keeps(script, {}, { operation: 'DELETE', table: 'people' })).toBe(true);
  });
  it('sets the commit time', () => {
    const value = evaluate('__COMMIT_TIMESTAMP__', {}, { commitMicros: 1_600_000_000_000_000n });
    expect(String(value)).toBe('2020-09-13 12:26:40');
    expect(evaluate('__COMMIT_TIMESTAMP__')).toBeNull();
  });
});

describe('actions', () => {
  it('e_if_else, e_switch and the choice take the first that is met', () => {
    const script =
      "e_switch(op_ge(`s`, 90), e_set(`g`, 'A'), op_ge(`s`, 60), e_set(`g`, 'B'), default=e_set(`g`, 'C'))";
    const grade = (s: bigint) => {
      const row = record({ s });
      compileEtl(script)!.run(row);
      return row.columns.g;
    };
    expect([grade(95n), grade(60n), grade(1n)]).toEqual(['A', 'B', 'C']);
    expect(
      keeps('e_if_else(op_eq(`s`, 1), e_drop(), e_compose())'.replace('e_compose()', 'e_keep(true)'), {
        s: 1n,
      }),
    ).toBe(false);
    expect(evaluate("(op_gt(`s`, 5) ? 'big' : 'small')", { s: 9n })).toBe('big');
  });
  it('e_compose stops at a drop and sees what was set before', () => {
    const row = record({ a: 1n });
    expect(
      compileEtl('e_compose(e_set(`a`, op_sum(`a`, 1)), e_keep(op_eq(`a`, 3)), e_set(`a`, 9))')!.run(row),
    ).toBe(false);
    expect(row.columns.a).toBe(2n);
  });
  it('an unknown condition is not met', () => {
    expect(keeps('e_if(op_gt(`a`, 1), e_drop())', { a: null })).toBe(true);
    expect(keeps('e_keep(op_gt(`a`, 1))', { a: null })).toBe(false);
    expect(keeps('e_if(op_or(op_gt(`a`, 1), op_is_null(`a`)), e_drop())', { a: null })).toBe(false);
    expect(evaluate('op_not(op_eq(`a`, 1))', { a: null })).toBeNull();
  });
});

describe('values', () => {
  it.each<[string, EtlValue]>([
    ['op_sum(9007199254740993, 1)', 9007199254740994n],
    ['op_sum(0.1, 0.2)', new Decimal(3n, 1)],
    ["op_mul('1.50', 2)", new Decimal(300n, 2)],
    ['op_mod(-7, 3)', -1n],
    ['op_div_true(7, 2)', 3.5],
    ["op_add('a', 1, 'b')", 'a1b'],
    ["str_format('{}-{0}-{{}}', 'x')", 'x-x-{}'],
    ["str_replace('aXbX', 'X', '')", 'ab'],
    ["str_strip('--a--', '-')", 'a'],
    ["str_count('banana', 'an')", 2n],
    ["str_find('héllo', 'l')", 2n],
    ["str_find('hello', 'z')", -1n],
    ["str_contains('abc', 'b')", true],
    ["str_isalpha('grün')", true],
    ["str_isdigit('12a')", false],
    ["regex_match('a-12', '\\d+')", true],
    ["substring('😀bcd', 0, 2)", '😀b'],
    ["cast_string_to_long('42')", 42n],
    ["cast_string_to_double('1e3')", 1000],
    ['op_in(3, 1, 2, 3)', true],
    ["op_eq(10, '10.0')", true],
    ['op_eq(null, null)', null],
    ['op_is_null(null)', true],
    ["dt_parsetimestamp(DATETIME('1970-01-02'))", 86400n],
    ["dt_str(DATETIME('2021-07-04 03:02:01'), 'yyyyMMdd HH:mm')", '20210704 03:02'],
    ["dt_str(DATETIME('2021-07-04 03:02:01'), '%d/%m/%Y %H.%M.%S')", '04/07/2021 03.02.01'],
    ["dt_str(dt_strptime('04.07.2021', 'dd.MM.yyyy'))", '2021-07-04 00:00:00'],
    ["dt_str(dt_add(DATETIME('2024-01-31'), months=1))", '2024-02-29 00:00:00'],
    ["dt_str(dt_add(DATETIME('2024-03-01 00:00:00.5'), days=-1, minutes=1))", '2024-02-29 00:01:00.5'],
    ['dt_str(dt_fromtimestamp(0))', '1970-01-01 00:00:00'],
  ])('%s', (expression, expected) => {
    expect(evaluate(expression)).toEqual(expected);
  });

  it('sums integers and decimals as exactly as bigint does', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
        fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
        (a, b) => {
          expect(evaluate('op_sum(`a`, `b`)', { a, b })).toBe(a + b);
          const sum = evaluate('op_sum(`a`, `b`)', { a: new Decimal(a, 5), b: new Decimal(b, 5) });
          expect(sum).toEqual(new Decimal(a + b, 5));
          expect(evaluate('op_lt(`a`, `b`)', { a: new Decimal(a, 5).toString(), b: new Decimal(b, 5) })).toBe(
            a < b,
          );
        },
      ),
    );
  });
  it('a DateTime prints and reads back', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -62135596800000000n, max: 253402300799999999n }), (micros) => {
        const date = new DateTime(micros, 6);
        expect(evaluate('DATETIME(`d`)', { d: date.toString() })).toEqual(date);
      }),
    );
  });
  it.each([
    "op_sum('x', 1)",
    'op_div_true(1, 0)',
    'op_mod(1, 0)',
    "DATETIME('2021-02-30')",
    "cast_string_to_long('1.5')",
    '`nowhere`',
    "regex_match('a', '(')",
  ])('%s makes the row dirty', (expression) => {
    expect(() => evaluate(expression)).toThrow(EtlError);
  });
});

describe('what the script says of itself', () => {
  it('reads, writes and what cannot be verified', () => {
    const program = compileEtl(
      'e_compose(e_set(`a`, op_sum(`b`, 1)), e_set(`op`, __OPERATION__), e_set(`c`, dt_now()))',
    )!;
    expect([...program.reads]).toEqual(['b']);
    expect([...program.writes]).toEqual(['a', 'op', 'c']);
    expect([...program.notComparable]).toEqual(['op', 'c']);
  });
  it('a condition on the operation taints what it decides', () => {
    expect([...compileEtl('e_if(op_eq(__OPERATION__, __OP_DELETE__), e_drop())')!.notComparable]).toEqual([
      '*',
    ]);
    expect([
      ...compileEtl('e_if(op_eq(__OPERATION__, __OP_INSERT__), e_set(`a`, 1))')!.notComparable,
    ]).toEqual(['a']);
    expect([...compileEtl('e_compose(e_set(`a`, __OPERATION__), e_set(`b`, `a`))')!.notComparable]).toEqual([
      'a',
      'b',
    ]);
    expect([...compileEtl('e_compose(e_if(op_gt(`x`, 1), e_drop()), e_set(`a`, 1))')!.notComparable]).toEqual(
      [],
    );
  });
  it('an empty script is none', () => {
    expect(compileEtl('  ')).toBeNull();
    expect(compileEtl('script:')).toBeNull();
  });
});

describe('mistakes have a line and a column', () => {
  it.each<[string, number, number, RegExp]>([
    ['e_drop(', 1, 8, /end of the script/],
    ['e_if(op_gt(`id`, 1),\n  e_dorp())', 2, 3, /expected an action/],
    ['e_set(`a`, op_gtt(1, 2))', 1, 12, /op_gtt does not exist; did you mean op_gt\?/],
    ['e_set(`a`, op_gt(1))', 1, 12, /takes 2 arguments/],
    ["e_set(`a`, 'x)", 1, 12, /not closed/],
    ['e_set(`a, 1)', 1, 7, /no closing backquote/],
    ['e_set(id, 1)', 1, 7, /column in backquotes/],
    ['e_set(`a`, id)', 1, 12, /put column names in backquotes/],
    ['e_drop() e_drop()', 1, 10, /one expression/],
    ['op_gt(1, 2)', 1, 1, /expected an action/],
    ['e_set(`a`, e_drop())', 1, 12, /has no value/],
    ['e_set(`a`, dt_add(`b`, year=1))', 1, 12, /no argument year/],
    ['e_set(`a`, 1,)', 1, 14, /missing after the comma/],
    ['(((', 1, 4, /end of the script/],
  ])('%s', (script, line, column, message) => {
    const error = problem(script);
    expect(error.message).toMatch(message);
    expect(error.at).toEqual({ line, column });
    expect(error.code).toBe('ROW-T102');
  });
  it('nothing but a syntax error comes of any text', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom(
            'e_if',
            'op_eq',
            '(',
            ')',
            ',',
            '`a`',
            "'",
            '"',
            '1',
            '.',
            '-',
            '?',
            ':',
            ' ',
            '\n',
            '=',
            '“',
          ),
        }),
        (script) => {
          try {
            compileEtl(script);
          } catch (error) {
            expect(error).toBeInstanceOf(EtlSyntaxError);
          }
        },
      ),
      { numRuns: 2000 },
    );
    expect(problem('('.repeat(100_000)).message).toMatch(/deep/);
  });
});
