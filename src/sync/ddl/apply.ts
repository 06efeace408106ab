import type { Column, Key, TableDefinition } from '../../mysql/model.js';
import type { AppliedDdl } from './applied-ddl.js';
import { convertText, type ColumnDefinition } from './column.js';
import type { TextDefaults } from './text-defaults.js';
import type { TableName } from './cursor.js';
import type { AlterAction, CreateBody, KeyPrefix } from './statement.js';
import { UnreadableDdl } from './cursor.js';
import { sourceName } from '../../shared/source-name.js';
import { keepsValues, looksDifferent, partProblem } from './in-step.js';

/**
 * Applies ALTER TABLE to a definition, actions in order. Throws UnreadableDdl when an action names a column that
 * the definition lacks: then the list is not the table's, and nothing may be decoded by it.
 */
export function applyAlter(
  before: TableDefinition,
  textDefaults: TextDefaults,
  actions: readonly AlterAction[],
  { isStrict, clearsZeroDates = false }: { isStrict: boolean; clearsZeroDates?: boolean } = {
    isStrict: false,
  },
): AppliedDdl {
  let columns = [...before.columns];
  let keys = [...before.keys];
  let defaults = textDefaults;
  let lostRows: string | undefined;
  let rebuilt: string | undefined;
  let dropsUnknownKey = false;
  let cascades = false;
  let { engine } = before;
  const exchangedWith: TableName[] = [];
  const added: string[] = [];
  const backfill = new Set<string>();
  const dropped: string[] = [];
  const renamed: { from: string; to: string }[] = [];
  // RENAME COLUMN a TO b, b TO a: every name means the table as it was before the statement.
  const original = new Map(before.columns.map((column) => [column.name.toLowerCase(), column]));
  const current = new Map(before.columns.map((column) => [column, column]));
  const find = (name: string): { was: Column; now: Column } => {
    const was = original.get(name.toLowerCase());
    const now = was && current.get(was);
    if (!was || !now) throw new UnreadableDdl(`${sourceName(before)} has no known column ${name}`);
    return { was, now };
  };
  const replace = (was: Column, now: Column, next: Column) => {
    columns[columns.indexOf(now)] = next;
    current.set(was, next);
    if (next.name !== now.name) {
      renamed.push({ from: now.name, to: next.name });
      keys = keys.map((key) => ({
        ...key,
        columns: key.columns.map((c) => (c === now.name ? `\0${next.name}` : c)),
      }));
    }
  };

  // Columns get their places after all others have their new names, which are what AFTER means.
  const placing: (() => void)[] = [];
  const prefixed: { name: string; prefixes: KeyPrefix[] }[] = [];
  for (const action of actions) {
    switch (action.do) {
      case 'add': {
        const { column, fillsRows } = action.definition;
        placing.push(() => {
          if (columns.some((c) => c.name.toLowerCase() === column.name.toLowerCase())) {
            throw new UnreadableDdl(`${sourceName(before)} already has a column ${column.name}`);
          }
          columns = place(columns, action.definition);
        });
        added.push(column.name);
        if (fillsRows) backfill.add(column.name);
        break;
      }
      case 'drop': {
        const { was, now } = find(action.column);
        columns = columns.filter((column) => column !== now);
        current.delete(was);
        dropped.push(now.name);
        keys = keys.flatMap((key) => withoutColumn(key, now.name));
        break;
      }
      case 'change': {
        const { was, now } = find(action.column);
        const { column: next, position } = action.definition;
        replace(was, now, next);
        if (position)
          placing.push(() => {
            const column = current.get(was) ?? next;
            columns = place(
              columns.filter((one) => one !== column),
              { column, position },
            );
          });
        break;
      }
      case 'rename-column': {
        const { was, now } = find(action.from);
        replace(was, now, { ...now, name: action.to });
        break;
      }
      case 'visibility': {
        const { was, now } = find(action.column);
        replace(was, now, { ...now, invisible: action.invisible });
        break;
      }
      case 'text-defaults':
        defaults = action.defaults;
        break;
      case 'add-key':
        if (action.columns) {
          const key = keyOf(action, action.columns, keys);
          keys.push(key);
          if (action.prefixes) prefixed.push({ name: key.name, prefixes: action.prefixes });
        }
        break;
      case 'drop-key': {
        const there = keys.find((key) => isNamed(key, action.name));
        if (!there || there.isNameGuessed) dropsUnknownKey = true;
        keys = keys.filter((key) => key !== there);
        break;
      }
      case 'drop-primary-key':
        keys = keys.filter((key) => !key.primary);
        break;
      case 'rename-key':
        keys = keys.map((key) => (isNamed(key, action.from) ? { ...key, name: action.to } : key));
        break;
      case 'rename-table':
        // What has the new name is another table to the stream, whatever else is done to it.
        break;
      case 'exchange':
        lostRows = 'EXCHANGE PARTITION';
        exchangedWith.push(action.with);
        break;
      case 'cascade':
        cascades = true;
        break;
      case 'other': {
        const problem = partProblem(action.what, action.value, before);
        if (problem === 'loses') lostRows ??= action.what;
        if (problem === 'rebuilds') rebuilt ??= action.what;
        if (action.what === 'ENGINE') engine = action.value;
        break;
      }
    }
  }
  for (const put of placing) put();
  const cut = prefixed.filter(({ prefixes }) => !areWhole(prefixes, columns)).map(({ name }) => name);
  keys = keys.filter(({ name }) => !cut.includes(name));
  // What becomes of columns that the same statement defines follows no documented rule.
  const conversion = actions.find((action) => action.do === 'convert');
  if (conversion) {
    if (actions.some((action) => action.do === 'add' || action.do === 'change')) {
      throw new UnreadableDdl('CONVERT TO CHARACTER SET together with a column definition');
    }
    defaults = conversion.defaults;
    rebuilt ??= 'CONVERT TO';
    for (const [was, now] of current) replace(was, now, convertText(now, defaults));
  }
  keys = keys.map((key) => ({ ...key, columns: key.columns.map((column) => column.replace('\0', '')) }));
  const primary = new Set(keys.find((key) => key.primary)?.columns.map((name) => name.toLowerCase()));
  for (const column of columns) {
    if (!primary.has(column.name.toLowerCase()) || !column.nullable) continue;
    const filled = { ...column, nullable: false };
    const was = [...current].find(([, now]) => now === column)?.[0];
    if (was) replace(was, column, filled);
    else {
      columns = columns.map((one) => (one === column ? filled : one));
      backfill.add(column.name);
    }
  }
  const redefined = [...current].map(([was, now]) => ({ before: was, after: now }));
  const how = { isStrict, engine: before.engine };
  const ofName = (names: Iterable<string>) => columns.filter(({ name }) => [...names].includes(name));
  const definition: TableDefinition = {
    ...before,
    ...(cascades && { cascades }),
    engine,
    columns,
    keys,
  };
  const undoneRenames = renamed.filter(({ from, to }) => from !== to);
  return {
    definition,
    defaults,
    added: ofName(added),
    backfill: ofName(backfill),
    dropped,
    renamed: undoneRenames,
    retyped: redefined.filter((one) => one.before !== one.after && !keepsValues(one.before, one.after, how)),
    touched: redefined.filter(
      (one) => one.before !== one.after && looksDifferent(one.before, one.after, how),
    ),
    dropsUnknownKey,
    exchangedWith,
    // That rows were copied, no statement tells: it may be by a variable of its session (old_alter_table).
    ...(clearsZeroDates &&
      !(isStrict && before.engine.toLowerCase() === 'innodb') && { clearsZeroDates: true }),
    ...(rebuilt && { rebuilt }),
    ...(lostRows && { lostRows }),
  };
}

/** A key with a true prefix identifies no row by its columns; one as long as its column, MySQL keeps as none. */
function areWhole(prefixes: readonly KeyPrefix[], columns: readonly Column[]): boolean {
  return prefixes.every((prefix) =>
    columns.some(
      ({ name, length }) => name.toLowerCase() === prefix.column.toLowerCase() && length === prefix.length,
    ),
  );
}

/** The definition that CREATE TABLE with columns gives. Statistics are unknown and 0. */
export function applyCreate(table: TableName, body: CreateBody & { as: 'columns' }): TableDefinition {
  const keys: Key[] = [];
  const add = (name: string, primary: boolean, unique: boolean, columns: readonly string[] | null) => {
    if (columns) keys.push({ name, primary, unique, columns });
  };
  for (const { column, key } of body.definitions) {
    if (key) add(key === 'primary' ? 'PRIMARY' : column.name, key === 'primary', true, [column.name]);
  }
  const all = body.definitions.map(({ column }) => column);
  for (const key of body.keys)
    if (areWhole(key.prefixes ?? [], all))
      add(key.name ?? key.columns?.[0] ?? '', key.primary, key.unique, key.columns);
  const primary = new Set(keys.find((key) => key.primary)?.columns.map((name) => name.toLowerCase()));
  const columns = body.definitions.map(({ column }) =>
    primary.has(column.name.toLowerCase()) ? { ...column, nullable: false } : column,
  );
  return {
    database: table.database,
    name: table.table,
    engine: 'InnoDB',
    columns,
    keys,
    estimatedRows: 0,
    averageRowBytes: 0,
  };
}

function place(
  columns: readonly Column[],
  { column, position }: Pick<ColumnDefinition, 'column' | 'position'>,
): Column[] {
  if (position === 'first') return [column, ...columns];
  if (!position) return [...columns, column];
  const at = columns.findIndex((c) => c.name.toLowerCase() === position.after.toLowerCase());
  if (at < 0) throw new UnreadableDdl(`the column ${position.after} named by AFTER does not exist`);
  return [...columns.slice(0, at + 1), column, ...columns.slice(at + 1)];
}

/** A dropped column leaves the keys; a key without columns goes. */
function withoutColumn(key: Key, column: string): Key[] {
  const columns = key.columns.filter((name) => name !== column);
  return columns.length === 0 ? [] : [{ ...key, columns }];
}

const isNamed = (key: Key, name: string) => key.name.toLowerCase() === name.toLowerCase();

/** One without a name gets that of its first column, with a number where that is taken. */
function keyOf(
  { name, primary, unique }: Pick<Key, 'primary' | 'unique'> & { readonly name: string | null },
  columns: readonly string[],
  others: readonly Key[],
): Key {
  if (name !== null) return { name, primary, unique, columns };
  let guess = columns[0]!;
  for (let n = 2; others.some((key) => isNamed(key, guess)); n++) guess = `${columns[0]!}_${n}`;
  return { name: guess, primary, unique, columns, isNameGuessed: true };
}
