import {
  boundExpression,
  chunkKey,
  compareTo,
  equalTo,
  isBound,
  isUsableBound,
  orderBy,
  type ChunkKey,
} from './chunk-key.js';
import { identifier, type SourceConnection } from './connection.js';
import type { Column, RowImage, TableDefinition } from './model.js';
import { readRows, selectList, tableName } from './snapshot.js';
import { selectExpression } from './types/index.js';

/** Where a page begins. */
export type PageStart =
  /** Behind the row of this bound. */
  | { readonly after: readonly string[] }
  /** With the first row whose first key columns are at least these. */
  | { readonly at: readonly string[] }
  /** In a table without a key: behind so many rows. */
  | { readonly skip: number };

export interface PageRead {
  readonly table: TableDefinition;
  /** A condition that was checked; null for all rows. */
  readonly filter: string | null;
  readonly start: PageStart | null;
  readonly rows: number;
  /** Fewer rows come when they take more than this, but always one. */
  readonly mostBytes: number;
  /**
   * Gets each row as its columns are in the table; the image is only good until it returns. `bound`: what the row is
   * found by; null where nothing is.
   */
  readonly onRow: (image: RowImage, bound: readonly string[] | null) => void;
}

/** Thrown to end a reading that has enough: the rest of the answer is not waited for. */
const enough = Symbol('enough');

/**
 * Reads a page of a table in the order of its chunk key, so that the next one goes on from an index and not from row
 * one; without a key, as the server scans the table. Answers whether there are more rows. The connection, of purpose
 * 'snapshot', may be of no more use afterwards. Throws RowferryError.
 */
export async function readPage(connection: SourceConnection, read: PageRead): Promise<boolean> {
  const { table, start, rows, mostBytes, onRow } = read;
  const key = chunkKey(table);
  // Values of the key once more, as bounds have them, behind the columns of the table.
  const bounds = (key?.columns ?? []).map((one) => ({ one, column: { ...one.column, dataType: 'varchar' } }));
  const columns: Column[] = [...table.columns, ...bounds.map(({ column }) => column)];
  const list = selectList(columns, (column) => {
    const bound = bounds.find((one) => one.column === column);
    return bound ? `CAST(${boundExpression(bound.one)} AS CHAR)` : selectExpression(column);
  });
  let count = 0;
  let bytes = 0;
  let hasMore = false;
  try {
    await readRows(connection, list, pageOf(read, key), {
      onRow: (image) => {
        const size = sizeOf(image, columns.length);
        hasMore = count >= rows || (count > 0 && bytes + size > mostBytes);
        if (hasMore) throw enough;
        count++;
        bytes += size;
        onRow(image, key && boundOf(image, key, table.columns.length));
        return true;
      },
    });
  } catch (error) {
    if (error !== enough) throw error;
  }
  return hasMore;

  function pageOf({ filter }: PageRead, key: ChunkKey | null): string {
    const conditions: string[] = [];
    if (key && start && 'after' in start) conditions.push(compareTo(key, start.after, '>', false));
    if (key && start && 'at' in start) {
      const first = { ...key, columns: key.columns.slice(0, start.at.length) };
      conditions.push(compareTo(first, start.at, '>', true));
    }
    if (filter !== null) conditions.push(`(${filter})`);
    // A filter may have an index of its own, and the server knows better than we which of the two finds rows sooner.
    const hint = key && filter === null ? ` FORCE INDEX (${identifier(key.index)})` : '';
    const where = conditions.length > 0 ? ` WHERE ${conditions.join(' AND ')}` : '';
    const order = key ? ` ORDER BY ${orderBy(key)}` : '';
    const offset = start && 'skip' in start ? ` OFFSET ${start.skip}` : '';
    // One more tells whether there are more.
    return `FROM ${tableName(table)}${hint}${where}${order} LIMIT ${rows + 1}${offset}`;
  }
}

/** The row of a bound, if it is there. Throws as readPage(). */
export async function readBound(
  connection: SourceConnection,
  table: TableDefinition,
  key: ChunkKey,
  bound: readonly string[],
  onRow: (image: RowImage) => void,
): Promise<void> {
  await readRows(
    connection,
    selectList(table.columns, selectExpression),
    `FROM ${tableName(table)} WHERE ${equalTo(key, bound)}`,
    {
      onRow: (image) => {
        onRow(image);
        return true;
      },
    },
  );
}

function sizeOf({ starts, ends }: RowImage, count: number): number {
  let bytes = 0;
  for (let i = 0; i < count; i++) if (starts[i]! >= 0) bytes += ends[i]! - starts[i]!;
  return bytes;
}

function boundOf({ bytes, starts, ends }: RowImage, key: ChunkKey, at: number): readonly string[] | null {
  const bound = key.columns.map((_, i) => bytes.toString('latin1', starts[at + i], ends[at + i]));
  return isUsableBound(key, bound) ? bound : null;
}

/** A bound in one word, for whoever asks by it later. */
export function tokenOfBound(bound: readonly string[]): string {
  return Buffer.from(JSON.stringify(bound)).toString('base64');
}

/** The bound of such a word; null when it is none of this key. */
export function boundOfToken(key: ChunkKey, token: string): string[] | null {
  try {
    const bound: unknown = JSON.parse(Buffer.from(token, 'base64').toString());
    const isOfTexts = Array.isArray(bound) && bound.every((part) => typeof part === 'string');
    return isOfTexts && isBound(key, bound) ? bound : null;
  } catch {
    return null;
  }
}
