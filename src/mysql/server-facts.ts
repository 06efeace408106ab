/** What the rest of the product must know of a server. */
export interface ServerFacts {
  readonly version: string;
  readonly numbers: readonly [major: number, minor: number, patch: number];
  readonly isMariaDb: boolean;
  /** server_uuid; empty on servers that have none. */
  readonly serverUuid: string;
  readonly serverId: number;
  /** 'ON', 'OFF', 'ON_PERMISSIVE', 'OFF_PERMISSIVE'. */
  readonly gtidMode: string;
  readonly logBin: boolean;
  readonly binlogFormat: string;
  readonly binlogRowImage: string;
  readonly binlogRowMetadata: string;
  readonly binlogRowValueOptions: string;
  readonly binlogChecksum: string;
  readonly transactionCompression: boolean;
  readonly logReplicaUpdates: boolean;
  readonly lowerCaseTableNames: number;
  /** What foreign keys with CASCADE, SET NULL or SET DEFAULT do to child rows is in the binlog (9.6). */
  readonly logsCascades: boolean;
  readonly readOnly: boolean;
  /** The source's clock minus ours, µs: added to our clock it gives the source's time. */
  readonly clockOffsetMicros: number;
}

/** Whatever runs a query on the server. */
interface Asked {
  query<T>(sql: string, params?: readonly unknown[]): Promise<T[]>;
}

const factVariables = [
  'version',
  'version_comment',
  'server_uuid',
  'server_id',
  'gtid_mode',
  'log_bin',
  'binlog_format',
  'binlog_row_image',
  'binlog_row_metadata',
  'binlog_row_value_options',
  'binlog_checksum',
  'binlog_transaction_compression',
  'log_replica_updates',
  'log_slave_updates',
  'lower_case_table_names',
  'innodb_native_foreign_keys',
  'read_only',
];

/** Throws what query() throws. */
export async function readFacts(connection: Asked): Promise<ServerFacts> {
  // SHOW leaves out what the server does not know, where SELECT @@name would fail.
  const rows = await connection.query<{ Variable_name: string; Value: string }>(
    `SHOW GLOBAL VARIABLES WHERE Variable_name IN (?)`,
    [factVariables],
  );
  const values = new Map(rows.map((row) => [row.Variable_name.toLowerCase(), row.Value]));
  const value = (name: string, standard = ''): string => values.get(name) ?? standard;
  const on = (name: string): boolean => ['ON', '1'].includes(value(name).toUpperCase());

  const version = value('version');
  const numbers = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(version);
  const [major, minor, patch] = [1, 2, 3].map((part) => Number(numbers?.[part] ?? 0)) as [
    number,
    number,
    number,
  ];
  return {
    version,
    numbers: [major, minor, patch],
    isMariaDb: /mariadb/i.test(version) || /mariadb/i.test(value('version_comment')),
    serverUuid: value('server_uuid'),
    serverId: Number(value('server_id', '0')),
    gtidMode: value('gtid_mode', 'OFF').toUpperCase(),
    logBin: on('log_bin'),
    binlogFormat: value('binlog_format', 'ROW').toUpperCase(),
    binlogRowImage: value('binlog_row_image', 'FULL').toUpperCase(),
    binlogRowMetadata: value('binlog_row_metadata', 'MINIMAL').toUpperCase(),
    binlogRowValueOptions: value('binlog_row_value_options').toUpperCase(),
    binlogChecksum: value('binlog_checksum', 'NONE').toUpperCase(),
    transactionCompression: on('binlog_transaction_compression'),
    logReplicaUpdates: on('log_replica_updates') || on('log_slave_updates'),
    lowerCaseTableNames: Number(value('lower_case_table_names', '0')),
    // Since 9.6 the SQL layer runs them, unless it is told to leave them to InnoDB.
    logsCascades: (major > 9 || (major === 9 && minor >= 6)) && !on('innodb_native_foreign_keys'),
    readOnly: on('read_only'),
    clockOffsetMicros: await clockOffset(connection),
  };
}

/** What must be added to our clock to get the source's NOW(6), µs; right to within half of the way there and back. */
export async function clockOffset(connection: Asked): Promise<number> {
  const before = Date.now();
  const clock = await connection.query<{ micros: string | number }>(
    `SELECT CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED) AS micros`,
  );
  const ours = ((before + Date.now()) / 2) * 1000;
  return Math.round(Number(clock[0]?.micros ?? ours) - ours);
}

/** version ≥ wanted, by numbers (9.10 comes after 9.9, 26.1 after 9.7). */
export function atLeast(facts: ServerFacts, major: number, minor: number, patch = 0): boolean {
  const [a, b, c] = facts.numbers;
  return a !== major ? a > major : b !== minor ? b > minor : c >= patch;
}
