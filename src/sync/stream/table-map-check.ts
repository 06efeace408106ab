import type { BinlogTable, Column, Key, TableDefinition } from '../../mysql/model.js';
import type { CharsetDecoders } from '../../mysql/types/index.js';
import type { AppliedDdl } from '../ddl/applied-ddl.js';
import { bytesOfCharacter } from '../ddl/column.js';
import { keepsValues, looksDifferent } from '../ddl/in-step.js';
import { canonicalCharset, canonicalCollation } from '../ddl/text-defaults.js';

/**
 * What a TABLE_MAP event says of a table, held against what we believe of it (correctness rule 13). The server writes it
 * before the rows of each statement, from the table as it is then: a difference is an ALTER that is not in the binlog
 * (sql_log_bin=0), or one that was misread.
 */
export interface Difference {
  /** The first thing that differs, as a clause of its own. */
  readonly what: string;
  /**
   * The table as the event has it, and what became of it. null: the event does not say all of it (without
   * binlog_row_metadata=FULL), or it cannot be known what rows of before it hold.
   */
  readonly told: Omit<AppliedDdl, 'defaults'> | null;
}

type Charsets = Pick<CharsetDecoders, 'get' | 'charsetOf' | 'collationOf'>;

/** null: what the event says is what we believe. Throws CharsetNotLoaded, ROW-S109 for metadata that fits no table. */
export function differenceOf(
  believed: TableDefinition,
  map: BinlogTable,
  charsets: Charsets,
): Difference | null {
  const { names } = map.metadata();
  const shape = shapeDifference(believed, names ?? null, map.columnCount);
  if (shape) return shape;
  const told: Column[] = [];
  for (const [i, before] of believed.columns.entries()) {
    const after = toldColumn(before, map, i, charsets);
    // Without its name it may be another column.
    if (!after || (after !== before && !names)) return { what: columnText(before, after), told: null };
    told.push(after);
  }
  return names ? toldAs(believed, told, toldKeys(believed, told, map)) : null;
}

/** The same for what the catalog says, which knows all keys, and nothing of what the server does not tell clients. */
export function catalogDifference(believed: TableDefinition, now: TableDefinition): Difference | null {
  const names = now.columns.map(({ name }) => name);
  const shape = shapeDifference(believed, names, names.length);
  if (shape) return shape;
  const columns = now.columns.map((after, i) => {
    const before = believed.columns[i]!;
    return isSameColumn(before, after) ? before : after;
  });
  const keys = keysText(believed) === keysText(now) ? believed.keys : now.keys;
  return toldAs(believed, columns, keys, now.cascades);
}

function shapeDifference(
  { columns }: TableDefinition,
  names: readonly string[] | null,
  count: number,
): Difference | null {
  if (columns.length !== count) return { what: `it has ${count} columns, not ${columns.length}`, told: null };
  // Renamed, replaced, moved: all of them may look the same, and mean other values in rows of before.
  const other = names?.findIndex((name, i) => name !== columns[i]!.name) ?? -1;
  if (other < 0) return null;
  return { what: `its column ${other + 1} is ${names![other]!}, not ${columns[other]!.name}`, told: null };
}

/** Columns and keys of which those that are as believed are the very same objects. */
function toldAs(
  believed: TableDefinition,
  columns: readonly Column[],
  keys: readonly Key[],
  cascades?: true,
): Difference | null {
  const changed = columns.flatMap((after, i) => {
    const before = believed.columns[i]!;
    return after === before ? [] : [{ before, after }];
  });
  const [first] = changed;
  const isCascade = cascades && !believed.cascades;
  if (!first && keys === believed.keys && !isCascade) return null;
  // Under which sql_mode it was altered is not known.
  const how = { isStrict: false, engine: believed.engine };
  return {
    what: first
      ? columnText(first.before, first.after)
      : isCascade
        ? 'a foreign key changes its rows automatically'
        : 'its keys differ',
    told: {
      definition: { ...believed, columns, keys, ...(cascades && { cascades }) },
      added: [],
      backfill: [],
      dropped: [],
      renamed: [],
      retyped: changed.filter(({ before, after }) => !keepsValues(before, after, how)),
      touched: changed.filter(({ before, after }) => looksDifferent(before, after, how)),
      dropsUnknownKey: false,
      exchangedWith: [],
    },
  };
}

/** A statement that was followed tells some things in other words than the catalog: they count for nothing here. */
function isSameColumn(before: Column, after: Column): boolean {
  const hasLength = /^(var)?(char|binary)$|^bit$|^vector$/.test(after.dataType);
  const isSameText = (a: string | null, b: string | null, canonical: (name: string) => string) =>
    (a === null) === (b === null) && (a === null || b === null || canonical(a) === canonical(b));
  return (
    geometryName(before.dataType) === geometryName(after.dataType) &&
    before.nullable === after.nullable &&
    before.unsigned === after.unsigned &&
    before.precision === after.precision &&
    before.decimals === after.decimals &&
    before.generated === after.generated &&
    before.invisible === after.invisible &&
    (!hasLength || before.length === after.length) &&
    zerofillOf(before) === zerofillOf(after) &&
    isSameText(before.charset, after.charset, canonicalCharset) &&
    (before.collation === null || isSameText(before.collation, after.collation, canonicalCollation)) &&
    before.members.join('\0') === after.members.join('\0')
  );
}

const geometryName = (dataType: string) => (dataType === 'geometrycollection' ? 'geomcollection' : dataType);

/** What is told of ZEROFILL is how wide a number is printed. */
function zerofillOf({ columnType }: Column): string {
  return /zerofill/i.test(columnType) ? (/\(\d+\)/.exec(columnType)?.[0] ?? '') : 'none';
}

/** Which columns name one row. */
function keysText({ keys }: TableDefinition): string {
  return keys
    .filter(({ unique }) => unique)
    .map(({ primary, columns }) => `${primary ? 'PRIMARY' : ''}\0${columns.join('\0').toLowerCase()}`)
    .sort()
    .join('\n');
}

/** Type codes that a column of each type may have (MySQL source, field_types.h); 0, 7, 11, 12 are of old tables. */
const codes: Record<string, readonly number[]> = {
  tinyint: [1],
  smallint: [2],
  mediumint: [9],
  int: [3],
  bigint: [8],
  float: [4],
  double: [5],
  decimal: [0, 246],
  date: [10, 14],
  time: [11, 19],
  datetime: [12, 18],
  timestamp: [7, 17],
  year: [13],
  bit: [16],
  json: [245],
  enum: [247],
  set: [248],
  varchar: [15, 253],
  varbinary: [15, 253],
  char: [254],
  binary: [254],
  vector: [242],
};
for (const size of ['tiny', '', 'medium', 'long'])
  for (const kind of ['text', 'blob']) codes[`${size}${kind}`] = [249, 250, 251, 252];
/** By the number that GEOMETRY_TYPE has for them. */
const geometries = [
  'geometry',
  'point',
  'linestring',
  'polygon',
  'multipoint',
  'multilinestring',
  'multipolygon',
  'geomcollection',
];
for (const geometry of [...geometries, 'geometrycollection']) codes[geometry] = [255];

const signed = new Set(['tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'float', 'double', 'decimal']);
const binaryCollation = 63;
const hasFraction = new Set([17, 18, 19]);

/**
 * Column i of the event, believed to be `column`: the very same object when that is what the event says, another one
 * where it differs, null when it is of a type that this one cannot be compared with.
 */
function toldColumn(column: Column, map: BinlogTable, i: number, charsets: Charsets): Column | null {
  const { dataType } = column;
  const code = map.columnTypes[i]!;
  // A type of a newer server is carried as bytes.
  if (!codes[dataType]) return column;
  if (!codes[dataType].includes(code)) return null;
  const metadata = map.metadata();
  const meta = map.columnMeta[i]!;
  const [low, high] = [meta & 0xff, meta >> 8];
  const told = { ...column, nullable: map.isNullable(i) };

  const collation = metadata.collations?.[i];
  if (collation !== undefined) {
    const isText = column.charset !== null;
    if (isText !== (collation !== binaryCollation) && column.charset !== 'binary') return null;
    const [charset, name] = [charsets.charsetOf(collation), charsets.collationOf(collation)];
    if (isText && charset !== undefined && name !== undefined) {
      if (canonicalCharset(charset) !== canonicalCharset(column.charset)) told.charset = charset;
      if (column.collation !== null && canonicalCollation(name) !== canonicalCollation(column.collation))
        told.collation = name;
    }
  }
  if (metadata.unsigned && signed.has(dataType) && metadata.unsigned[i] !== column.unsigned) {
    told.unsigned = metadata.unsigned[i]!;
    told.columnType = `${column.columnType.replace(/ (unsigned|zerofill)\b/gi, '')}${told.unsigned ? ' unsigned' : ''}`;
  }
  if (metadata.visible) told.invisible = !metadata.visible[i];
  const inCharacters = (bytes: number) => bytes / bytesOfCharacter(told.charset);
  switch (dataType) {
    case 'decimal':
      if (code !== 0) setDecimal(told, low, high);
      break;
    case 'time':
    case 'datetime':
    case 'timestamp':
      if (hasFraction.has(code) && low !== column.decimals) setFraction(told, low);
      break;
    case 'bit':
      setLength(told, low + 8 * high);
      break;
    case 'varchar':
    case 'varbinary':
      setLength(told, inCharacters(meta));
      break;
    case 'char':
    case 'binary':
      setLength(told, inCharacters((((low & 0x30) ^ 0x30) << 4) | high));
      break;
    case 'vector':
      if (metadata.dimensions?.[i] !== undefined)
        setLength(told, 4 * metadata.dimensions[i], metadata.dimensions[i]);
      break;
    case 'enum':
    case 'set': {
      const labels = metadata.labels?.[i];
      if (labels) setLabels(told, labels, charsets);
      else if (high !== bytesOfMember(column)) return null;
      break;
    }
    default:
      if (code === 255) {
        const geometry = geometries[metadata.geometryTypes?.[i] ?? -1];
        if (geometry !== undefined && geometry !== geometryName(dataType))
          told.dataType = told.columnType = geometry;
      } else if (/text$|blob$/.test(dataType)) {
        const size = ['', 'tiny', '', 'medium', 'long'][low];
        const name = `${size ?? ''}${dataType.endsWith('text') ? 'text' : 'blob'}`;
        if (size !== undefined && name !== dataType) told.dataType = told.columnType = name;
      }
  }
  const isSame = (Object.keys(told) as (keyof Column)[]).every((key) => told[key] === column[key]);
  return isSame ? column : told;
}

type Written = { -readonly [K in keyof Column]: Column[K] };

function setLength(column: Written, length: number, printed = length): void {
  if (length === column.length) return;
  column.length = length;
  column.columnType = column.columnType.replace(/\(\d+\)/, `(${printed})`);
}

function setDecimal(column: Written, precision: number, decimals: number): void {
  if (precision === column.precision && decimals === column.decimals) return;
  [column.precision, column.decimals] = [precision, decimals];
  column.columnType = column.columnType.replace(/\([\d, ]+\)/, `(${precision},${decimals})`);
}

function setFraction(column: Written, digits: number): void {
  column.decimals = digits;
  column.columnType = `${column.dataType}${digits > 0 ? `(${digits})` : ''}`;
}

function setLabels(column: Written, labels: readonly Buffer[], charsets: Charsets): void {
  const charset =
    column.charset === null || column.charset === 'binary' ? null : charsets.get(column.charset);
  const members = labels.map((label) =>
    charset ? charset.decode(label, 0, label.length) : label.toString('utf8'),
  );
  if (members.length === column.members.length && members.every((label, n) => label === column.members[n]))
    return;
  column.members = members;
  column.columnType = `${column.dataType}(${members.map((label) => `'${label.replaceAll("'", "''")}'`).join(',')})`;
}

/** How many bytes an ENUM's number or the bits of a SET take (manual, “Data Type Storage Requirements”). */
function bytesOfMember({ dataType, members }: Column): number {
  if (dataType === 'enum') return members.length < 256 ? 1 : 2;
  const bytes = (members.length + 7) >> 3;
  return bytes > 4 ? 8 : bytes;
}

/**
 * The event tells one key: the primary key, or else the first NOT NULL UNIQUE one. The very same list when that is one
 * that we believe in.
 */
function toldKeys({ keys }: TableDefinition, columns: readonly Column[], map: BinlogTable): readonly Key[] {
  const parts = map.metadata().primaryKey ?? [];
  // A key over what is no column of its own (an expression) is none that we know.
  if (parts.some(({ column }) => column >= columns.length)) return keys;
  const text = (names: readonly string[]) => names.join('\0').toLowerCase();
  const isFilled = (key: Key) =>
    key.unique &&
    key.columns.every((name) => columns.some((one) => text([one.name]) === text([name]) && !one.nullable));
  const others = keys.filter(({ primary }) => !primary);
  const hasPrimary = others.length < keys.length;
  if (parts.length === 0) {
    const isToldElse = (key: Key) => key.primary || isFilled(key);
    return keys.some(isToldElse) ? keys.filter((key) => !isToldElse(key)) : keys;
  }
  if (parts.some(({ prefix }) => prefix > 0)) return hasPrimary ? others : keys;
  const names = parts.map(({ column }) => columns[column]!.name);
  const isTold = (key: Key) => text(key.columns) === text(names);
  if (
    hasPrimary
      ? keys.some((key) => key.primary && isTold(key))
      : others.some((key) => isTold(key) && isFilled(key))
  )
    return keys;
  if (others.some((key) => isTold(key) && isFilled(key))) return others;
  return [{ name: 'PRIMARY', primary: true, unique: true, columns: names }, ...others];
}

/** What the event says otherwise. Labels may be people's data: they are not shown. */
function columnText(before: Column, after: Column | null): string {
  const { name } = before;
  if (!after) return `the column ${name} is not of type ${before.columnType.replace(/\(.*$/s, '')}`;
  if (before.members.join('\0') !== after.members.join('\0'))
    return `the column ${name} has different labels`;
  if (before.columnType !== after.columnType) return `the column ${name} is ${after.columnType}`;
  if (before.charset !== after.charset) return `the column ${name} uses the charset ${after.charset}`;
  if (before.collation !== after.collation) return `the column ${name} uses the collation ${after.collation}`;
  if (before.nullable !== after.nullable)
    return `the column ${name} ${after.nullable ? 'can' : 'cannot'} be NULL`;
  return `the column ${name} is ${after.invisible ? 'invisible' : 'visible'}`;
}
