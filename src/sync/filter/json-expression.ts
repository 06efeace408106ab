import { jsonAs, opaqueText, opaqueTypes, type JsonForm } from '../../mysql/types/json.js';

/**
 * A document in MySQL's binary form as an SQL expression that makes the same document: JSON text would lose what is
 * a DECIMAL, a date, unsigned or binary inside of it.
 */
export function jsonExpression(bytes: Buffer): string {
  return jsonAs(asSql, bytes, 0, bytes.length);
}

const hex = (bytes: Buffer) => (bytes.length === 0 ? "''" : ` 0x${bytes.toString('hex')}`);
/** Types of binary values inside of documents that literals do not have. */
const columnTypes = new Map([
  [16, 'BIT'],
  [249, 'TINYBLOB'],
  [250, 'MEDIUMBLOB'],
  [251, 'LONGBLOB'],
  [252, 'BLOB'],
]);

const asSql: JsonForm = {
  brackets: { object: ['JSON_OBJECT(', ')'], array: ['JSON_ARRAY(', ')'] },
  colon: ', ',
  literal: (text) => `CAST('${text}' AS JSON)`,
  signed: (text) => `CAST(${text} AS SIGNED)`,
  unsigned: (text) => `CAST(${text} AS UNSIGNED)`,
  double: (value) => (Object.is(value, -0) ? '-0e0' : value.toExponential()),
  string: (text) => `_utf8mb4${hex(Buffer.from(text, 'utf8'))}`,
  opaque(type, bytes, from, length) {
    const text = opaqueText(type, bytes, from, length).replaceAll('"', "'");
    switch (type) {
      case opaqueTypes.decimal:
        return `CAST('${text}' AS DECIMAL(${bytes[from]!},${bytes[from + 1]!}))`;
      case opaqueTypes.date:
        return `CAST(${text} AS DATE)`;
      case opaqueTypes.datetime:
      case opaqueTypes.timestamp:
        return `CAST(${text} AS DATETIME(6))`;
      case opaqueTypes.time:
        return `CAST(${text} AS TIME(6))`;
    }
    const value = bytes.subarray(from, from + length);
    const column = columnTypes.get(type);
    if (!column) return `_binary${hex(value)}`;
    const member =
      type === 16 ? BigInt(`0x${value.toString('hex') || '0'}`).toString() : `_binary${hex(value)}`;
    const width = type === 16 ? `BIT(${Math.max(1, length * 8)})` : column;
    return `(SELECT v FROM JSON_TABLE(JSON_ARRAY(${member}), '$[*]' COLUMNS (v ${width} PATH '$')) AS j)`;
  },
};
