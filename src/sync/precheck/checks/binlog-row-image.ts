import { bad, good, usesBinlog, type Check } from '../check.js';

export const binlogRowImage: Check = {
  id: 'binlog-row-image',
  severity: 'failure',
  title: 'The binlog records complete rows',
  expected: 'binlog_row_image = FULL',
  why: 'With MINIMAL or NOBLOB, events lack columns that Rowferry needs to write the row.',
  applies: usesBinlog,
  async run(context) {
    const { binlogRowImage: image } = await context.facts();
    if (image === 'FULL') return good('binlog_row_image = FULL');
    return bad(`binlog_row_image = ${image}`, 'Set it, add it to my.cnf, and reconnect existing sessions.', {
      sql: 'SET GLOBAL binlog_row_image = FULL;',
    });
  },
};
