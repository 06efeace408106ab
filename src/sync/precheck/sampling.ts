import { identifier } from '../../mysql/connection.js';
import { mysqlErrorNumber } from './server-error.js';
import type { Column, TableDefinition } from '../../mysql/model.js';
import { bad, good, some, unproven, type CheckContext, type Outcome } from './check.js';
import type { TaskFix } from '../../shared/task-fix.js';
import { placeOf } from './fixes.js';
import { sourceName } from '../../shared/source-name.js';

/** A question to one table: is there a row that meets this condition? */
export interface Question {
  readonly table: TableDefinition;
  /** What is asked about, for people: `shop.orders.id`. */
  readonly subject: string;
  /** The column that it is about, when it is about one. */
  readonly column?: string;
  /** SQL behind WHERE. */
  readonly condition: string;
}

/** Time that one question may take: an index answers at once, a scan of a large table is cut off. */
const perQuestionMs = 400;
const queryTimedOut = 3024;

/**
 * Asks the tables one after the other until the deadline. A row found is a fact; none found within the time is
 * only proven when the query ran to its end.
 */
export async function ask(
  context: CheckContext,
  questions: readonly Question[],
  words: {
    none: string;
    found: string;
    fix: string;
    fixes?: (found: readonly Question[]) => readonly TaskFix[];
    /** What of the first table is shown in the form; without it the table. */
    setting?: (found: Question) => readonly string[];
  },
): Promise<Outcome> {
  if (questions.length === 0) return good(words.none);
  const connection = await context.sampling();
  const found: Question[] = [];
  const open: string[] = [];
  for (const question of questions) {
    const { table, subject, condition } = question;
    const left = Math.min(perQuestionMs, context.deadline - Date.now());
    if (left <= 0) {
      open.push(subject);
      continue;
    }
    try {
      const name = `${identifier(table.database)}.${identifier(table.name)}`;
      const rows = await connection.query(
        `SELECT /*+ MAX_EXECUTION_TIME(${left}) */ 1 FROM ${name} WHERE ${condition} LIMIT 1`,
      );
      if (rows.length > 0) found.push(question);
    } catch (error) {
      if (mysqlErrorNumber(error) !== queryTimedOut) throw error;
      open.push(subject);
    }
  }
  const [first] = found;
  if (first) {
    return bad(`${words.found}: ${some(found.map(({ subject }) => subject))}`, words.fix, {
      fixes: words.fixes?.(found) ?? [],
      at: placeOf(context.task, first.table, words.setting?.(first) ?? []),
    });
  }
  return open.length === 0 ? good(words.none) : unproven(`not verified for ${some(open)}: too large to scan`);
}

export function subjectOf(table: TableDefinition, column?: Column): string {
  return column ? `${sourceName(table)}.${column.name}` : sourceName(table);
}

/** Most bytes per character in utf8: what a text column can grow to in Tablestore. */
const bytesPerCharacter: Record<string, number> = { ascii: 1, latin1: 3, utf8: 3, utf8mb3: 3, ucs2: 3 };

/** The most bytes that a value of a text or binary column can have in Tablestore; 0 for other types. */
export function largestBytes(column: Column): number {
  switch (column.dataType) {
    case 'char':
    case 'varchar':
      return column.length * (bytesPerCharacter[column.charset ?? ''] ?? 4);
    case 'tinytext':
    case 'text':
    case 'mediumtext':
    case 'longtext':
    case 'tinyblob':
    case 'blob':
    case 'mediumblob':
    case 'longblob':
    case 'binary':
    case 'varbinary':
      return column.length;
    case 'json':
    case 'geometry':
      return 2 ** 32;
    default:
      return 0;
  }
}

/** SQL for the bytes that a value has in Tablestore. */
export function bytesOf(column: Column): string {
  const name = identifier(column.name);
  if (column.dataType === 'json') return `LENGTH(CAST(${name} AS CHAR))`;
  return column.charset === null ? `LENGTH(${name})` : `LENGTH(CONVERT(${name} USING utf8mb4))`;
}
