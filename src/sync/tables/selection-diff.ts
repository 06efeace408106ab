import type { ChangePlan, MappingChange } from '../../shared/change-plan.js';
import type { ResolvedTask } from '../../shared/task.js';
import { RowferryError } from '../../shared/errors.js';
import type { TableDefinition } from '../../mysql/model.js';
import { sourceName } from '../../shared/source-name.js';
import {
  isSameName,
  isSameTable,
  planToLoad,
  selectionOf,
  tableName,
  type PlanProblem,
  type TablePlan,
  type NamedTable,
} from '../mapping/plan.js';
import type { NewTableRecord, TableRecord, TaskStore } from '../state/task-store.js';
import { textDefaultsOf } from '../ddl/text-defaults.js';
import { withoutLayout } from '../etl/parser.js';

/** What of a task decides which rows a table gives and how they look; another one means that it is loaded anew. */
interface Mapping {
  destination: string;
  filter: string | null;
  key: readonly string[] | null;
  columns: unknown;
  merged: boolean;
  /** The transformation; missing where an earlier version stored the table. */
  etl?: string;
}

/** Rows of the table were written by other settings than those of `task`. */
export function isMappedOtherwise(
  task: ResolvedTask,
  store: Pick<TaskStore, 'table'>,
  { definition, source }: Pick<TablePlan, 'definition' | 'source'>,
): boolean {
  const record = store.table(source);
  return record?.mapping !== undefined && record.mapping !== mappingText(task, definition);
}

/** Its destination was mapped to take rows of several tables, of other tasks, too. */
export function isMerged({ mapping }: Pick<TableRecord, 'mapping'>): boolean {
  return mapping !== undefined && (JSON.parse(mapping) as Mapping).merged;
}

/** The mapping of a table in one line of text, to be kept beside it; '' when the task does not select it. */
export function mappingText(task: ResolvedTask, table: NamedTable): string {
  const selection = selectionOf(task, table);
  if (!selection) return '';
  const { mapping } = selection;
  const columns = Object.entries(mapping?.columns ?? {}).map(([name, one]) => [
    name.toLowerCase(),
    one.rename ?? null,
    one.type ?? null,
    one.unit ?? null,
    one.exclude ?? false,
  ]);
  const text: Mapping = {
    destination: tableName(table.name, mapping, task),
    filter: mapping?.filter?.trim() ? mapping.filter : null,
    key: mapping?.primaryKey ?? null,
    columns: [
      task.capitalization,
      ...columns.sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1)),
      // Only where there are some: mappings that were stored before there were rules stay what they are.
      ...(mapping?.renameColumns ? [mapping.renameColumns] : []),
    ],
    merged: task.merge,
    etl: withoutLayout(task.etl),
  };
  return JSON.stringify(text);
}

export interface SelectionDiff {
  added: TablePlan[];
  changed: { record: TableRecord; plan: TablePlan; what: MappingChange[] }[];
  removed: TableRecord[];
  /** Their destinations are taken by tables that were added; the source has them no more. */
  replaced: TableRecord[];
  /** Why some of it cannot be carried out. */
  problems: string[];
  /** Tables that cannot be taken in as they are: they stop alone, and keep no other from starting. */
  unfit: { definition: TableDefinition; problem: PlanProblem }[];
}

/**
 * Compares what a task selects now with what it was running with. `tables`: what the source has of the selection.
 * `stopsRunning`: at a start a table whose new mapping does not fit is unfit, too; while it runs, that is a problem, for
 * it can go on as it is.
 */
export function selectionDiff(
  task: ResolvedTask,
  records: readonly TableRecord[],
  tables: readonly TableDefinition[],
  { stopsRunning = false } = {},
): SelectionDiff {
  const changes: SelectionDiff = {
    added: [],
    changed: [],
    removed: [],
    replaced: [],
    problems: [],
    unfit: [],
  };
  const known = new Map(records.map((record) => [record.source, record]));
  const problems: PlanProblem[] = [];
  for (const definition of tables) {
    const selection = selectionOf(task, definition);
    if (!selection) continue;
    const record = known.get(sourceName(definition));
    const what = record ? mappingChange(record, mappingText(task, definition)) : [];
    const isToRead = record?.unread === true && task.synchronization.full;
    if (record && what.length === 0 && !record.reload && !isToRead) continue;
    const own: PlanProblem[] = [];
    const plan = planToLoad(task, definition, selection.mapping, own);
    if (!plan && (selection.isWhole || record?.phase === 'stopped' || (stopsRunning && record))) {
      changes.unfit.push({ definition, problem: own[0]! });
      continue;
    }
    problems.push(...own);
    if (!plan) continue;
    if (record) {
      changes.changed.push({ record, plan, what });
      continue;
    }
    const there = new Set(tables.map(sourceName));
    // One that the file does not select any more has nothing to come in the stream.
    const gone = records.filter((one) => !there.has(one.source) && selectionOf(task, one.definition));
    const replaced = replacedBy(task, gone, plan);
    if (replaced) changes.replaced.push(replaced);
    // The statement that takes the old name away is still to come in the stream, and brings the new one.
    else if (
      !task.merge &&
      gone.some((one) => one.destination === plan.destination && one.phase !== 'stopped')
    )
      continue;
    changes.added.push(plan);
  }
  for (const record of records) {
    if (!selectionOf(task, record.definition)) changes.removed.push(record);
  }
  for (const object of task.objects) {
    const isOfIt = (one: NamedTable) =>
      isSameName(one.database, object.database, one.caseSensitive ?? false) &&
      selectionOf(task, one) !== null;
    if (!tables.some(isOfIt) && !records.some((one) => isOfIt(one.definition)) && !object.tables)
      changes.problems.push(`The database ${object.database} has no tables to select.`);
    for (const wanted of object.tables ?? []) {
      const named = { database: object.database, name: wanted.name };
      const source = sourceName(named);
      const isWanted = (one: NamedTable) => isSameTable(named, one);
      const isThere = tables.some(isWanted);
      const isKnown = records.some((one) => isWanted(one.definition));
      if (isThere || isKnown) continue;
      const message = `The table ${source} does not exist.`;
      const definition = unknownDefinition(named);
      if (stopsRunning) changes.unfit.push({ definition, problem: { source, kind: 'missing', message } });
      else changes.problems.push(message);
    }
  }
  changes.problems.push(...problems.map((problem) => problem.message));
  if (!task.merge) {
    for (const { plan, message } of collisions(changes, records)) {
      const isWhole = selectionOf(task, plan.definition)?.isWhole ?? false;
      if (stopsRunning || (isWhole && changes.added.includes(plan))) {
        changes.added = changes.added.filter((one) => one !== plan);
        changes.changed = changes.changed.filter((one) => one.plan !== plan);
        const problem = { source: plan.source, kind: 'collision', message } as const;
        changes.unfit.push({ definition: plan.definition, problem });
      } else changes.problems.push(message);
    }
  }
  return changes;
}

function mappingChange(record: TableRecord, now: string): MappingChange[] {
  // Stored before mappings were kept: it is what the task says.
  if (record.mapping === undefined || record.mapping === now) return [];
  const [before, after] = [JSON.parse(completed(record.mapping, now)) as Mapping, JSON.parse(now) as Mapping];
  const differs = (key: keyof Mapping) => JSON.stringify(before[key]) !== JSON.stringify(after[key]);
  const what: MappingChange[] = [];
  if (differs('destination') || differs('merged')) what.push('table');
  if (differs('filter')) what.push('filter');
  if (differs('key')) what.push('key');
  if (differs('columns')) what.push('columns');
  if (differs('etl')) what.push('transformation');
  return what;
}

/** `stored` with what an earlier version did not keep of a mapping, as the task says it now. */
export function completed(stored: string | undefined, now: string): string {
  if (stored === undefined) return now;
  const before = JSON.parse(stored) as Mapping;
  return before.etl === undefined
    ? JSON.stringify({ ...before, etl: (JSON.parse(now) as Mapping).etl })
    : stored;
}

function collisions(
  { added, changed, removed, replaced }: SelectionDiff,
  records: readonly TableRecord[],
): { plan: TablePlan; message: string }[] {
  const moved = new Set(
    [...changed.map((one) => one.record), ...removed, ...replaced].map((one) => one.source),
  );
  const taken = new Map(
    records.filter((one) => !moved.has(one.source)).map((one) => [one.destination, one.source]),
  );
  const problems: { plan: TablePlan; message: string }[] = [];
  for (const plan of [...changed.map((one) => one.plan), ...added]) {
    const other = taken.get(plan.destination);
    if (other)
      problems.push({
        plan,
        message: `${other} and ${plan.source} would both become the table ${plan.destination}.`,
      });
    else taken.set(plan.destination, plan.source);
  }
  return problems;
}

/**
 * A stopped table of a whole database whose destination another one takes: under its old name the source has it no
 * more, say when it was renamed in case alone. Whoever asks knows that it is gone there.
 */
export function replacedBy(
  task: ResolvedTask,
  records: readonly TableRecord[],
  plan: Pick<TablePlan, 'source' | 'destination'>,
): TableRecord | undefined {
  if (task.merge) return undefined;
  return records.find(
    ({ source, destination, phase, definition }) =>
      destination === plan.destination &&
      source !== plan.source &&
      phase === 'stopped' &&
      selectionOf(task, definition)?.isWhole === true,
  );
}

/** Another table of the task that has this destination; a merge shares it. */
export function destinationTaken(
  task: ResolvedTask,
  plan: Pick<TablePlan, 'source' | 'destination'>,
  records: readonly TableRecord[],
): RowferryError | null {
  const other = records.find(
    ({ source, destination, phase, created }) =>
      // One that stopped before it had a table has none.
      destination === plan.destination && source !== plan.source && (phase !== 'stopped' || created),
  );
  if (!other || task.merge) return null;
  return new RowferryError(
    'ROW-T106',
    `${other.source} and ${plan.source} would both become the table ${plan.destination}.`,
    { remedy: 'Rename one of them in the task, apply the change, and reload the table.' },
  );
}

export function isEmpty({ added, changed, removed, unfit }: SelectionDiff): boolean {
  return added.length + changed.length + removed.length + unfit.length === 0;
}

/** As people are asked about it. */
export function changePlan(changes: SelectionDiff): Omit<ChangePlan, 'atNextStart'> {
  return {
    added: changes.added.map(({ source, destination, definition }) => ({
      source,
      destination,
      estimatedRows: definition.estimatedRows,
    })),
    changed: changes.changed.map(({ plan: { source, destination, definition }, what }) => ({
      source,
      destination,
      estimatedRows: definition.estimatedRows,
      what,
    })),
    removed: changes.removed.map(({ source, destination }) => ({ source, destination })),
    ...(changes.unfit.length > 0 && {
      unfit: changes.unfit.map(({ problem: { source, message } }) => ({ source, message })),
    }),
    problems: changes.problems,
  };
}

/** Of a table that the source does not show: nothing is known but its name. */
export function unknownDefinition({ database, name }: { database: string; name: string }): TableDefinition {
  return {
    database,
    name,
    engine: '',
    collation: null,
    columns: [],
    keys: [],
    estimatedRows: 0,
    averageRowBytes: 0,
  };
}

/** A table at its beginning. */
export function recordOf(
  task: ResolvedTask,
  plan: Pick<TablePlan, 'source' | 'definition' | 'destination'>,
): NewTableRecord {
  return {
    source: sourceName(plan.definition),
    destination: plan.destination,
    phase: 'schema',
    created: false,
    definition: plan.definition,
    textDefaults: textDefaultsOf(plan.definition.collation),
    rows: 0,
    kept: 0,
    mapping: mappingText(task, plan.definition),
  };
}
