import type { Column } from '../../mysql/model.js';
import { UnreadableDdl, type Cursor } from './cursor.js';
import { storedLabel } from './label.js';
import {
  canonicalCharset,
  canonicalCollation,
  charsetOfCollation,
  collationOf,
  type TextDefaults,
} from './text-defaults.js';

/**
 * A column definition of CREATE or ALTER TABLE as a Column, told the way INFORMATION_SCHEMA would.
 * Source: MySQL manual, “CREATE TABLE Statement” and “Silent Column Specification Changes”.
 */
export interface ColumnDefinition {
  readonly column: Column;
  /** The definition itself makes a key of the column. */
  readonly key?: 'primary' | 'unique';
  /** NOT NULL or with a default other than NULL, or generated: rows that exist get a value without an event. */
  readonly fillsRows: boolean;
  /** It references another table, and what happens there changes the column. */
  readonly cascades?: boolean;
  readonly position?: 'first' | { readonly after: string };
}

const bytesPerCharacter: Record<string, number> = {
  utf8mb4: 4,
  utf16: 4,
  utf16le: 4,
  utf32: 4,
  gb18030: 4,
  utf8mb3: 3,
  ujis: 3,
  eucjpms: 3,
  gbk: 2,
  gb2312: 2,
  big5: 2,
  sjis: 2,
  cp932: 2,
  euckr: 2,
  ucs2: 2,
};
const wider: Record<string, string> = { tinytext: 'text', text: 'mediumtext', mediumtext: 'longtext' };

/** The most that one takes; 1 for what is no text. */
export function bytesOfCharacter(charset: string | null): number {
  return bytesPerCharacter[charset === null ? '' : canonicalCharset(charset)] ?? 1;
}

/**
 * A text column under another charset, as CONVERT TO CHARACTER SET leaves it: TEXT types grow so that as many
 * characters fit as before (manual, “ALTER TABLE Statement”). Other columns stay as they are.
 */
export function convertText(column: Column, to: TextDefaults): Column {
  if (column.charset === null) return column;
  const dataType =
    bytesOfCharacter(to.charset) > bytesOfCharacter(column.charset)
      ? (wider[column.dataType] ?? column.dataType)
      : column.dataType;
  const length = largeLengths[dataType] ?? column.length;
  return { ...column, dataType, length, charset: to.charset, collation: to.collation };
}

const synonyms: Record<string, string> = {
  integer: 'int',
  int1: 'tinyint',
  int2: 'smallint',
  int3: 'mediumint',
  int4: 'int',
  int8: 'bigint',
  middleint: 'mediumint',
  bool: 'tinyint',
  boolean: 'tinyint',
  dec: 'decimal',
  numeric: 'decimal',
  fixed: 'decimal',
  real: 'double',
  float4: 'float',
  float8: 'double',
  character: 'char',
  varcharacter: 'varchar',
  nchar: 'char',
  nvarchar: 'varchar',
  long: 'mediumtext',
  geometrycollection: 'geomcollection',
};
const textTypes = new Set(['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext', 'enum', 'set']);
const binaryOf: Record<string, string> = {
  char: 'binary',
  varchar: 'varbinary',
  tinytext: 'tinyblob',
  text: 'blob',
  mediumtext: 'mediumblob',
  longtext: 'longblob',
};
/** CHARACTER_MAXIMUM_LENGTH of types that take none. */
const largeLengths: Record<string, number> = {
  tinytext: 255,
  tinyblob: 255,
  text: 65_535,
  blob: 65_535,
  mediumtext: 16_777_215,
  mediumblob: 16_777_215,
  longtext: 4_294_967_295,
  longblob: 4_294_967_295,
};
const known = new Set(
  `tinyint smallint mediumint int bigint decimal float double bit char varchar binary varbinary tinytext text mediumtext
   longtext tinyblob blob mediumblob longblob enum set date time datetime timestamp year json vector geometry point
   linestring polygon multipoint multilinestring multipolygon geomcollection`.split(/\s+/),
);

/** Reads `name type attributes [FIRST | AFTER x]`. Throws UnreadableDdl for what it does not know. */
export function readColumn(cursor: Cursor, defaults: TextDefaults): ColumnDefinition {
  const name = cursor.name();
  const type = readType(cursor);
  let { charset, collation } = type;
  let nullable = !type.notNull;
  let saysNull = type.notNull;
  let autoIncrement = type.isSerial;
  let generated = false;
  let invisible = false;
  let hasDefault = false;
  let key: 'primary' | 'unique' | undefined = type.unique ? 'unique' : undefined;
  let position: ColumnDefinition['position'];
  let cascades = false;

  for (;;) {
    if (cursor.take('NOT', 'NULL')) [nullable, saysNull] = [false, true];
    else if (cursor.take('NULL')) [nullable, saysNull] = [true, true];
    else if (cursor.take('DEFAULT')) hasDefault = readDefault(cursor);
    else if (cursor.take('ON', 'UPDATE')) readDefault(cursor);
    else if (cursor.take('AUTO_INCREMENT')) autoIncrement = true;
    else if (cursor.take('SERIAL', 'DEFAULT', 'VALUE')) {
      autoIncrement = true;
      nullable = false;
      key ??= 'unique';
    } else if (cursor.take('UNIQUE')) {
      cursor.take('KEY');
      key ??= 'unique';
    } else if (cursor.take('PRIMARY')) {
      cursor.take('KEY');
      key = 'primary';
    } else if (cursor.take('KEY')) key = 'primary';
    else if (cursor.take('COMMENT')) cursor.string();
    else if (cursor.take('COLLATE')) collation = canonicalCollation(cursor.optionValue());
    else if (cursor.takeCharset()) charset = canonicalCharset(cursor.optionValue());
    else if (cursor.take('GENERATED', 'ALWAYS', 'AS') || cursor.take('AS')) {
      cursor.skipParentheses();
      cursor.takeAny('VIRTUAL', 'STORED', 'PERSISTENT');
      generated = true;
    } else if (cursor.take('VISIBLE')) invisible = false;
    else if (cursor.take('INVISIBLE')) invisible = true;
    else if (cursor.take('COLUMN_FORMAT') || cursor.take('STORAGE')) cursor.name();
    else if (cursor.take('ENGINE_ATTRIBUTE') || cursor.take('SECONDARY_ENGINE_ATTRIBUTE'))
      cursor.optionValue();
    else if (cursor.take('SRID')) cursor.number();
    else if (cursor.take('REFERENCES')) cascades = cursor.reference() || cascades;
    else if (cursor.take('CONSTRAINT')) {
      if (cursor.peek() !== 'CHECK') cursor.name();
    } else if (cursor.take('CHECK')) {
      cursor.skipParentheses();
      if (!cursor.take('NOT', 'ENFORCED')) cursor.take('ENFORCED');
    } else if (cursor.take('FIRST')) position = 'first';
    else if (cursor.take('AFTER')) position = { after: cursor.name() };
    else break;
  }
  // AUTO_INCREMENT outweighs a NULL; in SERIAL NULL the NULL comes last.
  if (key === 'primary' || (autoIncrement && !(type.isSerial && saysNull))) nullable = false;

  // A TIMESTAMP that does not say NULL then has a value of its own; a server that does not tell the variable is one of
  // before there was one.
  if (type.dataType === 'timestamp' && !saysNull && cursor.context.explicitDefaultsForTimestamp !== true)
    nullable = false;

  let { dataType, printed, members } = type;
  if (textTypes.has(dataType)) {
    if (collation && !charset) charset = charsetOfCollation(collation);
    if (charset) collation ??= collationOf(charset, cursor.context);
    else ({ charset, collation } = defaults);
    if (charset === null) throw new UnreadableDdl(`the charset of the column ${name} is unknown`);
    if (type.binaryCollation) collation = charset === 'binary' ? 'binary' : `${charset}_bin`;
    const held = charset;
    if (cursor.charsets) {
      const { charsets, context } = cursor;
      members = members.map((label) => storedLabel(label, held, context, charsets));
    }
    // Spaces at the end of a label are dropped when it is stored.
    if (charset !== 'binary') members = members.map((label) => label.replace(/ +$/, ''));
    else if (binaryOf[dataType]) {
      printed = printed.replace(dataType, binaryOf[dataType]!);
      dataType = binaryOf[dataType]!;
      charset = collation = null;
    }
  } else charset = collation = null;

  const column: Column = {
    name,
    dataType,
    columnType: printed,
    nullable,
    unsigned: type.unsigned,
    length: type.length,
    precision: type.precision,
    decimals: type.decimals,
    charset,
    collation,
    members,
    generated,
    invisible,
    ...(autoIncrement && { autoIncrement: true }),
  };
  return {
    column,
    fillsRows: !nullable || hasDefault || generated,
    ...(key && { key }),
    ...(position && { position }),
    ...(cascades && { cascades }),
  };
}

interface Type {
  dataType: string;
  printed: string;
  unsigned: boolean;
  length: number;
  precision: number;
  /** Digits to which it is printed, 0 for the type's own; undefined: not ZEROFILL. */
  zerofill?: number;
  decimals: number;
  members: string[];
  charset: string | null;
  collation: string | null;
  binaryCollation: boolean;
  notNull: boolean;
  unique: boolean;
  isSerial: boolean;
}

function readType(cursor: Cursor): Type {
  const type: Type = {
    dataType: '',
    printed: '',
    unsigned: false,
    length: 0,
    precision: 0,
    decimals: 0,
    members: [],
    charset: null,
    collation: null,
    binaryCollation: false,
    notNull: false,
    unique: false,
    isSerial: false,
  };
  const word = readTypeWord(cursor, type);
  let dataType = word === 'real' && cursor.context.realAsFloat ? 'float' : (synonyms[word] ?? word);
  const parameters: number[] = [];
  if (dataType === 'enum' || dataType === 'set') {
    cursor.expect('(');
    do type.members.push(cursor.label());
    while (cursor.take(','));
    cursor.expect(')');
  } else if (cursor.take('(')) {
    do parameters.push(cursor.number());
    while (cursor.take(','));
    cursor.expect(')');
  }
  const [first, second] = parameters;
  if (dataType === 'serial') {
    dataType = 'bigint';
    type.unsigned = type.notNull = type.unique = type.isSerial = true;
  }
  if (dataType === 'float' && second === undefined && first !== undefined && first > 24) dataType = 'double';
  if (dataType === 'text' || dataType === 'blob') dataType = sized(dataType, first);
  if (dataType === 'decimal') [type.precision, type.decimals] = [first ?? 10, second ?? 0];
  else if (dataType === 'float' || dataType === 'double') type.decimals = second ?? 0;
  else if (['time', 'datetime', 'timestamp'].includes(dataType)) type.decimals = first ?? 0;
  else if (['bit', 'char', 'binary'].includes(dataType)) type.length = first ?? 1;
  else if (['varchar', 'varbinary'].includes(dataType)) type.length = first ?? 0;
  // Four bytes a number.
  else if (dataType === 'vector') type.length = 4 * (first ?? 2048);
  else type.length = largeLengths[dataType] ?? 0;
  if (!known.has(dataType)) throw new UnreadableDdl(`the type ${word} is unknown`);

  for (;;) {
    if (cursor.take('UNSIGNED')) type.unsigned = true;
    else if (cursor.take('ZEROFILL')) {
      type.unsigned = true;
      type.zerofill = first ?? 0;
    } else if (cursor.take('SIGNED')) type.unsigned = false;
    else if (cursor.takeCharset()) type.charset = canonicalCharset(cursor.optionValue());
    else if (cursor.take('ASCII')) type.charset = 'latin1';
    else if (cursor.take('UNICODE')) type.charset = 'ucs2';
    else if (cursor.take('BYTE')) type.charset = 'binary';
    else if (cursor.take('BINARY')) type.binaryCollation = true;
    else if (cursor.take('COLLATE')) type.collation = canonicalCollation(cursor.optionValue());
    else break;
  }
  type.dataType = dataType;
  type.printed = print(dataType, type, parameters);
  return type;
}

/** The type's own word or words in lower case, with what a national or long one implies. */
function readTypeWord(cursor: Cursor, type: Type): string {
  const national = cursor.take('NATIONAL');
  let word = cursor.name().toLowerCase();
  if (national || word === 'nchar' || word === 'nvarchar') type.charset = 'utf8mb3';
  if (word === 'double' || word === 'real') cursor.take('PRECISION');
  if ((word === 'char' || word === 'character' || word === 'nchar') && cursor.take('VARYING'))
    word = 'varchar';
  if ((word === 'nchar' || national) && cursor.take('VARCHAR')) word = 'varchar';
  if (word === 'long') {
    if (cursor.take('VARBINARY')) return 'mediumblob';
    if (!cursor.take('VARCHAR') && cursor.take('CHAR')) cursor.expect('VARYING');
  }
  return word;
}

/** TEXT(n) and BLOB(n) become the smallest type that holds n. */
function sized(dataType: 'text' | 'blob', length: number | undefined): string {
  if (length === undefined || length === 0) return dataType;
  const prefix = length < 2 ** 8 ? 'tiny' : length < 2 ** 16 ? '' : length < 2 ** 24 ? 'medium' : 'long';
  return `${prefix}${dataType}`;
}

function print(dataType: string, type: Type, parameters: readonly number[]): string {
  const quote = (label: string) => `'${label.replaceAll("'", "''")}'`;
  if (type.members.length > 0) return `${dataType}(${type.members.map(quote).join(',')})`;
  if (dataType === 'vector') return `vector(${type.length / 4})`;
  const isReal = dataType === 'float' || dataType === 'double';
  const size =
    dataType === 'decimal'
      ? `(${type.precision},${type.decimals})`
      : isReal && parameters.length === 2
        ? `(${parameters.join(',')})`
        : type.zerofill
          ? `(${type.zerofill})`
          : type.length && !largeLengths[dataType]
            ? `(${type.length})`
            : '';
  const digits = size === '' && !isReal && type.decimals > 0 ? `(${type.decimals})` : '';
  return `${dataType}${size}${digits}${type.unsigned ? ' unsigned' : ''}${type.zerofill === undefined ? '' : ' zerofill'}`;
}

/** The value behind DEFAULT or ON UPDATE. false: it is NULL. */
function readDefault(cursor: Cursor): boolean {
  if (cursor.take('NULL')) return false;
  if (cursor.peek() === '(') {
    cursor.skipParentheses();
    return true;
  }
  if (!cursor.take('-')) cursor.take('+');
  const introducer =
    cursor.peek().startsWith('_') || ['B', 'X', 'N', 'DATE', 'TIME', 'TIMESTAMP'].includes(cursor.peek());
  if (introducer && cursor.peek(1) === "'string'") cursor.at++;
  cursor.at++;
  if (cursor.peek() === '(') cursor.skipParentheses();
  return true;
}
