import type { Column, TableDefinition } from '../../mysql/model.js';
import type { AppliedDdl } from './applied-ddl.js';

/**
 * Which statements leave a table in step though they send no row events: those of which every part stands on a list
 * here, because it changes no stored value, no mapped cell, no key and no uniqueness. Whatever stands on none of them
 * takes the table out of step. Sections are those of the MySQL manual.
 */

/** A part of ALTER TABLE that is about more than one column or key. */
interface HarmlessPart {
  readonly because: string;
  /** Tables are written anew, and generated columns computed anew, under what this session has set. */
  readonly rebuilds?: true;
  readonly when?: (value: string, table: TableDefinition) => boolean;
}

const holdsRows = new Set(['innodb', 'myisam']);
const options =
  'only says how the table is kept (“CREATE TABLE Statement”, table options): rows are what they were';
const constraint = 'rows that do not satisfy it make the statement fail (“ALTER TABLE”)';
const partitioning =
  'rows move between partitions; one that has none makes the statement fail (“Partition Management”)';

const parts: Record<string, HarmlessPart> = {
  AUTO_INCREMENT: { because: 'counts for rows to come' },
  AVG_ROW_LENGTH: { because: options },
  CHECKSUM: { because: options },
  COMMENT: { because: options },
  DELAY_KEY_WRITE: { because: options },
  ENCRYPTION: { because: options },
  KEY_BLOCK_SIZE: { because: options, rebuilds: true },
  COMPRESSION: { because: options },
  MAX_ROWS: { because: options },
  MIN_ROWS: { because: options },
  PACK_KEYS: { because: options },
  PASSWORD: { because: options },
  ROW_FORMAT: { because: options, rebuilds: true },
  STATS_AUTO_RECALC: { because: options },
  STATS_PERSISTENT: { because: options },
  STATS_SAMPLE_PAGES: { because: options },
  TABLESPACE: { because: options, rebuilds: true },
  AUTOEXTEND_SIZE: { because: options },
  ENGINE_ATTRIBUTE: { because: options },
  SECONDARY_ENGINE_ATTRIBUTE: { because: options },
  SECONDARY_ENGINE: { because: options },
  SECONDARY_LOAD: { because: options },
  SECONDARY_UNLOAD: { because: options },
  'INDEX DIRECTORY': { because: options },
  'DATA DIRECTORY': { because: options },
  ENGINE: {
    because:
      'both keep all rows; others lose them, share them or hold them elsewhere (“Alternative Storage Engines”)',
    rebuilds: true,
    when: (engine, table) => holdsRows.has(engine.toLowerCase()) && holdsRows.has(table.engine.toLowerCase()),
  },
  ALGORITHM: { because: 'how, not what' },
  LOCK: { because: 'how, not what' },
  'ALGORITHM COPY': { because: 'how, not what', rebuilds: true },
  FORCE: { because: 'writes the same rows anew', rebuilds: true },
  'OPTIMIZE TABLE': { because: 'writes the same rows anew', rebuilds: true },
  'REPAIR TABLE': {
    because: 'InnoDB repairs nothing by it; elsewhere rows that cannot be read are given up',
    when: (_, table) => table.engine.toLowerCase() === 'innodb',
  },
  'ORDER BY': { because: 'writes the same rows anew', rebuilds: true },
  'ENABLE KEYS': { because: 'is about keys that are not unique' },
  'DISABLE KEYS': { because: 'is about keys that are not unique' },
  VALIDATION: { because: 'is about what else the statement does' },
  'ADD CHECK': { because: constraint, rebuilds: true },
  'ADD FOREIGN KEY': { because: constraint, rebuilds: true },
  'DROP CHECK': { because: 'allows more in rows to come' },
  'DROP FOREIGN KEY': { because: 'allows more in rows to come' },
  'ALTER CONSTRAINT': { because: constraint, rebuilds: true },
  'ALTER INDEX': { because: 'an invisible index is kept up and stays unique (“Invisible Indexes”)' },
  'SET DEFAULT': { because: 'counts for rows to come' },
  'PARTITION BY': { because: partitioning, rebuilds: true },
  'REMOVE PARTITIONING': { because: partitioning, rebuilds: true },
  'ADD PARTITION': { because: partitioning, rebuilds: true },
  'COALESCE PARTITION': { because: partitioning, rebuilds: true },
  'REORGANIZE PARTITION': { because: partitioning, rebuilds: true },
  'REBUILD PARTITION': { because: partitioning, rebuilds: true },
  'OPTIMIZE PARTITION': { because: partitioning, rebuilds: true },
  'ANALYZE PARTITION': { because: 'counts' },
  'CHECK PARTITION': { because: 'looks' },
};

/** What a part that is not of a column or key does to the table; null when it leaves it as it is. */
export function partProblem(
  what: string,
  value: string,
  table: TableDefinition,
): 'loses' | 'rebuilds' | null {
  const part = Object.hasOwn(parts, what) ? parts[what]! : undefined;
  if (!part || (part.when && !part.when(value, table))) return 'loses';
  return part.rebuilds ? 'rebuilds' : null;
}

/** What a redefinition is judged by beside the two columns. */
export interface Redefinition {
  /** The session's sql_mode lets no value be made to fit. */
  readonly isStrict: boolean;
  readonly engine: string;
}

/**
 * Every stored value of the column stays and means the same after MODIFY, CHANGE, CONVERT TO, or as part of a new
 * primary key. COMMENT, DEFAULT, ON UPDATE, the place, SRID, CHECK, REFERENCES, INVISIBLE and COLUMN_FORMAT are not in
 * a Column or count for nothing here: none of them changes a stored value (“ALTER TABLE”, “Column Operations”).
 */
export function keepsValues(before: Column, after: Column, { isStrict, engine }: Redefinition): boolean {
  // Two expressions cannot be compared: the server prints them in its own way.
  if (before.generated || after.generated) return false;
  // 0 and NULL are numbered (“Using AUTO_INCREMENT”).
  if (after.autoIncrement && !before.autoIncrement) return false;
  // A strict InnoDB refuses NULLs; elsewhere they become 0, '' or now (“Online DDL Operations”, NOT NULL), and in a
  // TIMESTAMP they become now wherever the table is copied.
  const refusesNull = isStrict && engine.toLowerCase() === 'innodb' && before.dataType !== 'timestamp';
  if (before.nullable && !after.nullable && !refusesNull) return false;
  if (before.dataType !== after.dataType || before.charset !== after.charset) return false;
  if (before.members.length > 0) return before.members.every((label, i) => after.members[i] === label);
  const [old, now] = [withoutWidth(before), withoutWidth(after)];
  // The printed type says all of it: what a TEXT holds in characters the server tells by charset, a statement does not.
  if (old === now) return true;
  switch (before.dataType) {
    case 'varchar':
    case 'varbinary':
      return before.length <= after.length;
    case 'decimal':
      return (
        before.decimals === after.decimals &&
        before.precision <= after.precision &&
        before.unsigned === after.unsigned &&
        !/zerofill/.test(old + now)
      );
    default:
      return false;
  }
}

/** The type. The width of an integer is told to clients and means nothing, except that ZEROFILL fills up to it. */
function withoutWidth({ columnType, dataType, members }: Column): string {
  // Labels are printed as they were written, in the catalog as they are kept.
  if (members.length > 0) return JSON.stringify([dataType, members]);
  const printed = columnType.toLowerCase();
  const isInteger = dataType.endsWith('int');
  return isInteger && !printed.includes('zerofill') ? printed.replace(/\(\d+\)/, '') : printed;
}

/** May a generated column, or a filter, see another value of the column? */
export function looksDifferent(before: Column, after: Column, how: Redefinition): boolean {
  return (
    !keepsValues(before, after, how) ||
    withoutWidth(before) !== withoutWidth(after) ||
    before.collation !== after.collation
  );
}

/** How a table is mapped, as far as a statement may touch it. */
export interface Mapped {
  readonly key: readonly Mapping[];
  readonly attributes: readonly Mapping[];
  /** What the filter and the transformation read. */
  readonly reads: ReadonlySet<string>;
  /** What the transformation writes: cells, which are those of columns where there are some of that name. */
  readonly writes: ReadonlySet<string>;
}
interface Mapping {
  readonly column: Column;
  readonly name: string;
  readonly type: string;
  readonly unit?: string;
}

/** Why the rows at the destination, or their key, are not right any more after the statement; null: they are. */
export function outOfStep(
  applied: AppliedDdl,
  table: TableDefinition,
  before: Mapped,
  after: Mapped,
): string | null {
  const fold = (name: string) => name.toLowerCase();
  const reads = new Set([...before.reads].map(fold));
  const used = (mapped: Mapped) =>
    new Set([...mapped.key, ...mapped.attributes].map(({ column }) => fold(column.name)).concat([...reads]));
  const [usedBefore, usedAfter] = [used(before), used(after)];
  const key = before.key.map(({ column }) => column.name);
  const isKey = (name: string) => key.some((one) => fold(one) === fold(name));

  if (applied.lostRows) return `its rows may have changed without binlog events (${applied.lostRows})`;
  const dropped = applied.dropped.find((name) => isKey(name) || reads.has(fold(name)));
  if (dropped)
    return `the column ${dropped}, used by the ${isKey(dropped) ? 'key' : 'filter or the transformation'}, was dropped`;
  const writes = new Set([...before.writes].map(fold));
  const written = [...applied.added.map(({ name }) => name), ...applied.dropped].find((name) =>
    writes.has(fold(name)),
  );
  if (written)
    return `the column ${written}, whose cell the transformation writes, was ${applied.dropped.includes(written) ? 'dropped' : 'added'}`;
  const renamed = applied.renamed.find(
    ({ from, to }) =>
      usedBefore.has(fold(from)) || usedAfter.has(fold(to)) || writes.has(fold(from)) || writes.has(fold(to)),
  );
  if (renamed) return `the column ${renamed.from} was renamed to ${renamed.to}`;
  const date = before.key
    .concat(before.attributes)
    .map(({ column }) => column)
    .concat(table.columns.filter(({ name }) => reads.has(fold(name))))
    .find(({ dataType }) => /^(date|datetime|timestamp)$/.test(dataType));
  if (applied.clearsZeroDates && date)
    return `dates with zeros in ${date.name} may have become 0000-00-00 (its sql_mode has NO_ZERO_DATE or NO_ZERO_IN_DATE and is not strict)`;
  const retyped = applied.retyped.find(({ before }) => usedBefore.has(fold(before.name)));
  if (retyped) return retypedText(retyped);
  const filtered = applied.touched.find(({ before }) => reads.has(fold(before.name)));
  if (filtered) return retypedText(filtered);
  // On which columns a generated one depends is not known, nor what its session lets it come to.
  const generated = table.columns.find((column) => column.generated && usedBefore.has(fold(column.name)));
  if (generated && applied.touched.length > 0)
    return `${retypedText(applied.touched[0]!)}, and ${generated.name} may depend on it`;
  // Any statement may copy the table: a variable of its session decides, which no event tells (old_alter_table).
  const stored = table.columns.find((one) => one.volatile === 'stored' && usedBefore.has(fold(one.name)));
  if (stored)
    return `its generated column ${stored.name}, whose value depends on the session, may have been recomputed`;
  if (generated && applied.rebuilt)
    return `its generated column ${generated.name} was recomputed (${applied.rebuilt})`;
  return keyProblem(applied, table, before, after) ?? cellProblem(applied, before, after);
}

const retypedText = ({ before, after }: { before: Column; after: Column }) =>
  before.nullable && !after.nullable && before.columnType === after.columnType
    ? `the column ${before.name} became NOT NULL`
    : after.autoIncrement && !before.autoIncrement
      ? `the column ${before.name} became AUTO_INCREMENT`
      : `the column ${before.name} became ${after.columnType}`;

/** The key in use must be the same, and still name one row each. */
function keyProblem(
  applied: AppliedDdl,
  table: TableDefinition,
  before: Mapped,
  after: Mapped,
): string | null {
  const names = before.key.map(({ column }) => column.name);
  if (after.key.map(({ column }) => column.name).join('\0') !== names.join('\0')) return 'its key changed';
  // One that was taken without a unique key of its own is somebody's decision.
  if (backing(table, names).length === 0) return null;
  const now = backing(applied.definition, names);
  const isSure = now.some((key) => !key.isNameGuessed);
  if (now.length > 0 && (isSure || !applied.dropsUnknownKey)) return null;
  return `its key (${names.join(', ')}) is no longer guaranteed to be unique`;
}

/** Unique keys without NULL that lie within these columns. */
function backing(table: TableDefinition, names: readonly string[]): TableDefinition['keys'] {
  const within = new Set(names.map((name) => name.toLowerCase()));
  const isFilled = (name: string) =>
    table.columns.some((column) => column.name.toLowerCase() === name.toLowerCase() && !column.nullable);
  return table.keys.filter(
    (key) => key.unique && key.columns.every((name) => within.has(name.toLowerCase()) && isFilled(name)),
  );
}

/** Every cell stands under the name and in the type that it had, and those that come now have nothing to catch up. */
function cellProblem(applied: AppliedDdl, before: Mapped, after: Mapped): string | null {
  const added = new Set(applied.added.map(({ name }) => name));
  const old = new Map([...before.key, ...before.attributes].map((cell) => [cell.column.name, cell]));
  for (const cell of [...after.key, ...after.attributes]) {
    const was = old.get(cell.column.name);
    if (added.has(cell.column.name)) continue;
    if (!was) return `the column ${cell.column.name} was not replicated before`;
    if (was.name !== cell.name || was.type !== cell.type || was.unit !== cell.unit)
      return `the column ${cell.column.name} maps to a different cell`;
  }
  return null;
}
