import { RowferryError } from '../../../shared/errors.js';
import { assertAvailable } from '../../../mysql/position.js';
import { findStart } from '../../place.js';
import { bad, good, usesBinlog, type Check } from '../check.js';

export const startPosition: Check = {
  id: 'start-position',
  severity: 'failure',
  title: 'The start position is still in the binlog',
  expected: 'every change after the start position or the checkpoint is still on the server',
  why: 'Purged binlogs cannot be read: rows would be missed silently.',
  applies: usesBinlog,
  async run(context) {
    const { full } = context.task.synchronization;
    const wanted = context.task.startPosition;
    const connection = await context.source();
    let position = context.checkpoint;
    if (!position) {
      if (full) return good('recorded when the full load begins');
      if (wanted === null) {
        return bad(
          '"startPosition" is missing',
          'Without a full load, set "startPosition" to "now", a gtid, a file with position, or a time.',
        );
      }
      if (wanted === 'now') return good('from now on');
      try {
        position = await findStart(context.task, connection, wanted);
      } catch (error) {
        if (!(error instanceof RowferryError) || !mistaken.has(error.code)) throw error;
        return bad(error.message, error.remedy);
      }
    }
    try {
      await assertAvailable(connection, position);
      return good(context.checkpoint ? 'the checkpoint is available' : 'available');
    } catch (error) {
      if (!(error instanceof RowferryError) || error.code !== 'ROW-S104') throw error;
      return bad(
        error.message,
        context.checkpoint
          ? 'Reset the task; the next start loads everything again.'
          : 'Choose a later position, or set "full" to true.',
      );
    }
  },
};

/** No GTID set, no time, or one that the binlog does not reach back to. */
const mistaken = new Set(['ROW-T102', 'ROW-S104']);
