import { plainContext, type StatementContext, type RawStatement } from '../statement.js';
import { Reader } from './format.js';

/** QUERY_EVENT: a statement and, in its status variables, what its session had set (MySQL source, statement_events.h). */

export type QueryEvent = Pick<RawStatement, 'database' | 'databases' | 'statement' | 'context'> & {
  /** It changed a definition that the server keeps: not that of a temporary table. Only of an atomic engine, from MySQL 8.0 on. */
  readonly isAtomicDdl: boolean;
};

/** `extra` is 13 for EXECUTE_LOAD_QUERY_EVENT, whose own fields stand between. */
export function parseQuery(reader: Reader, extra: 0 | 13): QueryEvent {
  reader.skip(8);
  const databaseLength = reader.uint(1);
  reader.skip(2);
  const statusLength = reader.uint(2);
  reader.skip(extra);
  const status = new Reader(reader.bytes, reader.at, reader.at + statusLength);
  reader.skip(statusLength);
  const database = reader.text(databaseLength);
  reader.skip(1);
  return { database, ...readStatus(status), statement: reader.slice(reader.remaining) };
}

/** Query_event_status_vars, by code. */
const Status = {
  flags2: 0,
  sqlMode: 1,
  /** With a zero behind it, as MySQL 5.0 had it. */
  oldCatalog: 2,
  autoIncrement: 3,
  charset: 4,
  timeZone: 5,
  catalog: 6,
  lcTimeNames: 7,
  charsetDatabase: 8,
  tableMapForUpdate: 9,
  masterDataWritten: 10,
  invoker: 11,
  updatedDatabases: 12,
  microseconds: 13,
  commitTs: 14,
  commitTs2: 15,
  explicitDefaultsForTimestamp: 16,
  ddlXid: 17,
  defaultCollationForUtf8mb4: 18,
  sqlRequirePrimaryKey: 19,
  defaultTableEncryption: 20,
  /** MariaDB: fractions of the second, and a transaction's number. */
  hrnow: 128,
  mariaXid: 129,
} as const;

/** A statement that touched more databases says only that they were more. */
const mostDatabases = 16;

/** Bits of sql_mode that change how a statement is read, or what it does to rows (MySQL source, sql/system_variables.h). */
const Mode = {
  realAsFloat: 1n << 0n,
  pipesAsConcat: 1n << 1n,
  ansiQuotes: 1n << 2n,
  noBackslashEscapes: 1n << 20n,
  strictTransTables: 1n << 21n,
  strictAllTables: 1n << 22n,
  noZeroInDate: 1n << 23n,
  noZeroDate: 1n << 24n,
};

/**
 * What stands behind a code that is not known cannot be told apart, so reading ends there, as it does in the server:
 * new ones are written last. Databases that were not named by then may be any.
 */
function readStatus(reader: Reader): Pick<QueryEvent, 'databases' | 'context' | 'isAtomicDdl'> {
  let isAtomicDdl = false;
  let databases: readonly string[] | null = null;
  const context: { -readonly [Name in keyof StatementContext]: StatementContext[Name] } = {
    ...plainContext,
    clientCollation: 0,
    connectionCollation: 0,
  };
  while (reader.remaining > 0) {
    switch (reader.uint(1)) {
      case Status.flags2:
      case Status.autoIncrement:
      case Status.masterDataWritten:
        reader.skip(4);
        break;
      case Status.sqlMode: {
        const mode = reader.uint64();
        context.sqlMode = mode;
        context.realAsFloat = (mode & Mode.realAsFloat) !== 0n;
        context.pipesAsConcat = (mode & Mode.pipesAsConcat) !== 0n;
        context.ansiQuotes = (mode & Mode.ansiQuotes) !== 0n;
        context.noBackslashEscapes = (mode & Mode.noBackslashEscapes) !== 0n;
        context.clearsZeroDates = (mode & (Mode.noZeroInDate | Mode.noZeroDate)) !== 0n;
        context.isStrict = (mode & (Mode.strictTransTables | Mode.strictAllTables)) !== 0n;
        break;
      }
      case Status.oldCatalog:
        reader.skip(reader.uint(1) + 1);
        break;
      case Status.catalog:
        reader.skip(reader.uint(1));
        break;
      case Status.timeZone:
        context.timeZone = reader.text(reader.uint(1));
        break;
      case Status.charset:
        context.clientCollation = reader.uint(2);
        context.connectionCollation = reader.uint(2);
        context.serverCollation = reader.uint(2);
        break;
      case Status.charsetDatabase:
        context.databaseCollation = reader.uint(2);
        break;
      case Status.lcTimeNames:
        reader.skip(2);
        break;
      case Status.ddlXid:
        isAtomicDdl = true;
        reader.skip(8);
        break;
      case Status.tableMapForUpdate:
      case Status.mariaXid:
        reader.skip(8);
        break;
      case Status.invoker:
        reader.skip(reader.uint(1));
        reader.skip(reader.uint(1));
        break;
      case Status.updatedDatabases:
        databases = readDatabases(reader);
        break;
      case Status.microseconds:
      case Status.hrnow:
        reader.skip(3);
        break;
      case Status.commitTs:
      case Status.commitTs2:
        break;
      case Status.explicitDefaultsForTimestamp:
        context.explicitDefaultsForTimestamp = reader.uint(1) !== 0;
        break;
      case Status.defaultCollationForUtf8mb4:
        context.defaultCollationForUtf8mb4 = reader.uint(2);
        break;
      case Status.sqlRequirePrimaryKey:
        context.sqlRequirePrimaryKey = reader.uint(1) !== 0;
        break;
      case Status.defaultTableEncryption:
        reader.skip(1);
        break;
      default:
        return { databases, context, isAtomicDdl };
    }
  }
  return { databases, context, isAtomicDdl };
}

/** Names, each with a zero behind it. An empty one stands for statements that belong to no database: it may be any. */
function readDatabases(reader: Reader): readonly string[] | null {
  const count = reader.uint(1);
  if (count > mostDatabases) return null;
  const names: string[] = [];
  for (let i = 0; i < count && reader.remaining > 0; i++) {
    const end = reader.bytes.indexOf(0, reader.at);
    names.push(reader.text((end < 0 || end > reader.end ? reader.end : end) - reader.at));
    reader.skip(Math.min(1, reader.remaining));
  }
  return names.includes('') ? null : names;
}
