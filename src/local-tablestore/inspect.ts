import { PrimaryKeyType } from '../tablestore/wire/messages.js';
import {
  AUTO_INCREMENT,
  decodeRows,
  INF_MAX,
  INF_MIN,
  type CellValue,
} from '../tablestore/wire/plainbuffer.js';
import { RowferryError } from '../shared/errors.js';
import { ByteWriter } from './base/byte-writer.js';
import { encodeKeyValues } from './storage/key-codec.js';
import { latestQuery, liveRow, selectCells } from './operations/reads.js';
import { writeHeader, writeRow } from './operations/row-output.js';
import { Store, type Table } from './storage/store.js';

/** A value of a key: bigint, text or bytes. */
export type KeyPart = bigint | string | Buffer;

export interface TableView {
  readonly name: string;
  readonly primaryKey: readonly { name: string; type: 'INTEGER' | 'STRING' | 'BINARY' }[];
  readonly rows: number;
  readonly maxVersions: number;
  readonly timeToLiveSeconds: number;
}

/** Values by column name; without a prototype, so that no name of a column is special. */
export interface RowView {
  readonly primaryKey: Record<string, KeyPart>;
  /** The newest version of each column. */
  readonly columns: Record<string, CellValue>;
}

/** Reads the data of an embedded Tablestore, whether a server runs on it or not. */
export interface TablestoreData {
  tables(): TableView[];
  /** The row of a key, or undefined. Key values may be text: they are read as the column's type says. */
  get(table: string, key: readonly (KeyPart | number)[]): RowView | undefined;
  /** Rows in key order, from behind `after` when given. */
  scan(
    table: string,
    options?: { after?: readonly (KeyPart | number)[]; limit?: number },
  ): Generator<RowView>;
  close(): void;
}

const typeNames = {
  [PrimaryKeyType.INTEGER]: 'INTEGER',
  [PrimaryKeyType.STRING]: 'STRING',
  [PrimaryKeyType.BINARY]: 'BINARY',
} as const;

/**
 * Opens the data folder of an embedded Tablestore for reading.
 * @throws RowferryError ROW-E110 when there is no such file or it is not ours.
 */
export function openTablestoreData(folder: string, instance = 'local'): TablestoreData {
  const store = Store.open(folder, instance, true);
  const table = (name: string): Table => {
    const found = store.tables.get(name);
    if (found) return found;
    throw new RowferryError('ROW-D108', `The table "${name}" does not exist.`, {
      remedy: 'List the tables with "rowferry tablestore ls".',
    });
  };
  return {
    tables: () =>
      [...store.tables.values()].map((found) => ({
        name: found.schema.name,
        primaryKey: found.schema.primaryKey.map(({ name, type }) => ({
          name,
          type: typeNames[type as keyof typeof typeNames],
        })),
        rows: found.count(),
        maxVersions: found.schema.maxVersions,
        timeToLiveSeconds: found.schema.timeToLiveSeconds,
      })),
    get(name, key) {
      const found = table(name);
      const bytes = keyOf(found, key);
      const value = found.get(bytes);
      return value && rowView(found, bytes, value);
    },
    *scan(name, { after, limit = Infinity } = {}) {
      const found = table(name);
      const start = after ? Buffer.concat([keyOf(found, after), Buffer.from([0])]) : Buffer.alloc(0);
      let count = 0;
      for (const { key, value } of found.scan(start, Buffer.from([0xff]))) {
        if (count >= limit) return;
        const row = rowView(found, key, value);
        if (!row) continue;
        count++;
        yield row;
      }
    },
    close: () => store.close(),
  };
}

function keyOf(table: Table, parts: readonly (KeyPart | number)[]): Buffer {
  const { primaryKey } = table.schema;
  if (parts.length !== primaryKey.length) {
    throw new RowferryError(
      'ROW-T104',
      `The key of "${table.schema.name}" has ${primaryKey.length} column(s).`,
      {
        remedy: `Pass values for ${primaryKey.map(({ name }) => name).join(', ')}.`,
      },
    );
  }
  return encodeKeyValues(
    table.keyColumns,
    parts.map((part, index) => {
      const { name, type } = primaryKey[index]!;
      if (type !== PrimaryKeyType.INTEGER) return typeof part === 'object' ? part : Buffer.from(String(part));
      try {
        return BigInt.asIntN(64, BigInt(part as string | number | bigint));
      } catch (cause) {
        throw new RowferryError('ROW-T104', `The key column "${name}" is an integer.`, { cause });
      }
    }),
  );
}

function rowView(table: Table, key: Buffer, value: Buffer): RowView | undefined {
  const nowMs = Date.now();
  const row = liveRow(value, table, nowMs);
  if (!row) return undefined;
  const cells = selectCells(row, key, table, { ...latestQuery, maxVersions: 1 }, nowMs) ?? [];
  const writer = new ByteWriter();
  writeHeader(writer);
  writeRow(writer, key, table.keyColumns, cells);
  const decoded = decodeRows(writer.slice())[0]!;
  const primaryKey = Object.create(null) as Record<string, KeyPart>;
  for (const [name, part] of decoded.primaryKey) {
    if (part !== INF_MIN && part !== INF_MAX && part !== AUTO_INCREMENT) primaryKey[name] = part as KeyPart;
  }
  const columns = Object.create(null) as Record<string, CellValue>;
  for (const cell of decoded.cells) columns[cell.name] = cell.value!;
  return { primaryKey, columns };
}
