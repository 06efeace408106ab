import { atLeast } from '../../../mysql/connection.js';
import { bad, good, some, usesBinlog, type Check } from '../check.js';

/** Facts that explain how a task will behave; none of them lowers the rate. */
export const rowMetadata: Check = {
  id: 'row-metadata',
  severity: 'information',
  title: 'The binlog describes tables whole',
  expected: 'binlog_row_metadata = FULL',
  why: 'Before the rows of each statement the binlog describes their table. With FULL that holds names, labels and the key too, so that an ALTER outside the binlog (sql_log_bin=0) is noticed before a row is misread; with MINIMAL new names, columns of one type that change places, other labels and another key are noticed only when the catalog is looked at, once a minute.',
  applies: usesBinlog,
  async run(context) {
    const { binlogRowMetadata: metadata } = await context.facts();
    if (metadata === 'FULL') return good('binlog_row_metadata = FULL');
    return bad(
      `binlog_row_metadata = ${metadata}`,
      'Set it to FULL where tables may be altered with sql_log_bin=0; otherwise nothing has to be done.',
      (await context.variable('binlog_row_metadata')) === undefined
        ? undefined
        : 'SET GLOBAL binlog_row_metadata = FULL;',
    );
  },
};

export const gtidMode: Check = {
  id: 'gtid-mode',
  severity: 'information',
  title: 'Transactions have global ids',
  expected: 'gtid_mode = ON',
  why: 'By GTID a task goes on after a switchover to another server; by file and position it cannot.',
  applies: usesBinlog,
  async run(context) {
    const { gtidMode: mode } = await context.facts();
    if (mode === 'ON') return good('gtid_mode = ON');
    return bad(
      `gtid_mode = ${mode}`,
      'Nothing has to be done unless the source switches over to another server.',
    );
  },
};

export const transactionCompression: Check = {
  id: 'transaction-compression',
  severity: 'information',
  title: 'Transactions in the binlog are not compressed',
  expected: 'binlog_transaction_compression = OFF',
  why: 'Compressed transactions are followed too; reading them takes more processor time.',
  applies: usesBinlog,
  async run(context) {
    const { transactionCompression: on } = await context.facts();
    return on ? bad('binlog_transaction_compression = ON', 'Nothing has to be done.') : good('OFF');
  },
};

export const partialJson: Check = {
  id: 'partial-json',
  severity: 'information',
  title: 'JSON columns are logged whole',
  expected: 'binlog_row_value_options without PARTIAL_JSON',
  why: 'A partial JSON update does not hold the document: the row is read from the source again, which costs a query.',
  applies: usesBinlog,
  async run(context) {
    const { binlogRowValueOptions: options } = await context.facts();
    if (!options.includes('PARTIAL_JSON')) return good('JSON is logged whole');
    return bad(
      options,
      'Nothing has to be done; without it such updates are faster to follow.',
      "SET GLOBAL binlog_row_value_options = '';",
    );
  },
};

export const timeZoneTables: Check = {
  id: 'time-zone-tables',
  severity: 'information',
  title: 'Named time zones are loaded',
  expected: 'filled time zone tables',
  why: 'Filters with CONVERT_TZ() and zone names give NULL without them. Rows are read in UTC and need none.',
  async run(context) {
    const connection = await context.source();
    const [row] = await connection.query<{ known: string | null }>(
      "SELECT CONVERT_TZ('2000-01-01 00:00:00', 'Europe/Berlin', 'UTC') AS known",
    );
    if (row?.known != null) return good('loaded');
    return bad(
      'empty',
      'Nothing has to be done unless filters name time zones (mysql_tzinfo_to_sql loads them).',
    );
  },
};

export const otherReplicas: Check = {
  id: 'other-replicas',
  severity: 'information',
  title: 'Other replicas of the source',
  expected: 'none, or known ones',
  why: 'Each reads the whole binlog; a server id used twice would throw one of them out.',
  applies: usesBinlog,
  async run(context) {
    const connection = await context.source();
    const facts = await context.facts();
    const statement = atLeast(facts, 8, 0, 22) ? 'SHOW REPLICAS' : 'SHOW SLAVE HOSTS';
    const rows = await connection.query<Record<string, string | number>>(statement);
    const ids = rows.map((r) => String(r['Server_Id'] ?? r['Server_id']));
    return ids.length === 0 ? good('none') : bad(`server ids ${some(ids)}`, 'Nothing has to be done.');
  },
};
