import { bad, good, usesBinlog, type Check } from '../check.js';

export const binlogEnabled: Check = {
  id: 'binlog-enabled',
  severity: 'failure',
  title: 'The source writes a binlog',
  expected: 'log_bin = ON',
  why: 'Rowferry reads changes after the full load from the binlog.',
  applies: usesBinlog,
  async run(context) {
    const { logBin, readOnly } = await context.facts();
    if (logBin) return good('log_bin = ON');
    if (readOnly) {
      return bad(
        'log_bin = OFF on a read-only instance',
        'Use the primary instance as the source, or another instance that writes binlogs.',
      );
    }
    return bad('log_bin = OFF', 'Set log_bin in my.cnf, section [mysqld], and restart the server.');
  },
};
