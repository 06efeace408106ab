import { atLeast } from '../../../mysql/server-facts.js';
import { bad, good, some, usesBinlog, type Check } from '../check.js';

/** Facts that explain how a task will behave; none of them lowers the rate. */
export const rowMetadata: Check = {
  id: 'row-metadata',
  severity: 'information',
  title: 'The binlog includes complete table metadata',
  expected: 'binlog_row_metadata = FULL',
  why: 'The binlog describes a table before the rows of each statement. With FULL, the description includes column names, labels and the key, so Rowferry detects an ALTER outside the binlog (sql_log_bin=0) before it misreads a row. With MINIMAL, it detects new names, swapped columns of the same type, new labels and a new key only when it checks the catalog, once a minute.',
  applies: usesBinlog,
  async run(context) {
    const { binlogRowMetadata: metadata } = await context.facts();
    if (metadata === 'FULL') return good('binlog_row_metadata = FULL');
    return bad(
      `binlog_row_metadata = ${metadata}`,
      'Set it to FULL if tables may be altered with sql_log_bin=0. Otherwise, no action needed.',
      (await context.variable('binlog_row_metadata')) === undefined
        ? {}
        : { sql: 'SET GLOBAL binlog_row_metadata = FULL;' },
    );
  },
};

export const gtidMode: Check = {
  id: 'gtid-mode',
  severity: 'information',
  title: 'Transactions have GTIDs',
  expected: 'gtid_mode = ON',
  why: 'With GTIDs, a task can continue after a switchover to another server. With file and position, it cannot.',
  applies: usesBinlog,
  async run(context) {
    const { gtidMode: mode } = await context.facts();
    if (mode === 'ON') return good('gtid_mode = ON');
    return bad(`gtid_mode = ${mode}`, 'No action needed unless the source switches over to another server.');
  },
};

export const transactionCompression: Check = {
  id: 'transaction-compression',
  severity: 'information',
  title: 'Transactions in the binlog are not compressed',
  expected: 'binlog_transaction_compression = OFF',
  why: 'Rowferry also replicates compressed transactions; reading them takes more CPU time.',
  applies: usesBinlog,
  async run(context) {
    const { transactionCompression: on } = await context.facts();
    return on ? bad('binlog_transaction_compression = ON', 'No action needed.') : good('OFF');
  },
};

export const partialJson: Check = {
  id: 'partial-json',
  severity: 'information',
  title: 'The binlog records complete JSON values',
  expected: 'binlog_row_value_options without PARTIAL_JSON',
  why: 'A partial JSON update does not contain the document: Rowferry reads the row from the source again, which costs a query.',
  applies: usesBinlog,
  async run(context) {
    const { binlogRowValueOptions: options } = await context.facts();
    if (!options.includes('PARTIAL_JSON')) return good('complete JSON values are logged');
    return bad(options, 'No action needed. Without PARTIAL_JSON, such updates replicate faster.', {
      sql: "SET GLOBAL binlog_row_value_options = '';",
    });
  },
};

export const timeZoneTables: Check = {
  id: 'time-zone-tables',
  severity: 'information',
  title: 'Time zone tables are loaded',
  expected: 'loaded time zone tables',
  why: 'Without them, CONVERT_TZ() with zone names returns NULL in filters. Rows are read in UTC and do not need them.',
  async run(context) {
    const connection = await context.source();
    const [row] = await connection.query<{ known: string | null }>(
      "SELECT CONVERT_TZ('2000-01-01 00:00:00', 'Europe/Berlin', 'UTC') AS known",
    );
    if (row?.known != null) return good('loaded');
    return bad(
      'empty',
      'No action needed unless filters use time zone names. To load the tables, run mysql_tzinfo_to_sql.',
    );
  },
};

export const otherReplicas: Check = {
  id: 'other-replicas',
  severity: 'information',
  title: 'Other replicas of the source',
  expected: 'none, or expected ones',
  why: 'Each replica reads the whole binlog. If two use the same server_id, the source disconnects one of them.',
  applies: usesBinlog,
  async run(context) {
    const connection = await context.source();
    const facts = await context.facts();
    const statement = atLeast(facts, 8, 0, 22) ? 'SHOW REPLICAS' : 'SHOW SLAVE HOSTS';
    const rows = await connection.query<Record<string, string | number>>(statement);
    const ids = rows.map((r) => String(r['Server_Id'] ?? r['Server_id']));
    return ids.length === 0 ? good('none') : bad(`server_id ${some(ids)}`, 'No action needed.');
  },
};
