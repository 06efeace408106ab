/** A row as a page shows it: a text for each column, null where there is none. */
export type ShownRow = readonly (string | null)[];

/**
 * A row as one JSON object, in the order of its columns. A column without a value is null in MySQL; in Tablestore the row
 * does not have it (`isSparse`).
 */
export function rowJson(columns: readonly string[], row: ShownRow, isSparse: boolean): string {
  const cells = columns.map((name, i) => [name, row[i] ?? null] as const);
  const there = isSparse ? cells.filter(([, value]) => value !== null) : cells;
  // Not an object: a column may be called __proto__, and one called 7 would come first.
  return `{${there.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
}
