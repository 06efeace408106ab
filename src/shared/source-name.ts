import { RowferryError } from './errors.js';

/**
 * A table of the source is a pair: its database and its name. This file alone makes one text of it and takes it apart,
 * and no two tables have the same text: a part with a dot or a backquote stands in backquotes, doubled within it.
 */
export interface SourceTable {
  readonly database: string;
  readonly name: string;
}

/**
 * A name as a server with lower_case_table_names 1 or 2 compares it: each character by itself, those of the tables that
 * MySQL has for it (my_unicase_default). toLowerCase() of a whole name makes another sigma at its end, and two
 * characters of a dotted I.
 */
export function foldName(name: string): string {
  if (/^[\0-\x7f]*$/.test(name)) return name.toLowerCase();
  return Array.from(name, (char) => {
    if (char === 'İ') return 'i';
    return foldingPages.has(char.codePointAt(0)! >> 8) ? char.toLowerCase() : char;
  }).join('');
}
const foldingPages = new Set([0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x1e, 0x1f, 0x21, 0x24, 0xff]);

/** `database.table`, by which a table is known in the store, in messages and on the command line. */
export function sourceName({ database, name }: SourceTable): string {
  return `${part(database)}.${part(name)}`;
}

function part(name: string): string {
  return /[.`]/.test(name) ? `\`${name.replaceAll('`', '``')}\`` : name;
}

const written = /^(?:`((?:[^`]|``)+)`|([^.`]+))\.(?:`((?:[^`]|``)+)`|([^.`]+))$/;

/** null: the text is not one that sourceName() gives, nor one with backquotes that need not be. */
export function parseSourceName(text: string): SourceTable | null {
  const found = written.exec(text);
  if (!found) return null;
  const [, quotedDatabase, database, quotedName, name] = found;
  const plain = (one: string) => one.replaceAll('``', '`');
  return { database: database ?? plain(quotedDatabase!), name: name ?? plain(quotedName!) };
}

/**
 * Which of the known tables a person means who writes `text`: without backquotes too, and in another case, where that
 * leaves one of them. More than one: the text does not tell.
 */
export function tablesMeant(text: string, known: readonly string[]): string[] {
  const pair = parseSourceName(text);
  const canonical = pair ? sourceName(pair) : text;
  const bare = (source: string) => {
    const table = parseSourceName(source);
    return table ? [table.database, table.name].join('.') : source;
  };
  const fold = (one: string) => one.toLowerCase();
  const readings: ((source: string) => boolean)[] = [
    (source) => source === canonical,
    (source) => bare(source) === text,
    (source) => fold(source) === fold(canonical) || fold(bare(source)) === fold(text),
  ];
  for (const isMeant of readings) {
    const found = known.filter(isMeant);
    if (found.length > 0) return found;
  }
  return [];
}

/** The text that a table has in records, known now or once; `text` itself when it is none. Throws ROW-T104 (ambiguous). */
export function canonicalTable(text: string, known: readonly string[]): string {
  const meant = tablesMeant(text, known);
  if (meant.length > 1) throw ambiguousTable(text, meant);
  const pair = parseSourceName(text);
  return meant[0] ?? (pair ? sourceName(pair) : text);
}

export function ambiguousTable(text: string, meant: readonly string[]): RowferryError {
  return new RowferryError('ROW-T104', `${text} is ambiguous: it can mean ${meant.join(' or ')}.`, {
    remedy: 'Use one of these names, including the backquotes.',
  });
}
