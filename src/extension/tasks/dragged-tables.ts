/** What is dragged from the connections to the tasks, as JSON. */
export const tablesMimeType = 'application/vnd.rowferry.tables';

/** A table of a saved MySQL connection; without `table` the whole database. */
export interface ChosenTable {
  connection: string;
  database: string;
  table?: string;
}

/** Nothing when the text is not of ours: anything may be dropped. */
export function draggedTables(text: string): ChosenTable[] {
  try {
    const given: unknown = JSON.parse(text);
    return Array.isArray(given) && given.every(isChosenTable) ? given : [];
  } catch {
    return [];
  }
}

function isChosenTable(given: unknown): given is ChosenTable {
  if (typeof given !== 'object' || given === null) return false;
  const { connection, database, table, ...more } = given as Record<string, unknown>;
  return (
    typeof connection === 'string' &&
    typeof database === 'string' &&
    (table === undefined || typeof table === 'string') &&
    Object.keys(more).length === 0
  );
}
