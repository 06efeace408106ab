import { isAscii } from 'node:buffer';
import type { CharsetDecoders } from './types/charset.js';

/** What the session had set that wrote a statement: the server read it so, and so must we. */
export interface StatementContext {
  /** "x" is a name, not a string. */
  readonly ansiQuotes: boolean;
  /** A backslash in a string is itself. */
  readonly noBackslashEscapes: boolean;
  /** REAL is FLOAT, not DOUBLE. */
  readonly realAsFloat: boolean;
  /** `a || b` joins texts. */
  readonly pipesAsConcat: boolean;
  /** A value that does not fit is an error, not made to fit. */
  readonly isStrict: boolean;
  /** Rows that are copied lose their dates with zeros, unless that is an error (NO_ZERO_DATE, NO_ZERO_IN_DATE). */
  readonly clearsZeroDates: boolean;
  /** All of sql_mode, as bits (MySQL source, sql/system_variables.h). */
  readonly sqlMode: bigint;
  /** Collation ids; 0: not said. The first is that of character_set_client, in which the statement is written. */
  readonly clientCollation: number;
  readonly connectionCollation: number;
  readonly serverCollation: number;
  /** collation_database, said only where it is another than the default database's own. */
  readonly databaseCollation: number;
  /** The collation of utf8mb4 where only the charset is named. */
  readonly defaultCollationForUtf8mb4: number;
  /** false: a TIMESTAMP that says nothing is NOT NULL and has a default. undefined: the statement has none of these. */
  readonly explicitDefaultsForTimestamp: boolean | undefined;
  readonly sqlRequirePrimaryKey: boolean;
  /** '' when nothing in the statement depends on it. */
  readonly timeZone: string;
  /** Of the server that wrote the binlog file: 90704 is 9.7.4. */
  readonly serverVersion: number;
}

/** sql_mode='' and UTF-8: what a statement is read under that no event brought. */
export const plainContext: StatementContext = {
  ansiQuotes: false,
  noBackslashEscapes: false,
  realAsFloat: false,
  pipesAsConcat: false,
  isStrict: false,
  clearsZeroDates: false,
  sqlMode: 0n,
  clientCollation: 255,
  connectionCollation: 255,
  serverCollation: 0,
  databaseCollation: 0,
  defaultCollationForUtf8mb4: 0,
  explicitDefaultsForTimestamp: undefined,
  sqlRequirePrimaryKey: false,
  timeZone: '',
  serverVersion: 0,
};

/** A statement in the binlog, with all that its event says of it. */
export interface RawStatement {
  /** The default database of the session; '' when it had none. */
  readonly database: string;
  /** Databases whose tables it touched; null: the event does not say, it may be any. */
  readonly databases: readonly string[] | null;
  /** In the client's charset. */
  readonly statement: Buffer;
  readonly context: StatementContext;
  /** Its session used a temporary table: in this statement, or before it in the same routine. */
  readonly usesTemporary: boolean;
  /**
   * From MySQL 8.0 on: DDL of an atomic engine that the server keeps in its dictionary (Q_DDL_LOGGED_WITH_XID). Not of a
   * temporary table; only TRUNCATE has it there too.
   */
  readonly isAtomicDdl: boolean;
  readonly commitMicros: number;
  /** `file:offset` just behind it. */
  readonly place: string;
}

/** Is an ALTER or TRUNCATE of a session with temporary tables about one of them, whose name a table of `engine` has too? */
export function isOfTemporary(
  { isAtomicDdl, context }: Pick<RawStatement, 'isAtomicDdl' | 'context'>,
  engine: string,
): boolean {
  return !isAtomicDdl && context.serverVersion >= 80000 && engine.toLowerCase() === 'innodb';
}

export type StatementEvent = Omit<RawStatement, 'statement'> & { readonly sql: string };

/** Stands for bytes of which it is not known what the server made of them. */
export const unknownCharacter = '\ufffd';

/** The statement in the charset of its client. Throws CharsetNotLoaded. */
export function readStatement(
  { statement, ...event }: RawStatement,
  charsets: Pick<CharsetDecoders, 'charsetOf' | 'get'>,
): StatementEvent {
  return { ...event, sql: statementText(statement, event.context.clientCollation, charsets) };
}

function statementText(
  bytes: Buffer,
  collation: number,
  charsets: Pick<CharsetDecoders, 'charsetOf' | 'get'>,
): string {
  const charset = charsets.charsetOf(collation);
  // The one charset in which signs of the language stand for letters: the server reads them as signs first.
  if (charset === 'swe7')
    return bytes.toString('latin1').replace(/[@[\\\]^{|}~\x80-\xff]|``/g, unknownCharacter);
  if (isAscii(bytes)) return bytes.toString('latin1');
  // Without a charset the server takes the bytes of names as its own, which is UTF-8.
  const decoder = charset === undefined || charset === 'binary' ? null : charsets.get(charset);
  return decoder === null ? bytes.toString('utf8') : decoder.decode(bytes, 0, bytes.length);
}

/** May the statement have touched tables of the databases that are meant? */
export function mayTouch(
  { database, databases }: Pick<RawStatement, 'database' | 'databases'>,
  isMeant: (name: string) => boolean,
): boolean {
  return databases === null || databases.some(isMeant) || isMeant(database);
}
