import { bad, good, unproven, usesBinlog, type Check } from '../check.js';

const day = 86_400;
/** What a full load moves at the least, rows a second: a cautious guess for the time that it will need. */
const slowLoad = 5_000;

export const binlogRetention: Check = {
  id: 'binlog-retention',
  severity: 'warning',
  title: 'Binlog retention is long enough',
  expected: 'at least 7 days, and at least twice the duration of the full load',
  why: 'If the server purges a binlog before Rowferry reads it (a long load, a task stopped over the weekend), everything must be loaded again.',
  applies: usesBinlog,
  async run(context) {
    const seconds = await retentionSeconds(context.variable);
    if (seconds === undefined) return unproven('unknown: the server does not report it');
    const rows = context.task.synchronization.full
      ? (await context.tables()).reduce((sum, table) => sum + table.estimatedRows, 0)
      : 0;
    const needed = Math.max(7 * day, (rows / slowLoad) * 2);
    if (seconds === 0) return good('binlogs never expire');
    if (seconds >= needed) return good(`${days(seconds)} days`);
    return bad(
      `${days(seconds)} days`,
      'Increase the binlog retention, and add it to my.cnf. On a managed service, change its retention setting instead.',
      {
        sql:
          (await context.variable('binlog_expire_logs_seconds')) === undefined
            ? `SET GLOBAL expire_logs_days = ${Math.ceil(needed / day)};`
            : `SET GLOBAL binlog_expire_logs_seconds = ${Math.ceil(needed / day) * day};`,
      },
    );
  },
};

/** 0: never purged. binlog_expire_logs_seconds came with 8.0.1, expire_logs_days was before. */
async function retentionSeconds(
  variable: (name: string) => Promise<string | undefined>,
): Promise<number | undefined> {
  if ((await variable('binlog_expire_logs_auto_purge')) === 'OFF') return 0;
  const seconds = Number((await variable('binlog_expire_logs_seconds')) ?? Number.NaN);
  const olderDays = Number((await variable('expire_logs_days')) ?? Number.NaN);
  if (seconds > 0) return seconds;
  if (olderDays > 0) return olderDays * day;
  return Number.isNaN(seconds) && Number.isNaN(olderDays) ? undefined : 0;
}

const days = (seconds: number) => Number((seconds / day).toFixed(2));
