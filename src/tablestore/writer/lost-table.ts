/**
 * A table that rows are written to or read from is not what it was: somebody deleted it, or made it again with another
 * key. That concerns this table alone, and no further try mends it.
 */
import { RowferryError } from '../../shared/errors.js';
import type { TablestoreClient } from '../client/client.js';
import { TablestoreError } from '../client/errors.js';
import { describeTable } from '../client/operations.js';
import { withRetry, type RetryWindows } from '../client/retry.js';
import { decodeRows } from '../wire/plainbuffer.js';

export class LostTable extends RowferryError {
  constructor(
    readonly table: string,
    code: 'ROW-D106' | 'ROW-D110',
    message: string,
    cause?: unknown,
  ) {
    super(code, message, { cause });
  }

  /** As what stops one table of the source. */
  of(source: string): RowferryError {
    return new RowferryError(this.code, this.message, {
      cause: this,
      remedy: `Re-create and reload the table: rowferry reload TASK --table ${source} --remake`,
    });
  }
}

/** May this answer to a row, or to a whole request, mean that the table is lost? */
export function mayTellOfTable(code: string): boolean {
  return code === 'OTSObjectNotExist' || code === 'OTSInvalidPK';
}

/**
 * Looks whether a table that answered so to this row (PlainBuffer) is lost. null: it is there, with the key of the row,
 * so that the answer says something of the row, or passes.
 */
export async function lostTable(
  client: TablestoreClient,
  table: string,
  code: string,
  row: Buffer,
  { windows, signal }: { windows: RetryWindows; signal: AbortSignal },
): Promise<LostTable | null> {
  try {
    const there = await withRetry(windows, () => describeTable(client, table, { signal }), { signal });
    if (there === null) return gone(table);
    const found = there.keys.map(({ name, type }) => `${name} ${type}`).join(', ');
    const wanted = decodeRows(row)[0]!
      .primaryKey.map(([name, value]) => `${name} ${typeOf(value)}`)
      .join(', ');
    return found === wanted ? null : otherKey(table, `(${found}) instead of (${wanted})`);
  } catch (error) {
    // One who may not look believes what the rows say.
    if (!(error instanceof TablestoreError) || error.kind !== 'fatal') throw error;
    return code === 'OTSObjectNotExist' ? gone(table) : null;
  }
}

/** Throws what `read` throws, told of the table where it is lost. */
export async function reading<T>(table: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof TablestoreError)) throw error;
    if (error.service === 'OTSObjectNotExist') throw gone(table, error);
    if (error.service === 'OTSInvalidPK') throw otherKey(table, error.message, error);
    throw error;
  }
}

export function gone(table: string, cause?: unknown): LostTable {
  return new LostTable(table, 'ROW-D110', `The destination table ${table} no longer exists.`, cause);
}

function otherKey(table: string, how: string, cause?: unknown): LostTable {
  return new LostTable(
    table,
    'ROW-D106',
    `The destination table ${table} now has a different key: ${how}.`,
    cause,
  );
}

function typeOf(value: unknown): string {
  if (typeof value === 'bigint') return 'INTEGER';
  return typeof value === 'string' ? 'STRING' : 'BINARY';
}
