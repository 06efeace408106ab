import { bad, good, usesBinlog, type Check } from '../check.js';

export const binlogEnabled: Check = {
  id: 'binlog-enabled',
  severity: 'failure',
  title: 'The source writes a binlog',
  expected: 'log_bin = ON',
  why: 'Changes after the full load are read from the binlog.',
  applies: usesBinlog,
  async run(context) {
    const { logBin, readOnly } = await context.facts();
    if (logBin) return good('log_bin = ON');
    if (readOnly) {
      return bad(
        'log_bin = OFF on a read-only instance',
        'Name the primary instance as the source, or one that writes binlogs.',
      );
    }
    return bad(
      'log_bin = OFF',
      'Start the server with --log-bin (my.cnf, section [mysqld]); it needs a restart.',
    );
  },
};
