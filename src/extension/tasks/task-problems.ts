import { findNodeAtLocation, parseTree, type Node } from 'jsonc-parser';
import { located, type FileIssue } from '../../shared/checked-jsonc.js';
import { etlTokens, offsetAt } from '../../shared/etl-words.js';
import type { Translate } from '../../shared/format.js';
import { keyProblems } from '../../shared/key-problems.js';
import { nearest } from '../../shared/nearest.js';
import type { TaskFix } from '../../shared/task-fix.js';
import { sourceName, type SourceTable } from '../../shared/source-name.js';
import { parseTask } from '../../shared/task-file.js';
import type { Task } from '../../shared/task.js';
import type { CatalogTable } from '../../shared/catalog-api.js';
import { compileEtl, type EtlProgram } from '../../sync/etl/compile.js';
import { columnReader } from '../../sync/etl/reads.js';
import { EtlSyntaxError } from '../../sync/etl/parser.js';
import { checkFilter, FilterError } from '../../sync/filter/check.js';
import { selectionOf, tableName } from '../../sync/mapping/plan.js';
import { isValidName, validName } from '../../tablestore/client/limits.js';

/** Something that the schema cannot know. An error makes the precheck fail; a warning is a thing to think about. */
export interface TaskProblem extends FileIssue {
  severity: 'error' | 'warning';
  /** The stretch inside of the value at `key` that it is about, in UTF-16 units; without it the value as a whole. */
  within?: Within;
  /** Changes of the file that mend it, each by itself. */
  fixes?: readonly TaskFix[];
}

/** What is known without asking anybody. undefined: not known, and then nothing is said about it. */
export interface KnownNames {
  sources?: readonly string[];
  destinations?: readonly string[];
  databases?: readonly string[];
  tables(database: string): readonly CatalogTable[] | undefined;
}

type Path = readonly (string | number)[];
type Report = (
  path: Path,
  message: string,
  more?: Partial<Pick<TaskProblem, 'severity' | 'within' | 'fixes'>>,
) => void;
/** A stretch inside of a string's value, in UTF-16 units. */
export interface Within {
  at: number;
  length: number;
}

/**
 * What is wrong with a task file beyond its schema: filters, script, names that collide, columns that are not there.
 * Pure. Empty while the file is not valid: its schema issues come first.
 */
export function taskProblems(text: string, known: KnownNames, t: Translate): TaskProblem[] {
  const { value: task, issues } = parseTask(text);
  const rules = issues
    .filter((issue) => issue.beyondSchema)
    .map((issue): TaskProblem => ({ ...issue, severity: 'error' }));
  const root = parseTree(text, [], { allowTrailingComma: true });
  if (!task || !root) return rules;
  const found: TaskProblem[] = [];
  const report: Report = (path, message, { severity = 'error', within, fixes = [] } = {}) => {
    const issue = located(text, root, path, message);
    const node = within && findNodeAtLocation(root, [...path]);
    found.push({
      ...issue,
      ...(within && node ? { ...placeWithin(text, node, within), within } : {}),
      severity,
      ...(fixes.length > 0 && { fixes }),
    });
  };
  connections(task, known, report, t);
  phases(task, report, t);
  selectedObjects(task, known, report, t);
  script(task, known, report, t);
  return found.sort((a, b) => a.offset - b.offset);
}

function connections(task: Task, known: KnownNames, report: Report, t: Translate): void {
  for (const side of ['source', 'destination'] as const) {
    const settings = task[side];
    const names = side === 'source' ? known.sources : known.destinations;
    if ('connection' in settings) {
      if (!names || names.includes(settings.connection)) continue;
      const meant = nearest(settings.connection, names);
      report(
        [side, 'connection'],
        meant === undefined
          ? t('The saved connection {0} does not exist.', settings.connection)
          : t('The saved connection {0} does not exist. Did you mean {1}?', settings.connection, meant),
        { fixes: correcting([side, 'connection'], meant) },
      );
    } else {
      const key = side === 'source' ? 'password' : 'accessKeySecret';
      const secret = (settings as Record<string, unknown>)[key];
      if (typeof secret === 'string' && secret !== '' && !secret.includes('${env:')) {
        // `t` fills in {0} only: the braces of the variable stay.
        report(
          [side, key],
          t(
            'The file contains this secret in plain text. Use ${env:NAME} instead; you are asked for the value once.',
          ),
          { severity: 'warning' },
        );
      }
    }
  }
}

function phases(task: Task, report: Report, t: Translate): void {
  const { schema, full, incremental } = task.synchronization;
  if (!schema && !full && !incremental)
    report(['synchronization'], t('All phases are off: the task does nothing.'));
  if (!full && incremental && task.startPosition === null) {
    report(
      ['synchronization', 'full'],
      t('Without a full load, set startPosition: where to begin in the binlog.'),
      { fixes: [{ do: 'set', path: ['synchronization', 'full'] }] },
    );
  }
  if (full && task.startPosition !== null)
    report(['startPosition'], t('It has no effect while the full load is on.'), {
      severity: 'warning',
      fixes: [{ do: 'set', path: ['startPosition'] }],
    });
}

function selectedObjects(task: Task, known: KnownNames, report: Report, t: Translate): void {
  const databases = new Map<string, number>();
  const destinations = new Map<string, string>();
  task.objects.forEach((object, index) => {
    const path = ['objects', index];
    const name = object.database;
    if (databases.has(name.toLowerCase())) report([...path, 'database'], t('{0} is selected twice.', name));
    databases.set(name.toLowerCase(), index);
    if (known.databases && !includes(known.databases, name)) {
      const meant = nearest(name, known.databases);
      report(
        [...path, 'database'],
        meant === undefined
          ? t('The source has no database {0}.', name)
          : t('The source has no database {0}. Did you mean {1}?', name, meant),
        { fixes: correcting([...path, 'database'], meant) },
      );
    }
    const tables = known.tables(name);
    const seen = new Set<string>();
    object.tables?.forEach((table, at) => {
      const here = [...path, 'tables', at];
      const id = `${name}.${table.name}`;
      const source = { database: name, name: table.name };
      if (seen.has(table.name.toLowerCase())) report([...here, 'name'], t('{0} is selected twice.', id));
      seen.add(table.name.toLowerCase());
      const definition = tables?.find((one) => one.name.toLowerCase() === table.name.toLowerCase());
      if (tables && !definition) {
        const meant = nearest(
          table.name,
          tables.map((one) => one.name),
        );
        report(
          [...here, 'name'],
          meant === undefined
            ? t('{0} has no table {1}.', name, table.name)
            : t('{0} has no table {1}. Did you mean {2}?', name, table.name, meant),
          {
            fixes: [...correcting([...here, 'name'], meant), ...excluding(task, [source])],
          },
        );
      }
      const destination = tableName(table.name, { ...object, ...table }, task);
      const renaming = (to: string): TaskFix => ({
        do: 'rename-table',
        table: source,
        to: validName(to, new Set(destinations.keys())),
      });
      const where = table.rename === undefined ? [...here, 'name'] : [...here, 'rename'];
      if (!isValidName(destination)) {
        report(
          where,
          t(
            '{0} is not a valid Tablestore name. Use letters, digits and underscores, do not start with a digit, at most 255 characters.',
            destination,
          ),
          { fixes: [renaming(destination)] },
        );
      }
      const other = destinations.get(destination);
      if (other !== undefined && !task.merge) {
        report(
          where,
          t(
            '{0} and {1} would both become the table {2}. Rename one, or set "merge".',
            other,
            id,
            destination,
          ),
          { fixes: [renaming(`${name}_${destination}`)] },
        );
      }
      destinations.set(destination, id);
      filter(name, table, definition, here, report);
      columns(name, table, definition, here, report, t);
    });
    if (object.renameTables && !object.tables) {
      for (const { name: table } of tables ?? []) {
        const selection = selectionOf(task, { database: name, name: table });
        if (!selection) continue;
        const destination = tableName(table, selection.mapping, task);
        const other = destinations.get(destination);
        destinations.set(destination, `${name}.${table}`);
        const reason = !isValidName(destination)
          ? t(
              '{0} is not a valid Tablestore name. Use letters, digits and underscores, do not start with a digit, at most 255 characters.',
              destination,
            )
          : other !== undefined && !task.merge
            ? t(
                '{0} and {1} would both become the table {2}. Rename one, or set "merge".',
                other,
                `${name}.${table}`,
                destination,
              )
            : null;
        if (reason === null) continue;
        report([...path, 'renameTables'], reason);
        // The precheck has them all.
        break;
      }
    }
  });
}

/** The name that was probably meant. */
const correcting = (path: Path, meant: string | undefined): TaskFix[] =>
  meant === undefined ? [] : [{ do: 'set', path: [...path], value: meant }];

/** A task without any table is none. */
function excluding({ objects }: Pick<Task, 'objects'>, tables: readonly SourceTable[]): TaskFix[] {
  const others = objects.some(
    (object) =>
      !object.tables ||
      object.tables.some(
        ({ name }) => !tables.some((one) => one.database === object.database && one.name === name),
      ),
  );
  return others
    ? [{ do: 'exclude-tables', tables: tables.map(({ database, name }) => ({ database, name })) }]
    : [];
}

/** The first unique key of the source that Tablestore can have. */
function choosingKey(table: CatalogTable, t: Translate): TaskFix[] {
  const { database, name } = table;
  const key = table.keys.find(({ unique, columns }) => unique && keyProblems(table, columns, t).length === 0);
  return key ? [{ do: 'choose-key', table: { database, name }, columns: [...key.columns] }] : [];
}

type SelectedTable = NonNullable<Task['objects'][number]['tables']>[number];

function filter(
  database: string,
  table: SelectedTable,
  definition: CatalogTable | undefined,
  path: Path,
  report: Report,
): void {
  if (table.filter === undefined || table.filter.trim() === '') return;
  try {
    checkFilter(table.filter, {
      database,
      name: table.name,
      ...(definition && {
        columns: definition.columns.map(({ name, dataType, type }) => ({ name, dataType, columnType: type })),
      }),
    });
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    const length = /^(\w+|.)/su.exec(table.filter.slice(error.at))?.[0].length ?? 0;
    report([...path, 'filter'], sentence(error.reason), {
      within: {
        at: Math.min(error.at, Math.max(0, table.filter.length - 1)),
        length: Math.max(1, length),
      },
    });
  }
}

function columns(
  database: string,
  table: SelectedTable,
  definition: CatalogTable | undefined,
  path: Path,
  report: Report,
  t: Translate,
): void {
  const names = definition?.columns.map((column) => column.name);
  const key = table.primaryKey;
  if (key) {
    if (new Set(key.map((name) => name.toLowerCase())).size < key.length)
      report([...path, 'primaryKey'], t('The key contains a column twice.'));
    else if (definition)
      for (const problem of keyProblems(definition, key, t))
        report([...path, 'primaryKey'], problem, { fixes: choosingKey(definition, t) });
  }
  const targets = new Map<string, string>();
  for (const [name, choice] of Object.entries(table.columns ?? {})) {
    const here = [...path, 'columns', name];
    if (names && !includes(names, name)) {
      const meant = nearest(name, names);
      report(
        here,
        meant === undefined
          ? t('{0} has no column {1}.', table.name, name)
          : t('{0} has no column {1}. Did you mean {2}?', table.name, name, meant),
        { fixes: [{ do: 'set', path: here }] },
      );
    }
    if (choice.exclude && key && includes(key, name))
      report([...here, 'exclude'], t('{0} is part of the key and cannot be excluded.', name));
    if (choice.unit !== undefined && choice.type !== 'INTEGER')
      report([...here, 'unit'], t('The unit applies only to the type INTEGER.'), { severity: 'warning' });
    if (choice.rename !== undefined && !choice.exclude) {
      if (!isValidName(choice.rename)) {
        report(
          [...here, 'rename'],
          t(
            '{0} is not a valid Tablestore name. Use letters, digits and underscores, do not start with a digit, at most 255 characters.',
            choice.rename,
          ),
          {
            fixes: [
              {
                do: 'rename-column',
                table: { database, name: table.name },
                column: name,
                to: validName(choice.rename, new Set()),
              },
            ],
          },
        );
      }
      const other =
        targets.get(choice.rename) ??
        names?.find(
          (one) =>
            one === choice.rename &&
            one !== name &&
            !table.columns?.[one]?.rename &&
            !table.columns?.[one]?.exclude,
        );
      if (other !== undefined)
        report([...here, 'rename'], t('{0} and {1} would both become {2}.', other, name, choice.rename));
      targets.set(choice.rename, name);
    }
  }
}

function script(task: Task, known: KnownNames, report: Report, t: Translate): void {
  const { program, problem } = compiled(task.etl);
  if (problem) report(['etl'], problem.message, { within: problem });
  if (!program) return;
  const looked = lookedAt(task, known);
  const tables = selectedTables(task, looked);
  // A name that no table has may still be one of a table that nobody looked at.
  const every = isComplete(looked) ? tables.flatMap(({ columns }) => namesOf(columns)) : undefined;
  const columnsRead = columnReader(task.etl);
  const told = new Set<string>();
  for (const table of tables) {
    for (const { name, at } of columnsRead(table)) {
      if (program.writes.has(name) || includes(namesOf(table.columns), name)) continue;
      const isAnywhere = !every || includes(every, name);
      const message = isAnywhere
        ? t('{0} has no column {1}, which the script reads.', sourceName(table), name)
        : t('No selected table has a column {0}.', name);
      const from = offsetAt(task.etl, at.line, at.column);
      if (told.has(`${from} ${message}`)) continue;
      told.add(`${from} ${message}`);
      report(['etl'], message, {
        within: { at: from, length: name.length + 2 },
        fixes: isAnywhere ? excluding(task, [table]) : [],
      });
    }
  }
}

/** Tables of each chosen database; undefined where the source was not looked at. */
type LookedAt = readonly { database: string; tables: readonly CatalogTable[] | undefined }[];

const lookedAt = ({ objects }: Pick<Task, 'objects'>, known: KnownNames): LookedAt =>
  objects.map(({ database }) => ({ database, tables: known.tables(database) }));

const isComplete = (looked: LookedAt) => looked.every(({ tables }) => tables);

/** The selected tables, as far as the source was looked at. */
const selectedTables = (task: Pick<Task, 'objects'>, looked: LookedAt) =>
  looked.flatMap(({ database, tables = [] }) =>
    tables
      .filter(({ name }) => selectionOf(task, { database, name }))
      .map(({ name, columns }) => ({ database, name, columns })),
  );

/** Columns of every selected table; undefined while one of the tables is not known. */
export function columnsOf(
  task: Pick<Task, 'objects'>,
  known: KnownNames,
): { name: string; type: string }[] | undefined {
  const looked = lookedAt(task, known);
  return isComplete(looked) ? selectedTables(task, looked).flatMap(({ columns }) => columns) : undefined;
}

type ScriptProblem = Within & { message: string };

/** What is wrong with a script, and the word where it is; null: nothing. */
export const scriptProblem = (script: string): ScriptProblem | null => compiled(script).problem;

/** program: null where there is no script, or a wrong one. */
function compiled(script: string): { program: EtlProgram | null; problem: ScriptProblem | null } {
  try {
    return { program: compileEtl(script), problem: null };
  } catch (error) {
    if (!(error instanceof EtlSyntaxError)) throw error;
    const at = offsetAt(script, error.at.line, error.at.column);
    const token = etlTokens(script).find((one) => one.at <= at && at < one.at + one.text.length);
    const rest = token && token.kind !== 'other' ? token.at + token.text.length - at : 1;
    return { program: null, problem: { at, length: rest, message: sentence(error.reason) } };
  }
}

/** The stretch in the text of the file: escapes make a literal longer than its value. */
function placeWithin(
  text: string,
  node: Node,
  within: Within,
): Pick<FileIssue, 'offset' | 'length' | 'line' | 'column'> {
  const literal = text.slice(node.offset, node.offset + node.length);
  const start = node.offset + rawOffset(literal, within.at);
  const end = node.offset + rawOffset(literal, within.at + within.length);
  const before = text.slice(0, start);
  return {
    offset: start,
    length: Math.max(1, end - start),
    line: before.split('\n').length,
    column: start - before.lastIndexOf('\n'),
  };
}

/** Where the unit `at` of a JSON string's value stands in its literal, quotes included. */
export function rawOffset(literal: string, at: number): number {
  let raw = 1;
  for (let value = 0; value < at && raw < literal.length - 1; value++) {
    if (literal[raw] !== '\\') raw++;
    else raw += literal[raw + 1] === 'u' ? 6 : 2;
  }
  return raw;
}

const namesOf = (columns: readonly { name: string }[]) => columns.map(({ name }) => name);
const includes = (names: readonly string[], name: string) =>
  names.some((one) => one.toLowerCase() === name.toLowerCase());
/** As it begins: often with a name, whose case matters. */
const sentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);
