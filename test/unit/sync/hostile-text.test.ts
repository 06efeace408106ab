import { PassThrough } from 'node:stream';
import type { WriteStream } from 'node:tty';
import { describe, expect, it } from 'vitest';
import { openTerminal } from '../../../src/cli/terminal.js';
import { plainContext } from '../../../src/mysql/statement.js';
import { etlTokens } from '../../../src/shared/etl-words.js';
import { said } from '../../../src/shared/said.js';
import { parseSourceName, sourceName } from '../../../src/shared/source-name.js';
import { parseTask } from '../../../src/shared/task-file.js';
import { matchesGlob } from '../../../src/shared/wildcard.js';
import { parseDdl } from '../../../src/sync/ddl/parse.js';
import { compileEtl } from '../../../src/sync/etl/compile.js';
import { EtlSyntaxError } from '../../../src/sync/etl/parser.js';
import { EtlError, type EtlValue } from '../../../src/sync/etl/values.js';
import { checkFilter, FilterError } from '../../../src/sync/filter/check.js';
import { isValidName } from '../../../src/tablestore/client/limits.js';
import type { Chance } from '../../support/chance.js';
import { fuzz, spoiled } from '../../support/fuzz.js';

/** Names as nobody wishes them. */
const names = [
  '`',
  "'",
  '"; DROP TABLE x',
  'a\nb',
  '${env:HOME}',
  '../../etc/passwd',
  '__proto__',
  'constructor',
  '<img src=x onerror=alert(1)>',
  '[x](command:workbench.action.quit)',
  '\u202egnp.exe',
  '\x1b[2J\x9b1m',
  '👩‍👩‍👧‍👦'.repeat(8).slice(0, 64),
  'a.b`c',
  '',
];

/** A text that was changed, or made of pieces that mean something to whoever reads it. */
function mixed(chance: Chance, texts: readonly string[], pieces: readonly string[]): string {
  if (chance.once(2)) return spoiled(Buffer.from(chance.of(texts)), chance).toString('utf8');
  return Array.from({ length: 1 + chance.below(40) }, () =>
    chance.once(8) ? chance.of(names) : chance.of(pieces),
  ).join(chance.once(2) ? ' ' : '');
}

function record(columns: Record<string, EtlValue>) {
  return {
    database: 'd',
    table: 't',
    operation: 'INSERT' as const,
    commitMicros: null,
    get: (name: string) => (Object.hasOwn(columns, name) ? columns[name] : undefined),
    set: (name: string, value: EtlValue) => void (columns[name] = value),
  };
}

/** Runs a script on a row; what it says when it is refused. */
function run(script: string, columns: Record<string, EtlValue>): string | undefined {
  try {
    compileEtl(script)?.run(record(columns));
    return undefined;
  } catch (error) {
    if (error instanceof EtlError || error instanceof EtlSyntaxError) return error.message;
    throw error;
  }
}

describe('texts that people and servers write', () => {
  const task = `{ "version": 1, "name": "a", "source": { "host": "h", "user": "u" }, "destination": { "endpoint": "http://h",
    "instance": "i", "accessKeyId": "k", "accessKeySecret": "s" }, "objects": [{ "database": "d", "tables": [{ "name": "t",
    "filter": "a > 1" }], "exclude": ["x*"] }], "etl": "e_set(\`a\`, 1)" }`;

  fuzz('a task file is read or refused with its lines', (chance) => {
    const text = mixed(
      chance,
      [task],
      ['{', '}', '[', ']', '"', ':', ',', '//', '/*', '"__proto__":', '"objects":', '1e999', 'null'],
    );
    const { issues } = parseTask(text);
    for (const { message } of issues) expect(message.length).toBeLessThan(5000);
  });

  const statements = [
    "CREATE TABLE `a`.`b` (id INT PRIMARY KEY AUTO_INCREMENT, v DECIMAL(10,2) DEFAULT (1 + 2) COMMENT 'x', KEY k (v)) ENGINE=InnoDB",
    'ALTER TABLE t ADD COLUMN x ENUM("a","b") CHARACTER SET utf8mb4 AFTER id, DROP y, RENAME COLUMN a TO b, ALGORITHM=INSTANT',
    'RENAME TABLE a TO b, c TO d',
    '/*!50001 CREATE VIEW v AS SELECT * FROM (SELECT 1) x */',
  ];
  fuzz('DDL is read, passed over or refused', (chance) => {
    const sql = mixed(chance, statements, [
      '(',
      ')',
      ',',
      'ALTER',
      'TABLE',
      '`a',
      '`',
      "'",
      'ADD',
      'COLUMN',
      '/*',
      '*/',
      '/*!99999',
      '--',
      '#',
      '.',
      '=',
      'PARTITION BY',
      'VALUES',
      '\0',
    ]);
    const event = { sql, database: 'd', context: { ...plainContext, serverVersion: 90704 } };
    parseDdl(event, () => ({ charset: 'utf8mb4', collation: 'utf8mb4_0900_ai_ci' }));
  });

  it.each(['(', '`', '/*', "'", ',', 'a.', '((a),', '/*!1 ', ' \n'])(
    'a quarter of a megabyte of %j in DDL takes no longer than it must',
    (piece) => {
      const began = performance.now();
      for (const start of ['', 'ALTER TABLE t ADD x INT DEFAULT ', 'CREATE TABLE t (a INT, ']) {
        const event = {
          sql: start + piece.repeat((1 << 18) / piece.length),
          database: 'd',
          context: { ...plainContext, serverVersion: 90704 },
        };
        parseDdl(event, () => ({ charset: 'utf8mb4', collation: 'utf8mb4_0900_ai_ci' }));
      }
      expect(performance.now() - began).toBeLessThan(6000);
    },
  );

  const filters = [
    "a > 1 AND b LIKE 'x%' OR NOT (c IN (1, 2) AND d BETWEEN '2020-01-01' AND NOW())",
    "JSON_EXTRACT(a, '$.b') = 1",
  ];
  fuzz('a filter is taken or refused', (chance) => {
    const sql = mixed(chance, filters, [
      'a',
      'b',
      '>',
      '=',
      '(',
      ')',
      'AND',
      'OR',
      'NOT',
      'LIKE',
      "'",
      '"',
      '`',
      '--',
      '/*',
      ';',
      'SLEEP(9)',
      '0x',
      '1e',
      '@@x',
      'SELECT',
    ]);
    const columns = ['a', 'b', 'c', 'd'].map((name) => ({
      name,
      dataType: 'int',
      columnType: 'int',
      nullable: true,
    }));
    try {
      checkFilter(sql, { database: 'd', name: 't', columns } as never);
    } catch (error) {
      if (!(error instanceof FilterError)) throw error;
    }
  });

  const scripts = [
    "script:e_if(op_gt(`a`, 1), e_set(`b`, str_replace(`b`, 'x', 'yy')))",
    'e_compose(e_set(`a`, op_mul(`a`, `a`)), e_drop())',
  ];
  fuzz('a transformation is run or refused', (chance) => {
    const script = mixed(chance, scripts, [
      'e_set(',
      'op_add(',
      'op_mul(',
      'op_div_true(',
      'str_format(',
      'dt_strptime(',
      'dt_str(',
      'regex_match(',
      'substring(',
      'str_mask(',
      '`a`',
      '`b`',
      "'{}'",
      "'%Y'",
      "'1e99999999'",
      '1',
      '-5',
      '1e9',
      ',',
      ')',
      '))',
      'null',
      '__TB__',
    ]);
    etlTokens(script);
    run(script, {
      a: chance.of([1n, 'x', null, '1e999999999', 3.5]),
      b: chance.of(['xxx', '', '2020-01-01']),
    });
  });

  fuzz('names are names and nothing else', (chance) => {
    const table = { database: chance.of(names) || 'd', name: chance.of(names) || 't' };
    expect(parseSourceName(sourceName(table)) ?? table).toEqual(table);
    if (isValidName(table.name)) expect(table.name).toMatch(/^\w+$/);
  });
});

describe('what could take for ever', () => {
  /** By the time of the processor: that of the clock tells of whatever else the machine does. */
  const within = (millis: number, work: () => unknown) => {
    const began = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(began);
    expect((user + system) / 1000).toBeLessThan(millis);
  };

  it('a regular expression of a transformation ends, and the row is dirty', () => {
    for (const [source, value] of [
      ['^(a+)+$', `${'a'.repeat(60)}!`],
      ['^(a|aa)+$', `${'a'.repeat(200)}!`],
      ['a*a*a*a*a*a*a*a*b', 'a'.repeat(3000)],
      ['a+b', 'a'.repeat(500_000)],
      [`${'a?'.repeat(40)}${'a'.repeat(40)}`, 'a'.repeat(40)],
    ] as const)
      within(1500, () =>
        expect(run(`e_set(\`o\`, regex_match(\`v\`, '${source}'))`, { v: value, o: null })).toMatch(
          /takes too long|more than 20 repetitions/,
        ),
      );
    const row: Record<string, EtlValue> = { v: '+86 138-1234-5678', o: null };
    expect(run("e_set(`o`, regex_match(`v`, '^[+]?\\d+ (\\d{3,4}-?)+$'))", row)).toBeUndefined();
    expect(row['o']).toBe(true);
  });

  fuzz('whatever a regular expression is made of, a row takes a bounded time', (chance) => {
    const pieces = [
      'a',
      'a*',
      'a+',
      '(a+)+',
      '(a|aa)*',
      '(a*)*',
      '(.*)a',
      '\\d+',
      '.*',
      '[a-z]*',
      'a?',
      '(a?){9}',
      '\\1',
      '$',
    ];
    const source = Array.from({ length: 1 + chance.below(8) }, () => chance.of(pieces)).join('');
    const value =
      chance.of(['a', 'ab', '1']).repeat(chance.of([1, 30, 2000, 100_000])) + chance.of(['', '!']);
    const row = { v: value, o: null };
    within(1500, () => run(`e_set(\`o\`, regex_match(\`v\`, '${source}'))`, row));
  });

  it('values that double with each step are refused', () => {
    const doubling = (step: string) =>
      `e_compose(${Array.from({ length: 40 }, () => `e_set(\`v\`, ${step})`).join(', ')})`;
    within(3000, () => {
      expect(run(doubling('op_add(`v`, `v`)'), { v: 'xy' })).toMatch(/too long/);
      expect(run(doubling("str_replace(`v`, 'x', 'xx')"), { v: 'x' })).toMatch(/too long/);
      expect(run(doubling('op_mul(`v`, `v`)'), { v: 3n })).toMatch(/too long/);
    });
  });

  it('a pattern with many stars is matched at once, as a regular expression would in time', () => {
    within(500, () => expect(matchesGlob(`${'*a'.repeat(30)}*b`, 'a'.repeat(64))).toBe(false));
  });

  fuzz('patterns mean what they meant', (chance) => {
    const glob = Array.from({ length: chance.below(6) }, () => chance.of(['*', 'a', 'B', '.', '\n'])).join(
      '',
    );
    const name = Array.from({ length: chance.below(7) }, () =>
      chance.of(['a', 'b', 'A', 'B', '.', '\n']),
    ).join('');
    const source = glob.replaceAll('.', '\\.').replaceAll('*', '.*');
    for (const caseSensitive of [true, false])
      expect(matchesGlob(glob, name, caseSensitive)).toBe(
        new RegExp(`^${source}$`, caseSensitive ? 's' : 'is').test(name),
      );
  });
});

describe('what others say is shown as text', () => {
  it('a terminal is not steered by it, and a line of JSON stays what it is', () => {
    const stream = new PassThrough();
    const terminal = openTerminal(stream as unknown as WriteStream, stream as unknown as WriteStream, {
      FORCE_COLOR: '1',
    });
    terminal.print(JSON.stringify({ names }));
    for (const name of names) terminal.note(terminal.style.red(name.replaceAll('\n', ' ')));
    const text = String(stream.read());
    expect(text.replaceAll(/\x1b\[\d+m/g, '')).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]/);
    expect(JSON.parse(text.slice(0, text.indexOf('\n')))).toEqual({ names });
  });

  it('a message of another program is a sentence of bounded length', () => {
    expect(said('no \x1b[2J<b>\n\u202etable')).toBe('no \ufffd[2J<b> \ufffdtable');
    expect(said('x'.repeat(1 << 20)).length).toBe(1001);
  });
});
