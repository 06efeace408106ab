import { plainWords, type Translate } from './format.js';
import type { LeftOutTable } from './snapshot.js';

/** Why a table of a whole database is not replicated; a clause. */
export function leftOutReason(table: LeftOutTable, t: Translate = plainWords): string {
  const tool = table.tool ?? '';
  const changed = table.of ?? t('a table');
  switch (table.as) {
    case 'copy':
      return t('{0} is building the new {1} in it', tool, changed);
    case 'notes':
      return t('{0} uses it while changing {1}', tool, changed);
    case 'old':
      return t('the old {1}, from before {0} changed it', tool, changed);
    case 'open':
      return t(
        'may belong to an online schema change; Rowferry decides within seconds and otherwise loads it',
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
