import { historyCheck } from '../../mysql/binlog/history.js';
import { BinlogStream } from '../../mysql/binlog/stream.js';
import type { BinlogTable } from '../../mysql/model.js';
import { hasReached } from '../../mysql/position.js';
import { readStatement } from '../../mysql/statement.js';
import { CharsetNotLoaded } from '../../mysql/types/index.js';
import type { SourcePosition } from '../../shared/position.js';
import { differenceOf } from './table-map-check.js';
import { alteredBy, type Said } from './altered-by.js';
import { isSameTable } from '../mapping/plan.js';
import type { RunServices } from './run-services.js';
import { SourceReader } from '../source/retry.js';
import type { TableRecord } from '../state/task-store.js';

/** Where the last statement about a table ends, and what all of them said of it. */
export interface LastStatement {
  readonly at: SourcePosition;
  readonly said: ReadonlySet<Said>;
}

/**
 * Where each table became what it is in its definition: behind the last statement about it between `from` and the place
 * where the definition was looked up, or behind its last rows of another shape, which a statement left that is not in the
 * binlog. Up to there the stream speaks of other columns than those that were loaded. What changed before it is in the
 * loaded rows, since a statement waits for every transaction that wrote the table; so the rows count from there on.
 */
export async function lastStatements(
  options: Pick<RunServices, 'settings' | 'prepared' | 'retry'>,
  records: readonly TableRecord[],
  from: SourcePosition,
  to: SourcePosition,
  signal: AbortSignal,
): Promise<Map<string, LastStatement>> {
  if (hasReached(from, to)) return new Map();
  const { charsets } = options.prepared;
  const isDescribedElse = ({ definition }: TableRecord, map: BinlogTable) =>
    isSameTable(map, definition) && differenceOf(definition, map, charsets) !== null;
  const last = new Map<string, LastStatement>();
  let altered: { source: string; said: Said }[] = [];
  let ended = false;
  let position = from;
  const reader = new SourceReader(options.retry);
  while (!ended && !signal.aborted) {
    const pass = (at: SourcePosition) => {
      reader.answered();
      // What the first transaction past `to` says holds from there on: the stream itself carries it out.
      const isBefore = to.gtidSet !== undefined || hasReached(to, at);
      for (const { source, said } of isBefore ? altered : [])
        last.set(source, { at, said: new Set([...(last.get(source)?.said ?? []), said]) });
      altered = [];
      if (!hasReached(at, to)) return;
      ended = true;
      void stream.stop();
    };
    const stream: BinlogStream = new BinlogStream(
      options.settings.task.source,
      { position, heartbeatSeconds: 2, history: historyCheck },
      {
        transaction: () => undefined,
        wants: (map) => {
          for (const record of records)
            if (isDescribedElse(record, map)) altered.push({ source: record.source, said: 'altered' });
          return false;
        },
        row: () => undefined,
        commit: pass,
        xaPrepare: (_xid, at) => pass(at),
        xaCommit: (_xid, at) => pass(at),
        xaRollback: (_xid, at) => pass(at),
        heartbeat: pass,
        statement: (event) => altered.push(...alteredBy(readStatement(event, charsets), records)),
      },
    );
    const stop = () => void stream.stop();
    signal.addEventListener('abort', stop);
    try {
      await stream.run();
    } catch (error) {
      if (signal.aborted) break;
      position = stream.position;
      altered = [];
      if (error instanceof CharsetNotLoaded)
        await options.retry.onSource((connection) =>
          charsets.load((sql) => connection.query(sql), [error.charset]),
        );
      else await reader.failed(error);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }
  reader.answered();
  return last;
}
