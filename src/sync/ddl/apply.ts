import type { Column, Key, TableDefinition } from '../../mysql/model.js';
import { convertText, type ColumnDefinition } from './column.js';
import type { TextDefaults } from './text-defaults.js';
import type { AlterAction, CreateBody, TableName } from './parse.js';
import { UnreadableDdl } from './cursor.js';
import { sourceName } from '../../shared/source-name.js';

/** A table after a statement, and what the statement means for rows that are already replicated. */
export interface AppliedDdl {
  readonly definition: TableDefinition;
  readonly defaults: TextDefaults;
  /** Where the table is now, when the statement moved it. */
  readonly renamedTo?: TableName;
  readonly added: readonly Column[];
  /** Added columns that have a value in rows for which no event came (correctness rule 14). */
  readonly backfill: readonly Column[];
  readonly dropped: readonly string[];
  readonly renamed: readonly { from: string; to: string }[];
  /** The stored values may have changed, or mean something else now. */
  readonly retyped: readonly { before: Column; after: Column }[];
  /** The primary key or a unique key came, went or changed its columns. */
  readonly keysChanged: boolean;
  /** Rows vanished without events, and by what. */
  readonly lostRows?: string;
}

/**
 * Applies ALTER TABLE to a definition, actions in order. Throws UnreadableDdl when an action names a column that
 * the definition lacks: then the list is not the table's, and nothing may be decoded by it.
 */
export function applyAlter(
  before: TableDefinition,
  textDefaults: TextDefaults,
  actions: readonly AlterAction[],
): AppliedDdl {
  let columns = [...before.columns];
  let keys = [...before.keys];
  let defaults = textDefaults;
  let renamedTo: TableName | undefined;
  let lostRows: string | undefined;
  const added: Column[] = [];
  const backfill: Column[] = [];
  const dropped: string[] = [];
  const renamed: { from: string; to: string }[] = [];
  const retyped: { before: Column; after: Column }[] = [];

  // RENAME COLUMN a TO b, b TO a: every name means the table as it was before the statement.
  const original = new Map(before.columns.map((column) => [column.name.toLowerCase(), column]));
  const current = new Map(before.columns.map((column) => [column, column]));
  const find = (name: string): { was: Column; now: Column } => {
    const was = original.get(name.toLowerCase());
    const now = was && current.get(was);
    if (!was || !now) throw new UnreadableDdl(`${sourceName(before)} is not known to have a column ${name}`);
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

  for (const action of actions) {
    switch (action.do) {
      case 'add': {
        const { column, fillsRows } = action.definition;
        if (columns.some((c) => c.name.toLowerCase() === column.name.toLowerCase())) {
          throw new UnreadableDdl(`${sourceName(before)} already has a column ${column.name}`);
        }
        columns = place(columns, action.definition);
        added.push(column);
        if (fillsRows) backfill.push(column);
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
        const next = action.definition.column;
        replace(was, now, next);
        if (action.definition.position) {
          columns = place(
            columns.filter((column) => column !== next),
            action.definition,
          );
        }
        if (meansSomethingElse(now, next)) retyped.push({ before: now, after: next });
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
        if (action.columns)
          keys.push({
            name: action.name ?? action.columns[0]!,
            primary: action.primary,
            unique: action.unique,
            columns: action.columns,
          });
        break;
      case 'drop-key':
        keys = keys.filter((key) => key.name.toLowerCase() !== action.name.toLowerCase());
        break;
      case 'drop-primary-key':
        keys = keys.filter((key) => !key.primary);
        break;
      case 'rename-key':
        keys = keys.map((key) =>
          key.name.toLowerCase() === action.from.toLowerCase() ? { ...key, name: action.to } : key,
        );
        break;
      case 'rename-table':
        renamedTo = action.to;
        break;
      case 'lose-rows':
        lostRows = action.what;
        break;
    }
  }
  // What becomes of columns that the same statement defines follows no documented rule.
  const conversion = actions.find((action) => action.do === 'convert');
  if (conversion) {
    if (actions.some((action) => action.do === 'add' || action.do === 'change')) {
      throw new UnreadableDdl('CONVERT TO CHARACTER SET beside a column definition');
    }
    defaults = conversion.defaults;
    columns = columns.map((column) => {
      const next = convertText(column, defaults);
      if (original.has(column.name.toLowerCase()) && meansSomethingElse(column, next))
        retyped.push({ before: column, after: next });
      return next;
    });
  }
  keys = keys.map((key) => ({ ...key, columns: key.columns.map((column) => column.replace('\0', '')) }));
  const primary = new Set(keys.find((key) => key.primary)?.columns.map((name) => name.toLowerCase()));
  columns = columns.map((column) =>
    primary.has(column.name.toLowerCase()) ? { ...column, nullable: false } : column,
  );
  const definition = {
    ...before,
    ...(renamedTo && { database: renamedTo.database, name: renamedTo.table }),
    columns,
    keys,
  };
  const undoneRenames = renamed.filter(({ from, to }) => from !== to);
  return {
    definition,
    defaults,
    added,
    backfill,
    dropped,
    renamed: undoneRenames,
    retyped,
    keysChanged: keyShape(before.keys, undoneRenames) !== keyShape(keys, []),
    ...(renamedTo && { renamedTo }),
    ...(lostRows && { lostRows }),
  };
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
  for (const key of body.keys) add(key.name ?? key.columns?.[0] ?? '', key.primary, key.unique, key.columns);
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

function place(columns: readonly Column[], { column, position }: ColumnDefinition): Column[] {
  if (position === 'first') return [column, ...columns];
  if (!position) return [...columns, column];
  const at = columns.findIndex((c) => c.name.toLowerCase() === position.after.toLowerCase());
  if (at < 0) throw new UnreadableDdl(`there is no column ${position.after} to stand after`);
  return [...columns.slice(0, at + 1), column, ...columns.slice(at + 1)];
}

/** A dropped column leaves the keys; a key without columns goes. */
function withoutColumn(key: Key, column: string): Key[] {
  const columns = key.columns.filter((name) => name !== column);
  return columns.length === 0 ? [] : [{ ...key, columns }];
}

/** A wider VARCHAR or another NULL-ability leaves every value as it was; anything else may not. */
function meansSomethingElse(before: Column, after: Column): boolean {
  if (
    before.dataType !== after.dataType ||
    before.unsigned !== after.unsigned ||
    before.charset !== after.charset
  )
    return true;
  if (
    before.decimals !== after.decimals ||
    before.precision > after.precision ||
    before.generated !== after.generated
  )
    return true;
  if (after.dataType === 'char' || after.dataType === 'binary' || after.dataType === 'bit')
    return before.length !== after.length;
  if (after.members.length === 0 && before.length > after.length) return true;
  return before.members.some((member, i) => after.members[i] !== member);
}

function keyShape(keys: readonly Key[], renames: readonly { from: string; to: string }[]): string {
  const now = (name: string) => renames.find(({ from }) => from === name)?.to ?? name;
  return keys
    .filter((key) => key.unique)
    .map((key) => `${key.primary}:${key.columns.map(now).join(',')}`)
    .sort()
    .join(';');
}
