import { bad, good, usesBinlog, type Check } from '../check.js';

export const binlogFormat: Check = {
  id: 'binlog-format',
  severity: 'failure',
  title: 'The binlog records rows, not statements',
  expected: 'binlog_format = ROW',
  why: 'A statement does not show which rows it changed.',
  applies: usesBinlog,
  async run(context) {
    const { binlogFormat: format } = await context.facts();
    if (format === 'ROW') return good('binlog_format = ROW');
    return bad(`binlog_format = ${format}`, 'Set it, add it to my.cnf, and reconnect existing sessions.', {
      sql: 'SET GLOBAL binlog_format = ROW;',
    });
  },
};
