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
}

/** sql_mode='' and UTF-8: what a statement is read under that no event brought. */
export const plainContext: StatementContext = {
  ansiQuotes: false,
  noBackslashEscapes: false,
  realAsFloat: false,
  pipesAsConcat: false,
  isStrict: false,
  sqlMode: 0n,
  clientCollation: 255,
  connectionCollation: 255,
  serverCollation: 0,
  databaseCollation: 0,
  defaultCollationForUtf8mb4: 0,
  explicitDefaultsForTimestamp: undefined,
  sqlRequirePrimaryKey: false,
  timeZone: '',
};

/** A statement in the binlog, with all that its event says of it. */
export interface StatementEvent {
  /** The default database of the session; '' when it had none. */
  readonly database: string;
  /** Databases whose tables it touched; null: the event does not say, it may be any. */
  readonly databases: readonly string[] | null;
  readonly sql: string;
  readonly context: StatementContext;
  readonly commitMicros: number;
  /** `file:offset` just behind it. */
  readonly place: string;
}

/** May the statement have touched tables of `database`? */
export function mayTouch(
  { database, databases }: Pick<StatementEvent, 'database' | 'databases'>,
  isSame: (name: string) => boolean,
): boolean {
  return databases === null || databases.some(isSame) || isSame(database);
}
