import { chunkKey } from '../../mysql/chunk-key.js';
import type { SourceConnection } from '../../mysql/connection.js';
import type { RowImage } from '../../mysql/model.js';
import { boundOfToken, readBound } from '../../mysql/row-page.js';
import { charsetsOf, loadCharsetDecoders } from '../../mysql/types/index.js';
import type { RowComparison, RowOfTask } from '../../shared/catalog-api.js';
import { RowferryError, type ErrorCode } from '../../shared/errors.js';
import { sourceName, tablesMeant } from '../../shared/source-name.js';
import type { ResolvedTask } from '../../shared/task.js';
import { compileEtl } from '../../sync/etl/compile.js';
import { destinationKey, planError, planTables, type TablePlan } from '../../sync/mapping/plan.js';
import { selectTables } from '../../sync/precheck/selection.js';
import { lookUp } from '../../sync/rows/lookup.js';
import { contentsOf } from '../../sync/rows/row-content.js';
import type { SourceRows } from '../../sync/rows/source-rows.js';
import type { TaskStore } from '../../sync/state/task-store.js';
import { Comparison } from '../../sync/verify/comparison.js';
import { cellsSideBySide, maskedKeyText, rowText } from '../../sync/verify/differences.js';
import { keyOnly } from '../../tablestore/writer/compose.js';
import { decodeRows } from '../../tablestore/wire/plainbuffer.js';
import { patienceMs, toReadRows, withDestination, withinTime, withSource } from './sessions.js';

const none: ReadonlySet<string> = new Set();
const windows = { connectionMs: 5000, otherMs: 5000 };

/**
 * Both sides of one row, by the same comparison as a verification. Reads only; throws what CatalogApi.compareRow says.
 * `store`: what is known of the task.
 */
export function compareRow(
  task: ResolvedTask,
  row: RowOfTask,
  store: Pick<TaskStore, 'table' | 'isDirty'>,
): Promise<RowComparison> {
  return withSource(task.source, (connection) =>
    withinTime(connection, patienceMs, () =>
      withDestination(task.destination, async (client) => {
        const plan = await planOf(connection, task, row);
        const charsets = await loadCharsetDecoders(
          (sql) => connection.query(sql),
          charsetsOf(plan.definition.columns),
        );
        await toReadRows(connection);
        const comparison = new Comparison({
          task,
          store,
          plan,
          client,
          charsets,
          etl: compileEtl(task.etl),
          read: { windows, signal: AbortSignal.timeout(patienceMs) },
        });
        return new OneRow(connection, plan, comparison).compare(row);
      }),
    ),
  );
}

/** The mapping of the table that the row is of. Throws ROW-S108 when the task has none, or why it is not mapped. */
async function planOf(
  connection: SourceConnection,
  task: ResolvedTask,
  { side, table, key }: RowOfTask,
): Promise<TablePlan> {
  const definitions = await selectTables(connection, task);
  const { plans, problems } = planTables(task, definitions);
  let found: TablePlan | undefined;
  if (side === 'source') {
    const [meant] = tablesMeant(table, definitions.map(sourceName));
    const itsProblems = problems.filter(({ source }) => source === meant);
    if (itsProblems.length > 0) throw planError(itsProblems);
    found = plans.find(({ source }) => source === meant);
  } else {
    // In a merge the last key column names the source.
    const ofMerge = task.merge ? keyValues(destinationKeyOf(table, key)).at(-1)?.[1] : null;
    found = plans.find(({ destination, mergeSource }) => destination === table && mergeSource === ofMerge);
  }
  if (found) return found;
  throw new RowferryError('ROW-S108', `The task ${task.name} does not replicate ${table}, or not this row.`);
}

const keyValues = (key: string) => decodeRows(keyOnly(key))[0]!.primaryKey;

/** A key of destinationRows(). Throws ROW-T104 when it is none. */
function destinationKeyOf(table: string, text: string): string {
  const key = Buffer.from(text, 'base64').toString('latin1');
  try {
    if (keyValues(key).length > 0) return key;
  } catch {
    // No key of ours.
  }
  throw noRow(table);
}

const noRow = (table: string) =>
  new RowferryError('ROW-T104', `This is not the key of a row of ${table}.`, {
    remedy: 'Read the rows again: the key of the table may have changed.',
  });

type Reason = Pick<RowComparison, 'reason' | 'problem'>;

class OneRow {
  private readonly rows: SourceRows;

  constructor(
    private readonly connection: SourceConnection,
    private readonly plan: TablePlan,
    private readonly comparison: Comparison,
  ) {
    this.rows = comparison.sourceRows(connection);
  }

  async compare({ side, table, key }: RowOfTask): Promise<RowComparison> {
    const { plan } = this;
    if (side === 'source') return this.fromSource(key);
    const wanted = destinationKeyOf(table, key);
    const names = keyValues(wanted).map(([name]) => name);
    if (String(names) !== String(destinationKey(plan).map(({ name }) => name))) throw noRow(table);
    return this.both(wanted);
  }

  private async fromSource(token: string): Promise<RowComparison> {
    const { connection, plan, rows } = this;
    const chunks = chunkKey(plan.definition);
    const bound = chunks && boundOfToken(chunks, token);
    if (!bound) throw noRow(plan.source);
    let key: string | null = null;
    let reason: Reason = { reason: 'none' };
    await readBound(connection, plan.definition, chunks, bound, (image) => {
      const outcome = rows.outcome(image);
      key = Buffer.isBuffer(outcome) ? contentsOf(outcome, none)[0]!.key : rows.keyOf(image);
      reason = this.reasonOf(image);
    });
    if (key !== null) return this.both(key);
    // What is gone, or has no key, has no other side that could be found.
    return { ...this.names(), key: null, verdict: 'equal', cells: [], ...reason };
  }

  private async both(key: string): Promise<RowComparison> {
    const { comparison } = this;
    const look = (await comparison.look(this.connection, [key]))[0]!;
    const wanted = look.source?.row?.row ?? null;
    const verdict = comparison.verdict(look);
    return {
      ...this.names(),
      key: maskedKeyText(key, none),
      verdict,
      cells: cellsSideBySide(wanted, look.found?.row ?? null, comparison.ignoredCells, none),
      isThere: look.found !== null,
      ...(wanted === null ? await this.whyNone(key) : { reason: null }),
      ...(verdict === 'duplicate' && { rows: look.source!.names.map((name) => rowText(name, [])) }),
    };
  }

  private names() {
    const { source, destination } = this.plan;
    return { source, destination, isThere: false };
  }

  /** Looks for the row once more, whatever the filter says of it. */
  private async whyNone(key: string): Promise<Reason> {
    const { connection, plan, comparison, rows } = this;
    let why: Reason = { reason: 'none' };
    const take = (image: RowImage) => {
      if (rows.keyOf(image) === key) why = this.reasonOf(image);
    };
    const unfiltered = { ...plan, filter: null };
    await lookUp(connection, unfiltered, [keyOnly(key)], comparison.charsets, 'indexed', take, take);
    return why;
  }

  /** Why a row that is at the source is not written. */
  private reasonOf(image: RowImage): Reason {
    const outcome = this.rows.outcome(image);
    if (outcome === 'dropped') return { reason: 'dropped' };
    if (Buffer.isBuffer(outcome)) return { reason: 'filtered' };
    const problem = new RowferryError(outcome.code as ErrorCode, outcome.message).toPlain();
    return { reason: 'unwritable', problem };
  }
}
