import { hasReached } from '../../mysql/position.js';
import { setTimeout as delay } from 'node:timers/promises';
import { lockLost } from '../../mysql/lock.js';
import { RowferryError } from '../../shared/errors.js';
import type { ResolvedTask } from '../../shared/task.js';
import type { RetryProgress } from '../../shared/task-control-api.js';
import { BlockedByDirtyData } from '../../sync/dirty/dirty.js';
import { DirtyRetry, type RetriedOutcome } from '../../sync/dirty/retry.js';
import { lockDestinations } from '../../sync/tables/prepare.js';
import { Replication } from '../../sync/run/replication.js';
import { writerSettings } from '../../sync/base/settings.js';
import { standardTiming, type Timing } from '../../sync/base/timing.js';
import { Destinations } from '../../sync/state/destinations.js';
import { InFlightMarker } from '../../sync/state/in-flight-marker.js';
import type { Known } from '../../sync/source/row-sessions.js';
import type { TableRecord, TaskStore } from '../../sync/state/task-store.js';
import { isMerged } from '../../sync/tables/selection-diff.js';
import { verifyTask } from '../../sync/verify/index.js';
import { verifyCounts } from '../../sync/verify/quick.js';
import { TablestoreClient } from '../../tablestore/client/client.js';
import { TablestoreWriter } from '../../tablestore/writer/writer.js';
import type { MakeTaskOperations } from './operations.js';
import type { ReplicationRun } from './run.js';
import { askReload } from '../store/asked-reload.js';
import { DirtyRecords } from '../store/dirty-records.js';
import type { TaskLog } from '../../sync/base/task-log.js';
import { SqliteTaskStore } from '../store/task-store.js';

/** Dirty records that are read and told at once. */
const retryPage = 2000;
/** How often people are told how far a retry is. */
const tellEveryMs = 200;
const writerPatienceMs = 15_000;
const pauseLookMs = 100;
/** A person waits for the answer: a side that is away for longer is told at once. */
const impatient = { connectionMinutes: 5 / 60, otherMinutes: 5 / 60 };

/** Binds the supervisor to replication, with the store of the engine below it. */
export const replicationOperations =
  (timing: Timing = standardTiming): MakeTaskOperations =>
  (store, log) => {
    const storeOf = (id: string) => new SqliteTaskStore(store.database, id);
    const dirtyOf = (id: string) => new DirtyRecords(store.database, id);
    return {
      work: (task, options) => {
        const ofTask: TaskLog = {
          info: (message, about) => log.info(message, { task, ...about }),
          warn: (message, about) => log.warn(message, { task, ...about }),
        };
        return new Replication(task, storeOf(task.id), options, ofTask, timing);
      },
      verify: async (asked, options, progress, running, signal) => {
        const task = options.wait ? asked : { ...asked, retry: impatient };
        const kept = storeOf(task.id);
        const check = {
          task,
          timing,
          known: knownOf(kept, running),
          store: kept,
          signal,
          progress,
          running: running !== undefined,
        };
        if (options.quick) return verifyCounts(check);
        if (!options.repair) return verifyTask(check);
        const settled = running ? { settled: () => running.settled() } : {};
        return withWriter(task, timing, kept, running, (repairBy, paused) =>
          verifyTask({ ...check, ...settled, repairBy, signal: AbortSignal.any([signal, paused]) }),
        );
      },
      standing: (id) => {
        const kept = storeOf(id);
        const progress = kept.progress();
        return {
          position: progress?.checkpoint ?? progress?.start ?? null,
          rows: progress?.rows ?? { full: 0, inserted: 0, updated: 0, deleted: 0 },
          dirty: kept.dirtyCount(),
        };
      },
      dirtyPage: (id, filter, page) => dirtyOf(id).page(filter, page),
      retryDirty: async (task, filter, running, tell, signal) => {
        const kept = storeOf(task.id);
        const records = dirtyOf(task.id);
        const tables = new Map(kept.tables().map(({ source, definition }) => [source, definition]));
        const progress: RetryProgress = { total: records.count(filter), done: 0, written: 0, over: false };
        let toldMs = 0;
        tell({ ...progress });
        await withWriter(task, timing, kept, running, async (writer, paused) => {
          const told = (outcomes: readonly RetriedOutcome[]) => {
            records.triedAnew(outcomes);
            progress.done += outcomes.length;
            progress.written += outcomes.filter(({ problem }) => problem === null).length;
            if (Date.now() - toldMs < tellEveryMs) return;
            toldMs = Date.now();
            tell({ ...progress });
          };
          const retry = new DirtyRetry({
            task,
            known: knownOf(kept, running),
            writer,
            settled: running && !running.over ? () => running.settled() : null,
            signal: AbortSignal.any([signal, paused]),
            store: kept,
            told,
          });
          // What becomes dirty meanwhile is for another time.
          const newest = records.newest(filter);
          // The source shows what a prepared branch changed once it is committed, and nothing comes of it again then.
          const undecided = new Set(
            kept
              .xaParts()
              .flatMap(({ place }) =>
                [...tables.keys()].flatMap((source) => kept.dirtyOfTransaction(source, place)),
              ),
          );
          try {
            for (let after = 0; after < newest;) {
              const page = records.rows(filter, after, retryPage).filter(({ id }) => id <= newest);
              if (page.length === 0) break;
              after = page.at(-1)!.id;
              const waiting = page.filter(({ id }) => undecided.has(String(id)));
              if (waiting.length > 0) told(waiting.map(({ id }) => ({ id, problem: undecidedBranch })));
              await retry.run(page.filter((one) => !waiting.includes(one)));
            }
          } finally {
            await retry.close();
          }
        }).finally(() => tell({ ...progress, over: true }));
        return progress.written;
      },
      decideDirty: (id, filter, how) =>
        how === 'skip' ? dirtyOf(id).decide(filter, 'skip') : dirtyOf(id).discard(filter),
      undecidedDirty: (id) => storeOf(id).undecidedDirty(),
      blockedBy: (id) => {
        const first = dirtyOf(id).firstUndecided();
        if (!first) return null;
        return new BlockedByDirtyData(first.source, first.message)
          .waiting(storeOf(id).undecidedDirty())
          .toPlain();
      },
      setPosition: (id, position) => {
        const kept = storeOf(id);
        const progress = kept.progress();
        if (!progress?.checkpoint)
          throw new RowferryError('ROW-E109', 'The task has no binlog position yet.', {
            remedy:
              'Start the task once. For a task without a full load, "startPosition" in its file sets where it begins.',
          });
        const { checkpoint, definedAt } = progress;
        // Where the definitions hold that the task has.
        const known = definedAt && !hasReached(checkpoint, definedAt) ? definedAt : checkpoint;
        const { movedFrom = known } = progress;
        kept.saveProgress({ ...progress, checkpoint: position, movedFrom });
      },
      tables: (id) =>
        storeOf(id)
          .tables()
          .map(({ source }) => source),
      reload: async (id, sources, isRemakeAsked, running) => {
        const remake = isRemakeAsked && isToBeRemade(storeOf(id).tables(), sources);
        if (running && !running.over) {
          try {
            return await running.reload(sources, remake);
          } catch (error) {
            // It ended before: the next run does it.
            if (!(error instanceof RowferryError && error.code === 'ROW-E109')) throw error;
          }
        }
        askReload(storeOf(id), sources, remake);
      },
      reset: (id) => storeOf(id).reset(),
      history: ({ id, destination }) => {
        const kept = storeOf(id);
        const progress = kept.progress();
        const known = new Destinations(kept, destination).all;
        const created = new Set(known.filter((one) => one.created || one.creating).map(({ name }) => name));
        const remade = kept
          .tables()
          .filter((table) => table.remake === true && created.has(table.destination));
        return {
          created,
          remade: new Set(remade.map((table) => table.destination)),
          instance: progress?.destination ?? null,
          checkpoint: progress?.checkpoint ?? null,
          leftOut: progress?.leftOut ?? [],
        };
      },
    };
  };

const undecidedBranch = {
  code: 'ROW-S107',
  message: 'The row belongs to an XA transaction that is prepared. Try again when it is committed.',
};

/** What the task has seen of its source: rows of it are not written, or compared, as they were before. */
const knownOf =
  (store: TaskStore, running: ReplicationRun | undefined): Known =>
  () => {
    const seen = running && !running.over ? running.known : null;
    if (seen) return seen;
    const progress = store.progress();
    return progress?.checkpoint ?? progress?.start ?? null;
  };

/**
 * Only what the task made itself, and nobody else's rows lie in, is deleted. false: there is nothing to delete. Throws
 * ROW-T106.
 */
function isToBeRemade(records: readonly TableRecord[], sources: readonly string[]): boolean {
  let isThere = false;
  for (const record of records) {
    const { source, destination, created, problem: stopped } = record;
    if (!sources.includes(source)) continue;
    // Whatever comes under its name until then is not ours to delete.
    if (stopped?.code === 'ROW-D110') continue;
    isThere = true;
    const other = records.find((one) => one.destination === destination && one.source !== source);
    const problem = other
      ? `${destination} also holds the rows of ${other.source}`
      : isMerged(record)
        ? `it merges several tables, and ${destination} may hold the rows of other tasks`
        : created
          ? null
          : `${destination} existed before this task`;
    if (problem === null) continue;
    throw new RowferryError('ROW-T106', `Cannot re-create the destination table of ${source}: ${problem}.`, {
      remedy:
        'If nobody needs the table, delete it in Tablestore yourself. Otherwise, choose another name with "rename".',
    });
  }
  return isThere;
}

/**
 * Work that writes rows beside the stream: by the writer of the task's run, which keeps the order of each key, or by
 * one of its own under the lock that a run would hold (correctness rules 11 and 12). Throws RowferryError: ROW-T106 for a
 * run that is paused, or is paused meanwhile, whose writer would wait for as long; `paused` is aborted with it.
 */
async function withWriter<T>(
  task: ResolvedTask,
  timing: Timing,
  store: TaskStore,
  running: ReplicationRun | undefined,
  work: (writer: TablestoreWriter, paused: AbortSignal) => Promise<T>,
): Promise<T> {
  const isPaused = () => running && !running.over && running.paused;
  const notWriting = (written: string) =>
    new RowferryError('ROW-T106', `${task.name} is paused, so no rows are written.${written}`, {
      remedy: 'Resume the task, then try again.',
    });
  if (isPaused()) throw notWriting('');
  const pausing = new AbortController();
  const shared = await sharedWriter(running);
  if (shared) {
    const paused = new Promise<never>((_, reject) => {
      pausing.signal.addEventListener('abort', () => reject(pausing.signal.reason as Error));
    });
    const look = setInterval(() => {
      if (isPaused()) pausing.abort(notWriting(' Rows already written stay.'));
    }, pauseLookMs);
    try {
      return await Promise.race([work(shared, pausing.signal), paused]);
    } catch (error) {
      if (error instanceof RowferryError) throw error;
      throw new RowferryError('ROW-E101', `The run of ${task.name} ended in the meantime.`, {
        remedy: 'Try again. Rows already written stay.',
        cause: error,
      });
    } finally {
      clearInterval(look);
    }
  }
  const stopping = new AbortController();
  const settings = writerSettings(task, timing);
  const unclean = new InFlightMarker(store, settings.lateWriteMs);
  const lock = await lockDestinations(
    {
      task,
      timing,
      signal: stopping.signal,
      onLockLost: () => stopping.abort(lockLost()),
      onTakenOver: () => unclean.takenOver(),
    },
    store.tables(),
  );
  const client = new TablestoreClient(task.destination, { lease: lock });
  const writer = new TablestoreWriter(client, { ...settings, earlierUntilMs: unclean.untilMs });
  stopping.signal.addEventListener('abort', () => writer.abort(stopping.signal.reason));
  unclean.begin();
  try {
    return await work(writer, pausing.signal);
  } finally {
    writer.close();
    if (writer.leftNothing) unclean.end();
    client.close();
    await lock.release().catch(() => undefined);
  }
}

/** The writer of a run, once it has one; null when there is no run, or none any more. */
async function sharedWriter(running: ReplicationRun | undefined): Promise<TablestoreWriter | null> {
  if (!running) return null;
  const until = Date.now() + writerPatienceMs;
  while (!running.over) {
    const { runningWriter } = running;
    if (runningWriter) return runningWriter;
    if (Date.now() > until) {
      throw new RowferryError(
        'ROW-E101',
        'The task is not ready to write: it is starting or waiting for its source.',
        {
          remedy: 'Try again once the task is running, or stop the task.',
        },
      );
    }
    await delay(100);
  }
  return null;
}
