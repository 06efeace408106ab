import { RowferryError } from '../../shared/errors.js';
import { lex, LexicalError, type Token } from '../sql/lexer.js';
import { sourceName } from '../../shared/source-name.js';

/**
 * What a filter must not hold (correctness rule 18): more than one condition, a subquery, or anything whose
 * value is not given by the row alone, for then the two phases would disagree.
 */
const forbiddenWords = new Set(
  'SELECT UNION INTERSECT EXCEPT INTO LIMIT ORDER GROUP HAVING WINDOW OVER TABLE FROM WHERE EXISTS PROCEDURE LOCK FOR WITH'.split(
    ' ',
  ),
);
const varyingWords = new Set(
  'CURRENT_TIMESTAMP CURRENT_DATE CURRENT_TIME CURRENT_USER CURRENT_ROLE LOCALTIME LOCALTIMESTAMP UTC_DATE UTC_TIME UTC_TIMESTAMP'.split(
    ' ',
  ),
);
const varyingFunctions = new Set(
  `NOW SYSDATE CURDATE CURTIME RAND RANDOM_BYTES UUID UUID_SHORT USER SESSION_USER SYSTEM_USER DATABASE SCHEMA
   CONNECTION_ID LAST_INSERT_ID ROW_COUNT FOUND_ROWS VERSION SLEEP BENCHMARK GET_LOCK RELEASE_LOCK RELEASE_ALL_LOCKS
   IS_FREE_LOCK IS_USED_LOCK LOAD_FILE MASTER_POS_WAIT SOURCE_POS_WAIT WAIT_FOR_EXECUTED_GTID_SET NAME_CONST ROLES_GRAPHML
   CURRENT_THREAD_ID PS_CURRENT_THREAD_ID PS_THREAD_ID UNIX_TIMESTAMP ICU_VERSION`.split(/\s+/),
);
const aggregates = new Set(
  `COUNT SUM AVG MIN MAX GROUP_CONCAT BIT_AND BIT_OR BIT_XOR STD STDDEV STDDEV_POP STDDEV_SAMP VARIANCE VAR_POP VAR_SAMP
   JSON_ARRAYAGG JSON_OBJECTAGG ANY_VALUE GROUPING ST_COLLECT`.split(/\s+/),
);
const keywords = new Set(
  `AND OR XOR NOT IS NULL TRUE FALSE UNKNOWN IN BETWEEN LIKE RLIKE REGEXP ESCAPE SOUNDS DIV MOD CASE WHEN THEN ELSE END
   BINARY INTERVAL MEMBER OF DATE TIME TIMESTAMP DATETIME`.split(/\s+/),
);
/** Words that only these functions know, beside their arguments: TRIM(LEADING x FROM y). */
const wordsOf = new Map(
  Object.entries({
    TRIM: 'LEADING TRAILING BOTH FROM',
    EXTRACT: 'FROM',
    SUBSTRING: 'FROM FOR',
    SUBSTR: 'FROM FOR',
    MID: 'FROM FOR',
    CAST: 'AT ZONE ARRAY',
    CONVERT: 'SIGNED UNSIGNED INTEGER INT CHAR CHARACTER NCHAR DECIMAL DOUBLE FLOAT REAL JSON YEAR SET',
    JSON_VALUE: 'RETURNING SIGNED UNSIGNED CHAR DECIMAL DOUBLE FLOAT YEAR JSON DEFAULT ERROR ON EMPTY',
  }).map(([name, words]) => [name, new Set(words.split(' '))]),
);
/** Literals of a kind of their own: x'61', b'1', N'a', _latin1'a'. Their quote follows at once, but for a charset. */
const isPrefix = (token: Token, next: Token | undefined) =>
  next?.kind === 'string' &&
  (token.text.startsWith('_') || (/^[xbn]$/i.test(token.text) && next.at === token.at + 1));
/** The word behind one of these is a type, a charset or a unit of time, not a column. */
const nameFollows = new Set(['COLLATE', 'USING', 'AS']);
const units =
  /^(?:SQL_TSI_)?(MICROSECOND|SECOND|MINUTE|HOUR|DAY|WEEK|MONTH|QUARTER|YEAR|SECOND_MICROSECOND|MINUTE_MICROSECOND|MINUTE_SECOND|HOUR_MICROSECOND|HOUR_SECOND|HOUR_MINUTE|DAY_MICROSECOND|DAY_SECOND|DAY_MINUTE|DAY_HOUR|YEAR_MONTH)$/;

export interface CheckedFilter {
  readonly sql: string;
  readonly tokens: readonly Token[];
  /** Columns it reads, in the spelling of the source. */
  readonly columns: ReadonlySet<string>;
}

/** The table of a filter. Without columns, while nobody has looked at the source, every name may be a column. */
export interface FilterTable {
  readonly database: string;
  readonly name: string;
  readonly columns?: readonly {
    readonly name: string;
    readonly dataType: string;
    /** As MySQL prints it; absent: not looked at. */
    readonly columnType?: string;
    readonly nullable?: boolean;
  }[];
}

/** ROW-T102: a filter that cannot be used. `at` counts UTF-16 units from 0, `reason` says why without the place. */
export class FilterError extends RowferryError {
  constructor(
    table: FilterTable,
    readonly at: number,
    readonly reason: string,
  ) {
    super('ROW-T102', `The filter of ${sourceName(table)} is not valid at character ${at + 1}: ${reason}.`, {
      remedy: 'Correct the filter. It must be one SQL condition on the columns of this table.',
    });
  }
}

/**
 * Reads a filter (what would follow WHERE) of a table and finds its columns. Throws FilterError, which says what is
 * wrong and where. That MySQL itself accepts it is for the precheck to ask.
 */
export function checkFilter(sql: string, table: FilterTable): CheckedFilter {
  const fail = (at: number, message: string): never => {
    throw new FilterError(table, at, message);
  };
  let tokens: Token[];
  try {
    tokens = lex(sql, 'refuse');
  } catch (error) {
    if (error instanceof LexicalError) return fail(error.at, error.message);
    throw error;
  }
  if (tokens.length === 0) fail(0, 'it is empty');

  const byName =
    table.columns && new Map(table.columns.map((column) => [column.name.toLowerCase(), column.name]));
  const columnOf = (text: string) => (byName ? byName.get(text.toLowerCase()) : text);
  const columns = new Set<string>();
  let depth = 0;
  /** The functions in whose parentheses a token stands, '' where there is none. */
  const within: string[] = [];
  tokens.forEach((token, i) => {
    const upper = token.text.toUpperCase();
    const next = tokens[i + 1]?.text;
    const before = tokens[i - 1]?.text.toUpperCase() ?? '';
    if (token.kind === 'other') {
      if (token.text === '(') {
        depth++;
        within.push(tokens[i - 1]?.kind === 'word' ? before : '');
      }
      if (token.text === ')') within.pop();
      if (token.text === ')' && --depth < 0) fail(token.at, 'an extra ")"');
      if (token.text === ';') fail(token.at, 'a semicolon is not allowed');
      if (token.text === '@' || token.text === ':=')
        fail(token.at, 'variables are not allowed: they differ between sessions');
      if (token.text === '?' || token.text === ':') fail(token.at, `"${token.text}" is not allowed`);
    }
    if (token.kind !== 'word' && token.kind !== 'name') return;
    if (token.kind === 'word' && before !== '.' && isPrefix(token, tokens[i + 1])) return;
    if (token.kind === 'word' && next !== '.' && wordsOf.get(within.at(-1) ?? '')?.has(upper)) {
      if (!columnOf(token.text) || upper === 'FROM' || upper === 'FOR') return;
    }
    if (next === '.') {
      if (token.text.toLowerCase() !== table.name.toLowerCase()) {
        fail(
          token.at,
          `${token.text} is not this table; write columns without a table or as ${table.name}.column`,
        );
      }
      return;
    }
    const plainWord = keywords.has(upper) || forbiddenWords.has(upper) || varyingWords.has(upper);
    const isColumn =
      !byName && token.kind === 'word' && before !== '.' && (plainWord || units.test(upper))
        ? undefined
        : columnOf(token.text);
    if (token.kind === 'name' || before === '.') {
      if (before !== 'COLLATE' && !isColumn) fail(token.at, `${table.name} has no column ${token.text}`);
      if (isColumn) columns.add(isColumn);
      return;
    }
    if (next === '(' && !keywords.has(upper)) {
      if (varyingFunctions.has(upper) || varyingWords.has(upper)) {
        const harmless = upper === 'UNIX_TIMESTAMP' && tokens[i + 2]?.text !== ')';
        if (!harmless) fail(token.at, `${token.text}() does not depend only on the row`);
      }
      if (aggregates.has(upper)) fail(token.at, `${token.text}() aggregates rows; a filter tests one row`);
    }
    if (forbiddenWords.has(upper) && !isColumn) {
      fail(
        token.at,
        upper === 'SELECT' || upper === 'EXISTS'
          ? 'subqueries are not allowed'
          : `${token.text} is not allowed`,
      );
    }
    if (varyingWords.has(upper) && !isColumn) fail(token.at, `${token.text} does not depend only on the row`);
    if (['MATCH', 'DEFAULT', 'VALUES'].includes(upper) && next === '(')
      fail(token.at, `${token.text}() depends on the table; a filter can use only the values of a row`);
    if (nameFollows.has(before) || nameFollows.has(upper)) return;
    if (isColumn && next !== '(') columns.add(isColumn);
    else if (next !== '(' && !keywords.has(upper) && !units.test(upper) && !isTypeWord(tokens, i)) {
      fail(token.at, `${table.name} has no column ${token.text}`);
    }
  });
  for (const [i, token] of tokens.entries()) {
    const column =
      token.kind === 'word' || token.kind === 'name' ? byName?.get(token.text.toLowerCase()) : undefined;
    const { dataType, columnType = '', nullable } = table.columns?.find((c) => c.name === column) ?? {};
    if ((dataType === 'enum' || dataType === 'set') && !comparedWithText(tokens, i)) {
      fail(
        token.at,
        `the ${dataType.toUpperCase()} column ${column} can only be compared with its labels, in quotes`,
      );
    }
    if (nullable === false && /^date(time)?$/.test(dataType ?? '') && isNull(tokens, i)) {
      fail(
        token.at,
        `${column} is NOT NULL, and MySQL treats its zero date as NULL only in some contexts; compare it with '0000-00-00'`,
      );
    }
    if (/ zerofill$/i.test(columnType) && !comparedWithNumber(tokens, i)) {
      fail(
        token.at,
        `the ZEROFILL column ${column} can only be compared with numbers: replicated changes do not include the zeros`,
      );
    }
  }
  if (depth > 0) fail(sql.length, 'a ")" is missing');
  if (columns.size === 0) fail(0, 'it uses no column');
  return { sql, tokens, columns };
}

const isNull = (tokens: readonly Token[], at: number) =>
  /^IS NULL/.test(shape(tokens, at + 1, at + 3)) ||
  /(^| )ISNULL \(( \w+ \.)?$/.test(shape(tokens, at - 4, at));

/** In any other place an ENUM or SET may count as its number, which a literal of the event cannot stand for. */
function comparedWithText(tokens: readonly Token[], at: number): boolean {
  return /^(=|<>|!=|<=>|(NOT )?(LIKE|RLIKE|REGEXP)) '|^(NOT )?IN \( '|^IS (NOT )?NULL/.test(
    shape(tokens, at + 1, at + 5),
  );
}

/** Some tokens in one line: texts as ', numbers as 0. */
function shape(tokens: readonly Token[], from: number, to: number): string {
  const letters = (token: Token) =>
    token.kind === 'string' ? "'" : token.kind === 'number' ? '0' : token.text.toUpperCase();
  return tokens.slice(Math.max(0, from), to).map(letters).join(' ');
}

/** As a text a ZEROFILL column has zeros in front, which MySQL gives to columns of tables only. */
function comparedWithNumber(tokens: readonly Token[], at: number): boolean {
  return (
    /^(=|<>|!=|<=>|<|>|<=|>=) (- )?0|^(NOT )?IN \( (- )?0|^(NOT )?BETWEEN (- )?0|^IS (NOT )?NULL/.test(
      shape(tokens, at + 1, at + 6),
    ) || /0 (=|<>|!=|<=>|<|>|<=|>=)( \w+ \.)?$/.test(shape(tokens, at - 4, at))
  );
}

/** Inside CAST(… AS type): a second word of the type (`UNSIGNED INTEGER`, `CHAR CHARACTER SET utf8mb4`). */
function isTypeWord(tokens: readonly Token[], at: number): boolean {
  for (let i = at - 1; i >= 0 && tokens[i]!.text !== ','; i--) {
    if (tokens[i]!.text.toUpperCase() === 'AS') return true;
    if (tokens[i]!.text === '(' && i < at - 1 && tokens[i - 1]?.kind !== 'word') return false;
  }
  return false;
}
