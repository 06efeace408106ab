import { setTimeout as delay } from 'node:timers/promises';
import { RowferryError } from '../../shared/errors.js';
import type { ResolvedTask } from '../../shared/task.js';
import type { TablestoreClient } from '../../tablestore/client/client.js';
import { TablestoreError } from '../../tablestore/client/errors.js';
import { gone } from '../../tablestore/writer/lost-table.js';
import {
  createTable,
  deleteTable,
  describeTable,
  type TableDescription,
} from '../../tablestore/client/operations.js';
import { withRetry, type RetryState, type RetryWindows } from '../../tablestore/client/retry.js';
import { destinationKey, type TablePlan } from '../mapping/plan.js';
import type { TableRecord } from '../state/task-store.js';

export interface SchemaOptions {
  signal: AbortSignal;
  onRetry: (state: RetryState | null) => void;
  windows: RetryWindows;
}

/** A table is "not ready" for up to a minute after its creation (docs/tablestore.md §3). */
const readyPollMs = 250;
const unseenAfterCreationMs = 60_000;

export interface TableWanted {
  /** The table is the task's own from an earlier run, or shared by a merge. */
  readonly mayExist: boolean;
  /** What is there is deleted first. */
  readonly remake: boolean;
  /** It is not there, and is created next: to be noted before, so that it is known for the task's own after a crash. */
  readonly creating: () => void;
  readonly options: SchemaOptions;
}

/**
 * Makes the destination table of a plan, or finds that it may be used. true: it was made here. Throws ROW-D105 when it
 * is somebody else's and the task reports conflicts, ROW-D106 when its key is another one, LostTable when it goes meanwhile,
 * ROW-D108 and the like when it is refused.
 */
export async function prepareTable(
  client: TablestoreClient,
  plan: TablePlan,
  task: ResolvedTask,
  { mayExist, remake, creating, options }: TableWanted,
): Promise<boolean> {
  const retried = <T>(operation: () => Promise<T>) => withRetry(options.windows, operation, options);
  let existing = await retried(() => describeTable(client, plan.destination));
  if (existing && remake) {
    await retried(() => deleted(client, plan.destination));
    existing = null;
  }
  if (existing) {
    // A task that creates no tables is meant for those that are there.
    if (!mayExist && task.conflict === 'report' && task.synchronization.schema) throw exists(client, plan);
    assertKey(plan, existing);
    await ready(client, plan.destination, retried, options.signal, 0);
    return false;
  }
  if (!task.synchronization.schema) {
    throw new RowferryError(
      'ROW-D108',
      `The table ${plan.destination} does not exist in ${client.instance}, and the task does not create tables.`,
      {
        remedy: 'Create the table, or set synchronization.schema to true.',
      },
    );
  }
  creating();
  let tries = 0;
  let isMine = true;
  try {
    await retried(() => {
      tries++;
      return createTable(client, {
        name: plan.destination,
        keys: destinationKey(plan),
        ...task.destination.tables,
      });
    });
  } catch (error) {
    if (!(error instanceof TablestoreError && error.service === 'OTSObjectAlreadyExist')) throw error;
    // A first try whose answer was lost has made it. Where there was none, somebody else was quicker.
    isMine = tries > 1 || remake;
    if (!isMine && !mayExist && task.conflict === 'report') throw exists(client, plan);
  }
  await ready(client, plan.destination, retried, options.signal);
  // It may be somebody else's, or the one that was just deleted.
  assertKey(plan, (await retried(() => describeTable(client, plan.destination)))!);
  return isMine;
}

function exists(client: TablestoreClient, { destination }: TablePlan): RowferryError {
  return new RowferryError('ROW-D105', `The table ${destination} already exists in ${client.instance}.`);
}

/** When a table that the task did not make was found, by the clock of the service. */
export function foundAt(
  client: TablestoreClient,
  record: Pick<TableRecord, 'created' | 'foundAtMs'>,
  created: boolean,
): Pick<TableRecord, 'foundAtMs'> {
  if (created || record.created) return {};
  return { foundAtMs: record.foundAtMs ?? client.serverMs ?? Date.now() };
}

async function deleted(client: TablestoreClient, table: string): Promise<void> {
  try {
    await deleteTable(client, table);
  } catch (error) {
    // A first try whose answer was lost has deleted it.
    if (!(error instanceof TablestoreError && error.service === 'OTSObjectNotExist')) throw error;
  }
}

/** Throws ROW-D106 unless the table has the key of the plan: names, types and order. */
export function assertKey(plan: TablePlan, table: TableDescription): void {
  const text = (keys: readonly { name: string; type: string }[]) =>
    keys.map(({ name, type }) => `${name} ${type}`).join(', ');
  const wanted = text(destinationKey(plan));
  const found = text(table.keys);
  if (wanted !== found) {
    throw new RowferryError(
      'ROW-D106',
      `The table ${plan.destination} has the key (${found}); ${plan.source} needs (${wanted}).`,
    );
  }
}

async function ready(
  client: TablestoreClient,
  table: string,
  retried: <T>(operation: () => Promise<T>) => Promise<T>,
  signal: AbortSignal,
  /** How long after its creation a table may not be seen; after that somebody has deleted it. */
  unseenMs = unseenAfterCreationMs,
): Promise<void> {
  const beganMs = Date.now();
  for (;;) {
    const description = await retried(() => describeTable(client, table));
    if (description === null && Date.now() - beganMs >= unseenMs) throw gone(table);
    if (description?.status === 'active' || description?.status === 'updating') return;
    await delay(readyPollMs, undefined, { signal });
  }
}
