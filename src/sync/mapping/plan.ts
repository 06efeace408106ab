import { allowedCellTypes, defaultCellType, keyType, type KeyType } from '../../mysql/types/index.js';
import type { Column, TableDefinition } from '../../mysql/model.js';
import type { CellType, ResolvedTask, TableMapping } from '../../shared/task.js';
import { ruledName } from '../../shared/rename-rules.js';
import { foldName, sourceName, type SourceTable } from '../../shared/source-name.js';
import { matchesGlob } from '../../shared/wildcard.js';
import { RowferryError, type ErrorCode } from '../../shared/errors.js';
import { isValidName, limits } from '../../tablestore/client/limits.js';
import { compileFilter } from '../filter/index.js';

/** Where a source column goes. */
export interface CellPlan {
  readonly column: Column;
  /** Name in Tablestore. */
  readonly name: string;
  readonly type: CellType;
  readonly unit?: 'ms' | 'us';
}

/** Where a source table goes, and how. */
export interface TablePlan {
  /** `database.table` at the source. */
  readonly source: string;
  readonly definition: TableDefinition;
  /** Table name in Tablestore. */
  readonly destination: string;
  readonly key: readonly (CellPlan & { readonly type: KeyType })[];
  readonly attributes: readonly CellPlan[];
  readonly filter: string | null;
  /** Value of the further key column of a merge (correctness rule 20); null without one. */
  readonly mergeSource: string | null;
}

export const mergeColumn = '__dts_data_source';

export interface PlanProblem {
  readonly source: string;
  readonly kind:
    'no-key' | 'key-column' | 'cascades' | 'column' | 'name' | 'collision' | 'missing' | 'filter' | 'width';
  readonly message: string;
}

const problemCodes = { 'no-key': 'ROW-S106', missing: 'ROW-S108', name: 'ROW-D107' } as const;
const problemRemedies: Partial<Record<PlanProblem['kind'], string>> = {
  'key-column': 'Correct "primaryKey" of the table in the task, or fix its columns at the source.',
  cascades: 'Remove the foreign key, or accept it in the task: "ignoredChecks": ["cascades"].',
  column: 'Correct "columns" of the table in the task, or restore the column.',
  collision: 'Rename one of them in the task.',
  filter: 'Correct the filter of the table in the task, or restore what it refers to.',
  width: 'Exclude columns ("exclude"), or remove the table from the task.',
};

/** The first problem, and how many more there are: the precheck lists them all. */
export function planError(problems: readonly PlanProblem[]): RowferryError {
  const { kind, message } = problems[0]!;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more: see rowferry check)` : '';
  const remedy = problemRemedies[kind];
  return new RowferryError(
    (problemCodes as Partial<Record<PlanProblem['kind'], ErrorCode>>)[kind] ?? 'ROW-T102',
    `${message}${more}`,
    remedy === undefined ? {} : { remedy },
  );
}

/** Are two names of databases or tables one to the server? */
export function isSameName(a: string, b: string, caseSensitive: boolean): boolean {
  return a === b || (!caseSensitive && foldName(a) === foldName(b));
}

/** A table by name, and how the server that has it compares names. */
export interface NamedTable extends SourceTable {
  readonly caseSensitive?: boolean;
}

/** The same of two tables, by the server that has `other`. */
export function isSameTable(one: SourceTable, other: NamedTable): boolean {
  const caseSensitive = other.caseSensitive ?? false;
  return (
    isSameName(one.database, other.database, caseSensitive) && isSameName(one.name, other.name, caseSensitive)
  );
}

/** One text for all names of a table that are one to the server. */
export function tableId({ database, name }: SourceTable, caseSensitive: boolean): string {
  const id = `${database}\0${name}`;
  return caseSensitive ? id : foldName(id);
}

/**
 * The selection says whether a table belongs to the task, and how it is mapped: undefined for one of a whole database
 * without rules. One that is named beside its whole database is what its own entry says. What belongs to an online schema change is left out beside it (online-change/).
 */
export function selectionOf(
  task: Pick<ResolvedTask, 'objects'>,
  { database, name: table, caseSensitive = false }: NamedTable,
): { mapping: TableMapping | undefined; isWhole: boolean } | null {
  const objects = task.objects.filter((object) => isSameName(object.database, database, caseSensitive));
  for (const object of objects) {
    const mapping = object.tables?.find((one) => isSameName(one.name, table, caseSensitive));
    if (mapping) return { mapping: { ...mapping, ...rulesOf(object) }, isWhole: false };
  }
  for (const object of objects) {
    if (object.tables || object.exclude?.some((glob) => matchesGlob(glob, table, caseSensitive))) continue;
    const rules = rulesOf(object);
    const mapping = Object.keys(rules).length > 0 ? { name: table, ...rules } : undefined;
    return { mapping, isWhole: true };
  }
  return null;
}

function rulesOf({
  renameTables,
  renameColumns,
}: ResolvedTask['objects'][number]): Pick<TableMapping, 'renameTables' | 'renameColumns'> {
  return { ...(renameTables && { renameTables }), ...(renameColumns && { renameColumns }) };
}

/** Every plan that can be made, and every problem there is: it never stops at the first. */
export function planTables(
  task: ResolvedTask,
  tables: readonly TableDefinition[],
): { plans: TablePlan[]; problems: PlanProblem[] } {
  const problems: PlanProblem[] = [];
  const plans: TablePlan[] = [];
  for (const table of tables) {
    const selection = selectionOf(task, table);
    if (!selection) continue;
    const plan = planTable(task, table, selection.mapping, problems);
    if (plan) plans.push(plan);
  }
  for (const object of task.objects) {
    for (const wanted of object.tables ?? []) {
      const named = { database: object.database, name: wanted.name };
      const found = tables.some((table) => isSameTable(named, table));
      const source = sourceName(named);
      if (!found) problems.push({ source, kind: 'missing', message: `The table ${source} does not exist.` });
    }
  }
  if (!task.merge) problems.push(...collisions(plans));
  return { plans, problems };
}

/** The plan of one table of the task, by planTable() or planToLoad(). Throws planError(), ROW-S108 when it is not selected. */
export function planOf(task: ResolvedTask, definition: TableDefinition, make = planTable): TablePlan {
  const selection = selectionOf(task, definition);
  if (!selection) throw new RowferryError('ROW-S108', `${sourceName(definition)} is no longer selected.`);
  const problems: PlanProblem[] = [];
  const plan = make(task, definition, selection.mapping, problems);
  if (!plan) throw planError(problems);
  return plan;
}

/** The plan of one table, or undefined with the reasons in `problems`. */
export function planTable(
  task: ResolvedTask,
  definition: TableDefinition,
  mapping: TableMapping | undefined,
  problems: PlanProblem[],
): TablePlan | undefined {
  const source = sourceName(definition);
  const before = problems.length;
  const report = (kind: PlanProblem['kind'], message: string) => problems.push({ source, kind, message });
  const find = (name: string) =>
    definition.columns.find((column) => column.name.toLowerCase() === name.toLowerCase());
  const ofColumn = (column: Column) => columnMapping(mapping, column);
  for (const name of Object.keys(mapping?.columns ?? {})) {
    if (!find(name)) report('column', `${source} has no column ${name}.`);
  }

  const destination = tableName(definition.name, mapping, task);
  if (!isValidName(destination))
    report('name', `The table name ${destination} (of ${source}) is not valid in Tablestore.`);
  const cell = (column: Column, type: CellType): CellPlan => {
    const chosen = ofColumn(column);
    const name = chosen?.rename ?? columnName(column.name, mapping, task);
    if (!isValidName(name))
      report('name', `The column name ${name} (of ${source}) is not valid in Tablestore.`);
    return { column, name, type, ...(chosen?.unit && { unit: chosen.unit }) };
  };

  const keyNames = mapping?.primaryKey ?? defaultKey(definition);
  if (!keyNames) {
    report('no-key', `${source} has no PRIMARY KEY and no NOT NULL UNIQUE key.`);
    return undefined;
  }
  const key: (CellPlan & { type: KeyType })[] = [];
  for (const name of keyNames) {
    const column = find(name);
    if (!column) {
      report('key-column', `${source} has no column ${name} for the key.`);
      continue;
    }
    const chosen = ofColumn(column)?.type;
    const type = keyType(column, chosen);
    if (type === null) {
      report(
        'key-column',
        `The column ${name} of ${source} cannot be a Tablestore key with type ${chosen ?? column.dataType.toUpperCase()}.`,
      );
      continue;
    }
    const loss = keyLoss(column, type, ofColumn(column)?.unit);
    if (loss) report('key-column', `The key column ${name} of ${source} ${loss}.`);
    key.push({ ...cell(column, type), type });
  }
  const limit = task.merge ? 3 : 4;
  if (keyNames.length > limit) {
    report(
      'key-column',
      `The key of ${source} has ${keyNames.length} columns; the Tablestore limit is ${limit}${task.merge ? ' in a merge' : ''}.`,
    );
  }

  const attributes: CellPlan[] = [];
  for (const column of definition.columns) {
    if (key.some((part) => part.column === column) || ofColumn(column)?.exclude) continue;
    const chosen = ofColumn(column)?.type;
    if (chosen && !allowedCellTypes(column).includes(chosen)) {
      report(
        'column',
        `The column ${column.name} of ${source} (${column.columnType}) cannot become ${chosen}.`,
      );
      continue;
    }
    attributes.push(cell(column, chosen ?? defaultCellType(column)));
  }
  const names = new Map<string, string>(
    task.merge ? [[mergeColumn, 'the column that names the source']] : [],
  );
  for (const { name, column } of [...key, ...attributes]) {
    const other = names.get(name);
    if (other)
      report(
        'collision',
        `The columns ${other} and ${column.name} of ${source} would both be named ${name}.`,
      );
    names.set(name, column.name);
  }
  if (attributes.length > limits.attributeColumns) {
    report(
      'width',
      `${source} has ${attributes.length} columns besides its key; the Tablestore limit is ${limits.attributeColumns} per row.`,
    );
  }
  const filter = mapping?.filter?.trim() ? mapping.filter : null;
  if (filter !== null) {
    try {
      compileFilter(filter, definition);
    } catch (error) {
      if (!(error instanceof RowferryError)) throw error;
      report('filter', error.message);
    }
  }
  if (problems.length > before) return undefined;
  return {
    source,
    definition,
    destination,
    key,
    attributes,
    filter,
    mergeSource: task.merge ? `${task.id}:${source}` : null,
  };
}

/** Somebody has accepted that child rows change unseen. */
export function toleratesCascades({ ignoredChecks }: Pick<ResolvedTask, 'ignoredChecks'>): boolean {
  return ignoredChecks.includes('cascades');
}

/** As planTable(), for a table that is about to be loaded: its key must name one row each. */
export function planToLoad(
  task: ResolvedTask,
  definition: TableDefinition,
  mapping: TableMapping | undefined,
  problems: PlanProblem[],
): TablePlan | undefined {
  const plan = planTable(task, definition, mapping, problems);
  if (!plan) return undefined;
  const { source } = plan;
  if (definition.cascades && !toleratesCascades(task)) {
    const message = `A foreign key changes rows of ${source} automatically, and this source does not log these changes (check "cascades").`;
    problems.push({ source, kind: 'cascades', message });
    return undefined;
  }
  const columns = plan.key.map(({ column }) => column);
  const names = columns.map(({ name }) => name);
  const empty = columns.find(({ nullable }) => nullable);
  const virtual = columns.find(({ volatile }) => volatile === 'virtual');
  const message = virtual
    ? `The key column ${virtual.name} of ${source} is computed on each read and may differ between sessions.`
    : empty
      ? `The key column ${empty.name} of ${source} can be NULL.`
      : isUnique(definition, names)
        ? null
        : `The key (${names.join(', ')}) of ${source} is not guaranteed to be unique.`;
  if (message === null) return plan;
  problems.push({ source, kind: 'key-column', message });
  return undefined;
}

/** What a mapping says of a column: names of columns are the same in every case. */
export function columnMapping(
  mapping: TableMapping | undefined,
  column: Pick<Column, 'name'>,
): NonNullable<TableMapping['columns']>[string] | undefined {
  return Object.entries(mapping?.columns ?? {}).find(([name]) => isSameName(name, column.name, false))?.[1];
}

/** The key in Tablestore, in order, with the merge column last. */
export function destinationKey(plan: TablePlan): { name: string; type: KeyType }[] {
  const key = plan.key.map(({ name, type }) => ({ name, type }));
  return plan.mergeSource === null ? key : [...key, { name: mergeColumn, type: 'STRING' }];
}

/**
 * The primary key, else the first by name of the unique keys that are NOT NULL: by name, since the catalog has keys in
 * another order than the statements that made them.
 */
export function defaultKey(table: TableDefinition): readonly string[] | undefined {
  const identifies = (columns: readonly string[]) =>
    columns.every((name) => table.columns.find((column) => column.name === name)?.nullable === false);
  const key =
    table.keys.find((one) => one.primary) ??
    table.keys
      .filter((one) => one.unique && identifies(one.columns))
      .map((one) => ({ ...one, folded: foldName(one.name) }))
      .sort((a, b) => (a.folded < b.folded ? -1 : 1))[0];
  return key?.columns;
}

/** Why two values of a key column may become one key in Tablestore; null: they cannot. */
export function keyLoss(column: Column, type: KeyType, unit?: 'ms' | 'us'): string | null {
  const { dataType, decimals } = column;
  if (type === 'INTEGER' && unit !== 'us' && decimals > 3 && fractional.has(dataType))
    return 'has microseconds, and as INTEGER in milliseconds two keys may become one; set its "unit" to "us"';
  return null;
}

const fractional = new Set(['datetime', 'timestamp', 'time']);

/** Some unique key of the table is made of these columns, all or in part (correctness rule 20). */
export function isUnique({ keys }: TableDefinition, names: readonly string[]): boolean {
  const chosen = new Set(names.map((name) => name.toLowerCase()));
  return keys.some((key) => key.unique && key.columns.every((column) => chosen.has(column.toLowerCase())));
}

/** `capitalization` in the task file. */
export function tableName(
  name: string,
  mapping: Pick<TableMapping, 'rename' | 'renameTables'> | undefined,
  { capitalization }: Pick<ResolvedTask, 'capitalization'>,
): string {
  if (mapping?.rename !== undefined) return mapping.rename;
  return ruledName(name, mapping?.renameTables, (middle) => {
    if (capitalization === 'upper') return middle.toUpperCase();
    return capitalization === 'source' ? middle : middle.toLowerCase();
  });
}

/** Of a column without a name of its own in the mapping. */
export function columnName(
  name: string,
  mapping: Pick<TableMapping, 'renameColumns'> | undefined,
  { capitalization }: Pick<ResolvedTask, 'capitalization'>,
): string {
  return ruledName(name, mapping?.renameColumns, (middle) => {
    if (capitalization === 'upper') return middle.toUpperCase();
    return capitalization === 'lower' ? middle.toLowerCase() : middle;
  });
}

function collisions(plans: readonly TablePlan[]): PlanProblem[] {
  const taken = new Map<string, string>();
  const problems: PlanProblem[] = [];
  for (const { source, destination } of plans) {
    const other = taken.get(destination);
    if (other) {
      problems.push({
        source,
        kind: 'collision',
        message: `${other} and ${source} would both become the table ${destination}. Rename one, or set "merge".`,
      });
    } else taken.set(destination, source);
  }
  return problems;
}
