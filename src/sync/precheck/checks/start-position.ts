import { RowferryError } from '../../../shared/errors.js';
import { assertAvailable } from '../../../mysql/position.js';
import { bad, good, usesBinlog, type Check } from '../check.js';

export const startPosition: Check = {
  id: 'start-position',
  severity: 'failure',
  title: 'The start position is still in the binlog',
  expected: 'every change behind the start position or the checkpoint is still on the server',
  why: 'What was purged cannot be read any more: rows would be missed in silence.',
  applies: usesBinlog,
  async run(context) {
    const { full } = context.task.synchronization;
    const wanted = context.task.startPosition;
    const connection = await context.source();
    let position = context.checkpoint;
    if (!position) {
      if (full) return good('noted when the full load begins');
      if (wanted === null) {
        return bad(
          '"startPosition" is missing',
          'Without a full load the task must say where to begin: "now", a gtid, a file with position, or a time.',
        );
      }
      if (wanted === 'now') return good('from now on');
      if ('gtid' in wanted) position = { gtidSet: wanted.gtid };
      else if ('file' in wanted) position = { file: wanted.file, offset: wanted.position };
      else return startTime(wanted.time, (await connection.query('SHOW BINARY LOGS')).length);
    }
    try {
      await assertAvailable(connection, position);
      return good(context.checkpoint ? 'the checkpoint is there' : 'it is there');
    } catch (error) {
      if (!(error instanceof RowferryError) || error.code !== 'ROW-S104') throw error;
      return bad(
        error.message,
        context.checkpoint
          ? 'Reset the task: it is loaded again from the beginning.'
          : 'Choose a later position, or set "full" to true.',
      );
    }
  },
};

/** Which file a time falls into is found when the stream is opened; here only that it is one and not ahead. */
function startTime(time: string, files: number) {
  const at = Date.parse(time);
  if (Number.isNaN(at)) return bad(`"${time}" is no time`, 'Write it like 2026-01-31T08:00:00Z.');
  if (at > Date.now()) return bad(`${time} is in the future`, 'Choose a time that has passed, or "now".');
  return files === 0 ? bad('the server has no binlogs', 'Turn the binlog on.') : good(`from ${time}`);
}
