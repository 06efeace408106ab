import type { CharsetDecoders } from '../../mysql/types/index.js';
import type { TablestoreClient } from '../../tablestore/client/client.js';
import { keyOnly } from '../../tablestore/writer/compose.js';
import { LostTable } from '../../tablestore/writer/lost-table.js';
import type { ChangeOwner, RowChange } from '../../tablestore/client/model.js';
import { RowWriter, prepareName } from '../../tablestore/wire/row-writer.js';
import type { TablestoreWriter } from '../../tablestore/writer/writer.js';
import { decodeRows } from '../../tablestore/wire/plainbuffer.js';
import { destinationKeys } from '../rows/destination-rows.js';
import type { EtlProgram } from '../etl/compile.js';
import type { TablePlan } from '../mapping/plan.js';
import type { PreparedTask } from '../tables/prepare.js';
import { connectForRows, type Known } from '../source/row-sessions.js';
import { SourceRows } from '../rows/source-rows.js';
import type { SourceRetry } from '../source/retry.js';
import { RowTransform } from '../mapping/transform.js';
import type { TaskSettings } from '../base/task-settings.js';
import type { TaskLog } from '../base/task-log.js';
import { keepsDeleted, mayHoldRowsOfOthers } from '../tables/kept-rows.js';

export interface SweepOptions {
  settings: TaskSettings;
  /** Where the replay begins of what is swept: a row that came before it is there. */
  known: Known;
  client: TablestoreClient;
  writer: TablestoreWriter;
  retry: SourceRetry;
  signal: AbortSignal;
  charsets: CharsetDecoders;
  etl: EtlProgram | null;
}

/**
 * Deletes the rows of a destination table that the source, filter and mapping no longer give; in a merge only this
 * source's (correctness rule 5). Nothing else may write the table meanwhile. Returns how many; throws LostTable.
 */
export async function sweep(options: SweepOptions, plan: TablePlan): Promise<number> {
  const { settings, known, client, writer, retry, signal } = options;
  const { windows } = settings;
  let deleted = 0;
  const readsAll = new RowTransform(plan, options.etl).makesKey;
  const pages = destinationKeys(client, plan, { windows, signal });
  for await (const keys of readsAll ? inLots(pages, keysOfAll) : pages) {
    if (keys.length === 0) continue;
    const there = await retry.retrying(async () => {
      const connection = await connectForRows(settings.task.source, 'snapshot', known, signal);
      try {
        return await new SourceRows(connection, plan, options.charsets, options.etl).among(keys);
      } finally {
        await connection.close();
      }
    });
    const gone = keys.filter((key) => !there.has(key));
    await deleteRows(writer, plan.destination, gone);
    deleted += gone.length;
  }
  return deleted;
}

/** Keys that are looked for in one reading of the whole table. */
const keysOfAll = 200_000;

async function* inLots(pages: AsyncIterable<string[]>, most: number): AsyncGenerator<string[]> {
  let lot: string[] = [];
  for await (const page of pages) {
    lot.push(...page);
    if (lot.length < most) continue;
    yield lot;
    lot = [];
  }
  yield lot;
}

/** Sweeps a table of the task; where rows of somebody else may lie, they stay. */
export async function sweepTable(
  options: Omit<SweepOptions, 'charsets' | 'etl'> & {
    prepared: PreparedTask;
    log: TaskLog;
  },
  plan: TablePlan,
): Promise<void> {
  const { settings, prepared, log } = options;
  if (mayHoldRowsOfOthers(settings.task, prepared.records.get(plan.source))) {
    log.warn(
      `${plan.destination} existed before this task, so rows that ${plan.source} does not have stay; verify --repair deletes them`,
      { table: plan.source },
    );
    return;
  }
  if (keepsDeleted(settings.task, prepared.transform(plan))) {
    log.warn(
      `${plan.destination} keeps rows that ${plan.source} no longer has, because the task may leave DELETE out`,
      { table: plan.source },
    );
    return;
  }
  const ghosts = await sweep({ ...options, charsets: prepared.charsets, etl: prepared.etl }, plan);
  if (ghosts > 0)
    log.info(`${plan.source}: deleted ${ghosts} rows that the source no longer has`, { table: plan.source });
}

/** Resolves when every row is gone. Throws when one cannot be deleted. */
export async function deleteRows(
  writer: TablestoreWriter,
  table: string,
  keys: readonly string[],
): Promise<void> {
  if (keys.length === 0) return;
  await new Promise<void>((resolve, reject) => {
    let open = keys.length;
    const owner: ChangeOwner = {
      acknowledged: () => {
        if (--open === 0) resolve();
      },
      rejected: (_change, error) =>
        reject(error instanceof LostTable ? error : new Error(`${error.code}: ${error.message}`)),
    };
    for (const key of keys) writer.enqueue(deletion(table, key, owner));
    // When the writer ends, no owner is told any more.
    writer.drain().catch(reject);
  });
}

/** The delete of a key, as RowChange has it. */
export function deletion(table: string, key: string, owner: ChangeOwner): RowChange {
  const rows = new RowWriter(1024);
  rows.beginRow();
  for (const [name, value] of decodeRows(keyOnly(key))[0]!.primaryKey) {
    const cell = rows.key(prepareName(name));
    if (typeof value === 'bigint') cell.bigInteger(value);
    else if (typeof value === 'string') cell.text(value);
    else if (Buffer.isBuffer(value)) cell.binary(value, 0, value.length);
  }
  rows.endRow(true);
  return { table, op: 'delete', key, row: rows.copyRow(), dataBytes: rows.dataBytes, owner, tag: 0 };
}
