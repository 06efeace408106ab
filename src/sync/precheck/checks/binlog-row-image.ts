import { bad, good, usesBinlog, type Check } from '../check.js';

export const binlogRowImage: Check = {
  id: 'binlog-row-image',
  severity: 'failure',
  title: 'The binlog holds whole rows',
  expected: 'binlog_row_image = FULL',
  why: 'With MINIMAL or NOBLOB an event lacks columns that are needed to write the row.',
  applies: usesBinlog,
  async run(context) {
    const { binlogRowImage: image } = await context.facts();
    if (image === 'FULL') return good('binlog_row_image = FULL');
    return bad(
      `binlog_row_image = ${image}`,
      'Set it, write it into my.cnf, and let sessions that were open before connect again.',
      'SET GLOBAL binlog_row_image = FULL;',
    );
  },
};
