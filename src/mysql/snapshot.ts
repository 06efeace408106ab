import type { Query } from 'mysql2';
import { RowferryError } from '../shared/errors.js';
import { keepsNoRows } from './answer-bounds.js';
import { boundExpression, chunkKey, compareTo, isUsableBound, orderBy, type ChunkKey } from './chunk-key.js';
import { identifier, type SourceConnection } from './connection.js';
import { sourceError } from './errors.js';
import {
  NULL_VALUE,
  OVERSIZE_VALUE,
  maximumValueBytes,
  type Column,
  type RowImage,
  type TableDefinition,
} from './model.js';

/** A range of a table in the order of its chunk key; plain JSON. */
export interface Chunk {
  readonly index: number;
  /** Rows behind this bound; null: from the first row. */
  readonly lower: readonly string[] | null;
  /** Rows up to and with this bound; null: to the last row. */
  readonly upper: readonly string[] | null;
}

/** The columns by which the table is cut; null when no key can bound a range, and the table is one chunk. */
export function chunkColumns(table: TableDefinition): Column[] | null {
  return chunkKey(table)?.columns.map((one) => one.column) ?? null;
}

export function tableName(table: TableDefinition): string {
  return `${identifier(table.database)}.${identifier(table.name)}`;
}

/**
 * Cuts a table into chunks of so many rows, walking along its index from bound to bound, so that sparse and
 * uneven keys give even chunks. `after` goes on behind a chunk that was planned before. Throws RowferryError.
 */
export async function* planChunks(
  connection: SourceConnection,
  table: TableDefinition,
  options: { rows: number; after?: Chunk },
): AsyncGenerator<Chunk, void, undefined> {
  const { after } = options;
  if (after?.upper === null) return;
  const key = chunkKey(table);
  let index = after === undefined ? 0 : after.index + 1;
  let lower: readonly string[] | null = after?.upper ?? null;
  if (key === null) {
    yield { index, lower: null, upper: null };
    return;
  }
  for (;;) {
    const upper = await nextBound(connection, table, key, lower, options.rows);
    yield { index, lower, upper };
    if (upper === null) return;
    lower = upper;
    index++;
  }
}

const boundAttempts = 100;

/** The key of the row that is `rows` behind `lower`; null when there are not so many. */
async function nextBound(
  connection: SourceConnection,
  table: TableDefinition,
  key: ChunkKey,
  lower: readonly string[] | null,
  rows: number,
): Promise<string[] | null> {
  const select = key.columns.map((one, i) => `CAST(${boundExpression(one)} AS CHAR) AS b${i}`).join(', ');
  const where = lower === null ? '' : ` WHERE ${compareTo(key, lower, '>', false)}`;
  for (let attempt = 0; ; attempt++) {
    const found = await connection.query<Record<string, string>>(
      `SELECT ${select} FROM ${tableName(table)} FORCE INDEX (${identifier(key.index)})${where} ORDER BY ${orderBy(key)} LIMIT 1 OFFSET ${Math.max(0, Math.floor(rows) - 1 + attempt)}`,
    );
    if (found[0] === undefined) return null;
    const bound = key.columns.map((_, i) => String(found[0]![`b${i}`]));
    if (isUsableBound(key, bound)) return bound;
    // Past a hundred such rows the rest becomes one chunk.
    if (attempt >= boundAttempts) return null;
  }
}

export interface ChunkRead {
  readonly table: TableDefinition;
  /** What the RowImage holds, in this order. */
  readonly columns: readonly Column[];
  /** How a column is selected, so that its text is exact: selectExpression() of the table of types. */
  readonly select: (column: Column) => string;
  /** A condition in MySQL's words, pushed down; null for all rows. */
  readonly filter: string | null;
  readonly chunk: Chunk;
  /** Waits for whoever is changing the rows. */
  readonly lock?: RowLock | null;
  /**
   * Gets each row in text format; the image is only good until it returns. false: nothing more comes, but for
   * what lies in the current packet of the network, until connection.resume(). A throw ends the reading and the
   * connection.
   */
  readonly onRow: (image: RowImage) => boolean;
  /** Ends the reading and the connection. */
  readonly signal?: AbortSignal;
}

/** From MySQL 8 on, and before that. */
export type RowLock = 'FOR SHARE' | 'LOCK IN SHARE MODE';

export interface ChunkResult {
  readonly rows: number;
  /** Bytes of the rows as they came. */
  readonly bytes: number;
}

/** Types of which one value, or a few in a row, can pass the bound on a row. */
const bigTypes = new Set([
  'mediumtext',
  'longtext',
  'mediumblob',
  'longblob',
  'json',
  'geometry',
  'point',
  'linestring',
  'polygon',
  'multipoint',
  'multilinestring',
  'multipolygon',
  'geomcollection',
  'geometrycollection',
]);

/** JSON is measured as text only when its stored form is long enough to matter: printing it costs. */
function lengthExpression(column: Column): string {
  const name = identifier(column.name);
  return column.dataType === 'json'
    ? `IF(JSON_STORAGE_SIZE(${name}) > 1048576, LENGTH(${name}), 0)`
    : `LENGTH(${name})`;
}

/** What a statement selects of a table, and which of it is measured: the list has one more column then. */
export interface SelectList {
  readonly sql: string;
  readonly measured: readonly boolean[];
}

/**
 * The columns of a row image. A row over the bound arrives without its long values, so that it never has to be
 * held: a last column says that it was so (correctness rule 17).
 */
export function selectList(columns: readonly Column[], expressionOf: ChunkRead['select']): SelectList {
  const measured = columns.map((column) => bigTypes.has(column.dataType));
  const big = columns.filter((_, i) => measured[i]);
  const isOver =
    big.length === 0
      ? null
      : `${big.map((column) => `IFNULL(${lengthExpression(column)}, 0)`).join(' + ')} > ${maximumValueBytes}`;
  // Names of our own: the driver refuses results with columns that are called `constructor`, `__proto__` or the like.
  const select = columns.map((column, i) => {
    const expression = expressionOf(column);
    return `${measured[i] ? `IF(${isOver}, NULL, ${expression})` : expression} AS c${i}`;
  });
  if (isOver !== null) select.push(`${isOver} AS is_over`);
  return { sql: select.join(', '), measured };
}

/** FROM and WHERE of the rows of a chunk that the filter lets through. */
function rowsOf({ table, chunk, filter }: Pick<ChunkRead, 'table' | 'chunk' | 'filter'>): string {
  const key = chunkKey(table);
  const conditions: string[] = [];
  if (key && chunk.lower) conditions.push(compareTo(key, chunk.lower, '>', false));
  if (key && chunk.upper) conditions.push(compareTo(key, chunk.upper, '<', true));
  if (filter !== null) conditions.push(`(${filter})`);
  const hint = key && (chunk.lower ?? chunk.upper) ? ` FORCE INDEX (${identifier(key.index)})` : '';
  const where = conditions.length > 0 ? ` WHERE ${conditions.join(' AND ')}` : '';
  return `FROM ${tableName(table)}${hint}${where}`;
}

/** How many rows of a chunk the filter lets through. Throws RowferryError. */
export async function countChunk(
  connection: SourceConnection,
  read: Pick<ChunkRead, 'table' | 'chunk' | 'filter'>,
): Promise<number> {
  const [row] = await connection.query<{ found: number | string }>(
    `SELECT COUNT(*) AS found ${rowsOf(read)}`,
  );
  return Number(row?.found ?? 0);
}

/** All rows of a table. */
export const wholeTable: Chunk = { index: 0, lower: null, upper: null };

/** A packet as mysql2's parser hands it out: the payload is buffer[offset, end). */
interface DriverPacket {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly end: number;
  isEOF(): boolean;
}
interface DriverQuery extends Query {
  row(packet: DriverPacket, connection: unknown): unknown;
}

/**
 * Reads one chunk, row by row, on a connection of purpose 'snapshot'. Throws RowferryError, or what onRow threw, or the
 * signal's reason.
 */
export function readChunk(connection: SourceConnection, read: ChunkRead): Promise<ChunkResult> {
  const list = selectList(read.columns, read.select);
  const lock = read.lock ? ` ${read.lock}` : '';
  return readRows(connection, list, `${rowsOf(read)}${lock}`, read);
}

/**
 * The rows of one SELECT: `list`, and what stands behind it. No row becomes an object: the driver's own row handler is
 * replaced on the one query. Throws as readChunk().
 */
export function readRows(
  connection: SourceConnection,
  { sql, measured }: SelectList,
  behind: string,
  { onRow, signal }: Pick<ChunkRead, 'onRow' | 'signal'>,
): Promise<ChunkResult> {
  const hasFlag = measured.includes(true);
  const count = measured.length;
  const image: RowImage = {
    bytes: Buffer.alloc(0),
    starts: new Int32Array(count + 1),
    ends: new Int32Array(count + 1),
  };
  const fields = hasFlag ? count + 1 : count;
  let rows = 0;
  let bytes = 0;
  return new Promise((resolve, reject) => {
    let settled = false;
    const finish = (error: unknown): void => {
      if (settled) return;
      settled = true;
      signal?.removeEventListener('abort', abort);
      done();
      if (error === null) resolve({ rows, bytes });
      else reject(error);
    };
    const fail = (error: unknown): void => {
      finish(error);
      connection.destroy();
    };
    const abort = (): void => fail(signal!.reason);
    const done = connection.await(finish);
    if (signal?.aborted) return finish(signal.reason);
    signal?.addEventListener('abort', abort);

    const query = connection.raw.query(`SELECT ${sql} ${behind}`, (error: unknown) => {
      finish(error ? sourceError(error, 'use', connection.address) : null);
    }) as DriverQuery;
    keepsNoRows(query);
    const { row: driverRow } = query;
    const row = function (this: DriverQuery, packet: DriverPacket, driver: unknown): unknown {
      if (packet.isEOF()) return driverRow.call(this, packet, driver);
      if (settled) return row;
      try {
        splitTextRow(packet.buffer, packet.offset, packet.end, fields, image);
        if (hasFlag) markOversize(image, measured);
        rows++;
        bytes += packet.end - packet.offset;
        if (!onRow(image)) connection.pause();
      } catch (error) {
        fail(error);
      }
      return row;
    };
    query.row = row;
  });
}

/** Text protocol: each value behind its length-encoded length, 0xfb for NULL. Throws ROW-S107 when they are not the row. */
export function splitTextRow(
  bytes: Buffer,
  start: number,
  end: number,
  fields: number,
  image: RowImage,
): void {
  const { starts, ends } = image;
  image.bytes = bytes;
  let at = start;
  for (let i = 0; i < fields; i++) {
    if (at >= end) throw misfit();
    let length = bytes[at++]!;
    if (length > 250) {
      if (length === 0xfb) {
        starts[i] = NULL_VALUE;
        continue;
      }
      const width = length === 0xfc ? 2 : length === 0xfd ? 3 : 8;
      if (at + width > end) throw misfit();
      length = bytes.readUIntLE(at, Math.min(width, 6));
      at += width;
    }
    starts[i] = at;
    at += length;
    ends[i] = at;
  }
  if (at !== end) throw misfit();
}

function misfit(): RowferryError {
  return new RowferryError(
    'ROW-S107',
    'MySQL sent a row that does not have the columns that were asked for.',
  );
}

const digitZero = 0x30;

function markOversize(image: RowImage, measured: readonly boolean[]): void {
  const flag = image.starts[measured.length]!;
  if (flag < 0 || image.bytes[flag] === digitZero) return;
  measured.forEach((isMeasured, i) => {
    if (isMeasured) image.starts[i] = OVERSIZE_VALUE;
  });
}
