import { isSameName } from '../mapping/plan.js';
import type { OnlineTool } from '../../shared/snapshot.js';

/**
 * How tools that change a table online name what they make beside it. A name proves nothing: people have tables of such
 * names, too. What proves is in traces.ts.
 *
 * gh-ost (go/base/context.go): `_t_gho` the copy, `_t_ghc` and `_t_ghk` its notes, `_t_del` the table that was replaced,
 * or `_t_20240101120000_del`, `_t_rev_del`; what is too long loses bytes in front of its ending.
 * pt-online-schema-change: `_t_new` the copy, `_t_old` the table that was replaced, with more underscores in front while
 * the name is taken; what is too long loses its end.
 * Spirit: `_t_new`, `_t_old`, and `_t_chkpnt` its notes.
 */
const endings = /(?<=^_.+)_(gho|ghc|ghk|del|new|old|chkpnt)$/i;
/** MySQL's longest name; gh-ost counts bytes. */
const longest = 64;
/** Bytes of a character that gh-ost may have cut. */
const cut = 3;
const mostUnderscores = 10;

export function isToolName(table: string): boolean {
  return endings.test(table) || (table.startsWith('_') && isCut(table));
}

function isCut(table: string): boolean {
  return Buffer.byteLength(table) > longest - cut;
}

function ending(table: string): string {
  return endings.exec(table)?.[1]?.toLowerCase() ?? '';
}

/** What gh-ost and Spirit call a change by: the name of its table, or what is left of that. */
function baseNames(table: string): string[] {
  const base = table.replace(endings, '').slice(1);
  const plain = base.replace(/_rev$/i, '');
  const names = [base, plain, plain.replace(/_\d{14}$/, ''), base.replace(/_\d{14}$/, '')];
  return [...new Set(names)].filter((name) => name !== '');
}

/** May `table` be what a tool made beside `original`? */
export function isMadeBeside(table: string, original: string, caseSensitive: boolean): boolean {
  const isSame = (a: string, b: string) => isSameName(a, b, caseSensitive);
  if (endings.test(table)) {
    for (const base of baseNames(table)) {
      if (isCut(table) && isSame(original.slice(0, base.length), base)) return true;
      for (let from = 0; from < mostUnderscores && (from === 0 || base[from - 1] === '_'); from++)
        if (isSame(base.slice(from), original)) return true;
    }
  }
  if (!isCut(table)) return false;
  for (let count = 1; count <= mostUnderscores; count++) {
    const front = '_'.repeat(count) + original;
    if (['_new', '_old'].some((end) => isSame((front + end).slice(0, longest), table))) return true;
  }
  return false;
}

/** What the notes of a tool are known by: their name, and columns that nobody else has. */
const notes: readonly { ending: string; tool: OnlineTool; columns: readonly string[] }[] = [
  { ending: 'ghc', tool: 'gh-ost', columns: ['last_update', 'hint', 'value'] },
  { ending: 'ghk', tool: 'gh-ost', columns: ['gh_ost_chk_id', 'gh_ost_chk_iteration'] },
  { ending: 'chkpnt', tool: 'Spirit', columns: ['copier_watermark', 'binlog_name'] },
];
export const noteColumns: readonly string[] = notes.flatMap(({ columns }) => columns);

/** The tool whose notes a table is, by its name and columns. */
export function toolOfNotes(table: string, columns: readonly string[]): OnlineTool | null {
  const has = new Set(columns.map((name) => name.toLowerCase()));
  const found = notes.find(
    (one) => one.ending === ending(table) && one.columns.every((name) => has.has(name)),
  );
  return found?.tool ?? null;
}

const partsOf: Record<OnlineTool, Record<string, 'copy' | 'old'>> = {
  'gh-ost': { gho: 'copy', del: 'old' },
  Spirit: { new: 'copy', old: 'old' },
  'pt-online-schema-change': {},
};

/** What `table` is in the change that `tool` keeps `notesTable` of; null: it has nothing to do with it. */
export function partInChange(
  table: string,
  tool: OnlineTool,
  notesTable: string,
  caseSensitive: boolean,
): 'copy' | 'old' | null {
  const part = partsOf[tool][ending(table)];
  if (!part) return null;
  const of = changedTable(notesTable);
  const isOne = baseNames(table).some(
    (base) =>
      isSameName(base, of, caseSensitive) ||
      (isCut(table) && isSameName(of.slice(0, base.length), base, caseSensitive)),
  );
  return isOne ? part : null;
}

/** By the name of its notes, or of its copy. */
export function changedTable(table: string): string {
  return table.replace(endings, '').slice(1);
}

/** pt-online-schema-change's triggers: `pt_osc_DATABASE_TABLE_ins`, with `rt_` in front those that go back to the old table. */
const triggerName = /^(rt_)?(pt_osc_.+)_(ins|upd|del)$/i;

/** What the triggers of one change share of their names; null: it is another's. */
export function triggerFamily(trigger: string): string | null {
  return triggerName.exec(trigger)?.slice(1, 3).join('') ?? null;
}

export function isReverse(family: string): boolean {
  return /^rt_/i.test(family);
}

/** Was a family of triggers made for this table? Triggers go along when their table is renamed. */
export function isFamilyOf(family: string, database: string, table: string): boolean {
  const fold = (text: string) => text.replace(/[^a-z0-9]+/gi, '_').toLowerCase();
  const [made, expected] = [
    fold(family),
    fold(`${isReverse(family) ? 'rt_' : ''}pt_osc_${database}_${table}`),
  ];
  // Cut at 60.
  return made === expected || (family.length >= longest - 4 && expected.startsWith(made));
}

/** Where a trigger of pt-online-schema-change writes to. */
export function triggerTarget(body: string): { database?: string; name: string } | null {
  const match =
    /\b(?:REPLACE|DELETE)\s+(?:IGNORE\s+)?(?:INTO|FROM)\s+(?:`((?:[^`]|``)+)`\.)?`((?:[^`]|``)+)`/i.exec(
      body,
    );
  if (!match) return null;
  const unquoted = (name: string) => name.replaceAll('``', '`');
  return { ...(match[1] !== undefined && { database: unquoted(match[1]) }), name: unquoted(match[2]!) };
}
