import { isErrorCode } from '../../shared/error-pages.js';
import { errorCodes } from '../../shared/errors.js';
import type { ResolvedTask } from '../../shared/task.js';
import { counted } from './words.js';

/** What stands for a value of a row: of what kind it is, and how long. Enough to see what is wrong, and nothing more. */

type Values = Readonly<Record<string, string | null>>;

/** `text, 12 characters`; values come as text, binary as 0x…. */
export function maskValue(value: string | null): string {
  if (value === null) return 'NULL';
  if (value === '***') return 'masked by the task';
  if (/^0x[0-9a-f]*$/i.test(value)) return `binary, ${counted((value.length - 2) / 2, 'byte')}`;
  if (/^[+-]?\d+$/.test(value)) return `integer, ${counted(value.replace(/^[+-]/, '').length, 'digit')}`;
  if (/^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(value)) return `number, ${counted(value.length, 'character')}`;
  if (/^\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?/.test(value)) return 'date or time';
  if (value === '') return 'empty text';
  return `text, ${counted([...value].length, 'character')}`;
}

/** A row by its columns, each value masked. */
export function maskRow(row: Values): Record<string, string> {
  return Object.fromEntries(Object.entries(row).map(([column, value]) => [column, maskValue(value)]));
}

/** What messages of these codes pass on may quote values: a server's words, a row's problem. */
const quoting: ReadonlySet<string> = new Set([
  'ROW-S109',
  'ROW-S111',
  'ROW-S112',
  'ROW-S113',
  'ROW-D108',
  'ROW-D109',
  'ROW-E107',
]);

export interface MaskedError {
  code: string;
  message: string;
  remedy: string;
}

/**
 * An error without values of rows. Of a row's own problem (ROW-V…) without the row at hand only what the code means is
 * told; with it, the message without its values.
 */
export function maskError(
  { code, message, remedy }: { code: string; message: string; remedy: string },
  ...rows: Values[]
): MaskedError {
  if (!code.startsWith('ROW-V')) {
    return { code, message: quoting.has(code) ? withoutAllQuoted(message) : message, remedy };
  }
  if (rows.length > 0) {
    const masked = withoutValues(message, rows);
    // A transformation may name a number that it made of the row's.
    return { code, message: code === 'ROW-V106' ? masked.replaceAll(/\d+(\.\d+)?/g, '…') : masked, remedy };
  }
  const known = isErrorCode(code) ? errorCodes[code].cause : 'A row has a problem.';
  return { code, message: known, remedy };
}

function withoutValues(message: string, rows: readonly Values[]): string {
  const columns = new Set(rows.flatMap((row) => Object.keys(row)));
  let text = message;
  const values = rows.flatMap((row) => Object.values(row)).filter((value) => value !== null);
  // The longest first: one may be part of another. A value that reads like a column's name is taken for the name.
  for (const value of [...new Set(values)].sort((a, b) => b.length - a.length)) {
    if (value === '' || columns.has(value)) continue;
    if (value.length >= unmistakable) text = text.replaceAll(value, '…');
    else text = text.replaceAll(new RegExp(`(?<![\\w.])${literal(value)}(?!\\w|\\.\\w)`, 'g'), '…');
  }
  return withoutQuoted(text, columns);
}

/** Shorter values may be part of a word by accident. */
const unmistakable = 5;
const literal = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Nothing says where a value ends that has quotes itself, or was cut. */
function withoutAllQuoted(message: string): string {
  const first = message.search(/['"]/);
  if (first < 0) return message;
  const last = hasOpenQuote(message)
    ? message.length
    : Math.max(message.lastIndexOf("'"), message.lastIndexOf('"')) + 1;
  return `${message.slice(0, first)}'…'${message.slice(last)}`;
}

const hasOpenQuote = (text: string) => ["'", '"'].some((quote) => text.split(quote).length % 2 === 0);

/** Texts in quotes that are no names of columns. */
function withoutQuoted(message: string, names: ReadonlySet<string>): string {
  if (hasOpenQuote(message)) return withoutAllQuoted(message);
  return message.replaceAll(
    /'((?:[^'\\]|\\.|'')*)'|"((?:[^"\\]|\\.)*)"/g,
    (whole, single?: string, double?: string) =>
      names.has(single ?? double ?? '') ? whole : `${whole[0]}…${whole[0]}`,
  );
}

/** What a task holds that nobody may learn, in the forms that texts have it in. */
export function secretsOf({ source, destination, alerts }: ResolvedTask): string[] {
  const { accessKeyId, accessKeySecret, securityToken } = destination;
  const all = [
    source.password,
    accessKeyId,
    accessKeySecret,
    securityToken,
    alerts.webhook,
    alerts.webhookSecret,
  ];
  const long = all.filter((one): one is string => typeof one === 'string' && one.length >= shortest);
  // As text within JSON and within an address, too.
  const forms = long.flatMap((one) => [one, JSON.stringify(one).slice(1, -1), encodeURIComponent(one)]);
  return [...new Set(forms)];
}
/** Shorter ones would be found in any text. */
const shortest = 4;

/** The same value with every secret taken out of its texts: the net below everything else. */
export function withoutSecrets<T>(value: T, secrets: Iterable<string>): T {
  const all = [...secrets].sort((a, b) => b.length - a.length);
  const clean = (one: unknown): unknown => {
    if (typeof one === 'string')
      return all.reduce((text, secret) => text.replaceAll(secret, '(hidden)'), one);
    if (Array.isArray(one)) return one.map(clean);
    if (typeof one === 'object' && one !== null)
      return Object.fromEntries(Object.entries(one).map(([key, inner]) => [key, clean(inner)]));
    return one;
  };
  return clean(value) as T;
}
