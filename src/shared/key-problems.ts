import type { Translate } from './format.js';
import type { CatalogTable } from './catalog-api.js';

/** What speaks against these columns as the key of this table. Pure; the precheck proves the rest on the server. */
export function keyProblems(table: CatalogTable, columns: readonly string[], t: Translate): string[] {
  const problems: string[] = [];
  for (const name of columns) {
    const column = table.columns.find((c) => c.name === name);
    if (!column) problems.push(t('{0} has no column {1}.', table.name, name));
    else if (column.keyProblem !== null) problems.push(t('{0}: {1}', name, column.keyProblem));
    else if (column.nullable) problems.push(t('{0} can be NULL.', name));
  }
  if (columns.length > 4) problems.push(t('A key has at most four columns.'));
  const chosen = new Set(columns);
  const proven = table.keys.some((key) => key.unique && key.columns.every((column) => chosen.has(column)));
  if (problems.length === 0 && !proven) {
    problems.push(t('No unique key of the source covers these columns: two rows may have the same key.'));
  }
  return problems;
}
