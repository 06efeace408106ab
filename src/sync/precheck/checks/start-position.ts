import { identified } from '../../../mysql/binlog/history.js';
import { askedOf, assertAvailable, showsAll } from '../../../mysql/position.js';
import { RowferryError } from '../../../shared/errors.js';
import type { SourcePosition } from '../../../shared/position.js';
import { findStart } from '../../source/start-position.js';
import { bad, good, type Check, type CheckContext, type Outcome } from '../check.js';

export const startPosition: Check = {
  id: 'start-position',
  severity: 'failure',
  title: 'The start position is still in the binlog',
  expected: 'every change after the start position or the checkpoint is still on the server',
  why: 'Purged binlogs cannot be read, and a server that lags or has other data gives other rows: rows would be missed or wrong silently.',
  applies: ({ synchronization: { full, incremental } }) => full || incremental,
  async run(context) {
    if (context.checkpoint) return goesOn(context, context.checkpoint);
    const { full } = context.task.synchronization;
    const wanted = context.task.startPosition;
    if (full) return good('recorded when the full load begins');
    if (wanted === null) {
      return bad(
        '"startPosition" is missing',
        'Without a full load, set "startPosition" to "now", a gtid, a file with position, or a time.',
        { at: 'startPosition' },
      );
    }
    if (wanted === 'now') return good('from now on');
    const connection = await context.source();
    let position: SourcePosition;
    try {
      position = await findStart(context.task, connection, wanted);
    } catch (error) {
      if (!(error instanceof RowferryError) || !mistaken.has(error.code)) throw error;
      return bad(error.message, error.remedy, { at: 'startPosition' });
    }
    try {
      await assertAvailable(connection, position);
      return good('available');
    } catch (error) {
      if (!(error instanceof RowferryError) || error.code !== 'ROW-S104') throw error;
      return bad(error.message, 'Choose a later position, or set "full" to true.', {
        fixes: [{ do: 'set', path: ['synchronization', 'full'], value: true }],
        at: 'startPosition',
      });
    }
  },
};

/** Is this the very source that the task replicated, and as far as the task is? */
async function goesOn(context: CheckContext, checkpoint: SourcePosition): Promise<Outcome> {
  const connection = await context.source();
  let lags = false;
  try {
    const position = askedOf(await context.facts(), checkpoint);
    lags = !(await showsAll(connection, position));
    await identified(context.task.source, connection, position, AbortSignal.timeout(identifyMs));
    return good('the checkpoint is available');
  } catch (error) {
    if (!(error instanceof RowferryError)) throw error;
    if (lags && error.code === 'ROW-S107') return bad(error.message, error.remedy);
    if (error.code !== 'ROW-S104') throw error;
    return bad(error.message, 'Reset the task; the next start loads everything again.');
  }
}

/** More than the whole precheck may take. */
const identifyMs = 10_000;

/** No GTID set, no time, or one that the binlog does not reach back to. */
const mistaken = new Set(['ROW-T102', 'ROW-S104']);
