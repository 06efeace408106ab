import { plainWords, type Translate } from './format.js';
import type { LeftOutTable } from './snapshot.js';

/** Why a table of a whole database is not replicated; a clause. */
export function leftOutReason(table: LeftOutTable, t: Translate = plainWords): string {
  const tool = table.tool ?? '';
  const changed = table.of ?? t('a table');
  switch (table.as) {
    case 'copy':
      return t('{0} builds the new {1} in it', tool, changed);
    case 'notes':
      return t('{0} keeps notes in it while it changes {1}', tool, changed);
    case 'old':
      return t('{1} as it was before {0} changed it', tool, changed);
    case 'open':
      return t(
        'it may belong to an online schema change, which shows within seconds; otherwise it is loaded',
      );
  }
}

/** The tables and why, a line each; undefined when there are none. */
export function leftOutWords(
  leftOut: readonly LeftOutTable[] | undefined,
  t: Translate,
): { label: string; description: string; lines: string[] } | undefined {
  if (!leftOut || leftOut.length === 0) return undefined;
  return {
    label: t('Left out'),
    description: leftOut.map(({ source }) => source).join(', '),
    lines: leftOut.map((table) => `${table.source}: ${leftOutReason(table, t)}`),
  };
}
