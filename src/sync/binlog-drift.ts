import type { BinlogTable } from '../mysql/model.js';
import type { TablePlan } from './plan.js';

/** Row events carry no names: count and kinds of the columns must at least be those of the known list (rule 13). */
export function driftOf(plan: TablePlan, binlogTable: BinlogTable): string | null {
  const { columns } = plan.definition;
  if (columns.length !== binlogTable.columnCount)
    return `${binlogTable.columnCount} columns instead of ${columns.length}`;
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i]!;
    const name = binlogTable.columnNames?.[i];
    if (name !== undefined && name !== column.name) return `column ${i + 1} is ${name}, not ${column.name}`;
    const family = families[column.dataType];
    if (family && !family.includes(binlogTable.columnTypes[i]!))
      return `column ${column.name} is not of type ${column.dataType}`;
    const unsigned = binlogTable.columnUnsigned?.[i];
    if (unsigned !== undefined && signs.has(column.dataType) && unsigned !== column.unsigned)
      return `column ${column.name} is ${unsigned ? '' : 'not '}unsigned`;
  }
  return null;
}

const signs = new Set(['tinyint', 'smallint', 'mediumint', 'int', 'bigint']);
/** Type codes of TABLE_MAP events that a column of each type may have (MySQL source, field_types.h). */
const families: Record<string, readonly number[]> = {
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
};
