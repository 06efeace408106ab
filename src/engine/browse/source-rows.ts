import { loadTables } from '../../mysql/catalog.js';
import { chunkKey, isUsableBound, type ChunkKey } from '../../mysql/chunk-key.js';
import type { SourceConnection } from '../../mysql/connection.js';
import type { TableDefinition } from '../../mysql/model.js';
import { boundOfToken, readPage, tokenOfBound, type PageStart } from '../../mysql/row-page.js';
import { typedBound } from '../../mysql/typed-bound.js';
import { charsetsOf, loadCharsetDecoders, type CharsetDecoders } from '../../mysql/types/index.js';
import type { SourcePage, SourceRows } from '../../shared/catalog-api.js';
import { RowferryError } from '../../shared/errors.js';
import { sourceName } from '../../shared/source-name.js';
import { compileFilter } from '../../sync/filter/index.js';
import { RowText } from '../../sync/rows/row-text.js';
import { patienceMs, toReadRows, withinTime } from './sessions.js';

/** Values of one answer, in bytes: an engine that browses goes on with its tasks beside. */
const mostBytes = 8 * 1024 * 1024;
/** Of a table without a key: each page reads again what stands before it. */
const keylessRows = 10_000;

/** A page of a table's rows. Reads only; throws what CatalogApi.sourceRows says. */
export async function sourceRows(
  connection: SourceConnection,
  { database, name }: { database: string; name: string },
  page: SourcePage,
  mostMs = patienceMs,
): Promise<SourceRows> {
  return withinTime(connection, mostMs, async () => {
    const [table] = await loadTables(connection, [{ database, table: name }]);
    if (!table)
      throw new RowferryError('ROW-S108', `The source has no table ${sourceName({ database, name })}.`);
    const filter = page.filter?.trim() ? page.filter : null;
    if (filter !== null) compileFilter(filter, table);
    const charsets = await loadCharsetDecoders((sql) => connection.query(sql), charsetsOf(table.columns));
    const key = chunkKey(table);
    const start = startOf(table, key, page, charsets);
    const skipped = start && 'skip' in start ? start.skip : 0;
    const most = key ? page.limit : Math.min(page.limit, keylessRows - skipped);

    await toReadRows(connection);
    const text = new RowText(table.columns, charsets);
    const rows: (string | null)[][] = [];
    const bounds: (readonly string[] | null)[] = [];
    const hasMore = await readPage(connection, {
      table,
      filter,
      start,
      rows: most,
      mostBytes,
      onRow: (image, bound) => {
        rows.push(text.of(image));
        bounds.push(bound);
      },
    });
    let next: string | null = null;
    if (hasMore && key) {
      // A page ends with a row behind which the next one can begin.
      const last = bounds.findLastIndex((bound) => bound !== null);
      if (last >= 0) {
        rows.length = bounds.length = last + 1;
        next = tokenOfBound(bounds[last]!);
      }
    } else if (hasMore && skipped + rows.length < keylessRows) next = String(skipped + rows.length);
    return {
      columns: table.columns.map((column) => ({ name: column.name, type: column.columnType })),
      key: key?.columns.map(({ column }) => column.name) ?? [],
      rows,
      keys: bounds.map((bound) => bound && tokenOfBound(bound)),
      next,
      isCut: hasMore && next === null,
      estimatedRows: table.estimatedRows,
    };
  });
}

/** Throws ROW-T104 for what is no place in this table. */
function startOf(
  table: TableDefinition,
  key: ChunkKey | null,
  { from, startAt }: SourcePage,
  charsets: CharsetDecoders,
): PageStart | null {
  if (from !== undefined) {
    const after = key && boundOfToken(key, from);
    if (after) return { after };
    if (!key && /^\d{1,5}$/.test(from) && Number(from) < keylessRows) return { skip: Number(from) };
    throw noPlace(table);
  }
  const bound: string[] = [];
  for (const [i, typed] of (startAt ?? []).entries()) {
    const one = key?.columns[i];
    // An empty one, and whatever is behind it, begins with the smallest.
    if (!one || typed === '') break;
    const part = typedBound(one, typed, charsets);
    const isUsable = part !== null && isUsableBound({ ...key, columns: [one] }, [part]);
    if (!isUsable) {
      throw new RowferryError(
        'ROW-T104',
        `${typed} is not a valid value for the key column ${one.column.name}.`,
        { remedy: `Enter a value as ${one.column.columnType} has it.` },
      );
    }
    bound.push(part);
  }
  return bound.length > 0 ? { at: bound } : null;
}

function noPlace(table: TableDefinition): RowferryError {
  return new RowferryError('ROW-T104', `This is no place in the rows of ${sourceName(table)}.`, {
    remedy: 'Read the rows again: the key of the table may have changed.',
  });
}
