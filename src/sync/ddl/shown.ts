import type { StatementEvent } from '../../mysql/model.js';

const shownCharacters = 200;

/**
 * A statement as it may be shown: shortened, and without what stands in quotes, which may be a password or people's
 * data. A quote that is not closed hides the rest.
 */
export function shownStatement({ sql, context }: Pick<StatementEvent, 'sql' | 'context'>): string {
  const body = context.noBackslashEscapes ? (q: string) => `(?:[^${q}]|${q}${q})*` : bodyWithEscapes;
  const quoted = ["'", ...(context.ansiQuotes ? [] : ['"'])].map((q) => `${q}${body(q)}(?:${q}|$)`);
  const hidden = sql
    .slice(0, 20 * shownCharacters)
    .replace(
      new RegExp(`(\`(?:[^\`]|\`\`)*\`)|${quoted.join('|')}`, 'g'),
      (_all, name?: string) => name ?? "'…'",
    )
    .replace(/\b0x[0-9a-f]{9,}/gi, '0x…')
    .replace(/\s+/g, ' ')
    .trim();
  return hidden.length > shownCharacters ? `${hidden.slice(0, shownCharacters)}…` : hidden;
}

const bodyWithEscapes = (q: string) => `(?:[^${q}\\\\]|\\\\[\\s\\S]|${q}${q})*`;

/** "a statement in database shop at binlog.000001:1234" */
export function whereWritten({ database, place }: Pick<StatementEvent, 'database' | 'place'>): string {
  return `a statement ${database === '' ? 'without a database' : `in database ${database}`} at ${place}`;
}
