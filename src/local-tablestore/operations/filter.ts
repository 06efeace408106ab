import {
  ColumnPaginationFilter,
  Comparator,
  CompositeColumnValueFilter,
  Filter,
  FilterType,
  LogicalOperator,
  SingleColumnValueFilter,
} from '../../tablestore/wire/messages.js';
import type { Message } from '../../tablestore/wire/codec.js';
import { invalid } from '../base/errors.js';
import { compareValues, parseVariant, type FilterValue } from '../base/filter-value.js';
import { checkValueLength, limits } from '../base/limits.js';
import { compileTransform } from './value-transform.js';
import { checkColumnName } from '../storage/schema.js';

/** Gives the versions of a column, newest first; empty when the row has none. */
export type ColumnLookup = (name: string) => readonly FilterValue[];

export interface CompiledFilter {
  readonly matches: (lookup: ColumnLookup) => boolean;
  /** Columns of a row to leave out and to return, where the filter pages through columns. */
  readonly pagination: { offset: number; limit: number } | undefined;
}

/** Compiles the filter of a read or the column condition of a write. Throws OtsError, or WireFormatError. */
export function compileFilter(bytes: Buffer): CompiledFilter {
  const filter = Filter.decode(bytes);
  if (filter.type === FilterType.COLUMN_PAGINATION) {
    const pagination = ColumnPaginationFilter.decode(filter.filter);
    if (pagination.offset < 0)
      throw invalid('The offset of column pagination filter must be greater than or equal to 0.');
    if (pagination.limit <= 0) throw invalid('The limit of column pagination filter must be greater than 0.');
    return { matches: () => true, pagination };
  }
  countFilters(filter, 0);
  return { matches: compile(filter), pagination: undefined };
}

/** Throws at once when there are too many, whatever else is wrong with them. @returns how many there are so far. */
function countFilters(filter: Message<typeof Filter>, before: number): number {
  let count = before + 1;
  if (count > limits.filters) throw invalid(`The count of filter exceeds the max: ${limits.filters}.`);
  if (filter.type !== FilterType.COMPOSITE_COLUMN_VALUE) return count;
  for (const part of CompositeColumnValueFilter.decode(filter.filter).subFilters) {
    count = countFilters(part, count);
  }
  return count;
}

type Matcher = (lookup: ColumnLookup) => boolean;

function compile(filter: Message<typeof Filter>): Matcher {
  switch (filter.type) {
    case FilterType.SINGLE_COLUMN_VALUE:
      return compileSingle(SingleColumnValueFilter.decode(filter.filter));
    case FilterType.COMPOSITE_COLUMN_VALUE: {
      const { combinator, subFilters } = CompositeColumnValueFilter.decode(filter.filter);
      const parts = subFilters.map(compile);
      switch (combinator) {
        case LogicalOperator.NOT: {
          if (parts.length !== 1) throw invalid('Invalid NOT operator: the number of sub-filters must be 1.');
          const part = parts[0]!;
          return (lookup) => !part(lookup);
        }
        case LogicalOperator.AND:
        case LogicalOperator.OR:
          if (parts.length < 2) {
            throw invalid('Invalid AND/OR operator: the number of sub-filters must be more than 1.');
          }
          return combinator === LogicalOperator.AND
            ? (lookup) => parts.every((part) => part(lookup))
            : (lookup) => parts.some((part) => part(lookup));
        default:
          throw invalid('Invalid logical operator of filter.');
      }
    }
    default:
      throw invalid('Invalid filter type.');
  }
}

function compileSingle(filter: Message<typeof SingleColumnValueFilter>): Matcher {
  const { comparator, columnName, filterIfMissing, latestVersionOnly, valueTransRule } = filter;
  checkColumnName(columnName);
  // Columns are looked up by the bytes of their name.
  const name = Buffer.from(columnName).toString('latin1');
  if (comparator === Comparator.EXIST) return (lookup) => lookup(name).length > 0;
  if (comparator === Comparator.NOT_EXIST) return (lookup) => lookup(name).length === 0;
  if (comparator < Comparator.EQUAL || comparator > Comparator.LESS_EQUAL) {
    throw invalid('Invalid comparator of filter.');
  }
  const expected = parseVariant(filter.columnValue);
  checkValueLength(columnName, expected.end - expected.start);
  const transform = valueTransRule ? compileTransform(valueTransRule) : undefined;
  const test = (value: FilterValue): boolean => {
    const actual = transform ? transform(value) : value;
    return actual !== undefined && compareWith(comparator, actual, expected);
  };
  return (lookup) => {
    const versions = lookup(name);
    if (versions.length === 0) return !filterIfMissing;
    return latestVersionOnly ? test(versions[0]!) : versions.some(test);
  };
}

function compareWith(comparator: number, actual: FilterValue, expected: FilterValue): boolean {
  // Values of different types are never equal and have no order.
  if (actual.type !== expected.type) return comparator === Comparator.NOT_EQUAL;
  const order = compareValues(actual, expected);
  switch (comparator) {
    case Comparator.EQUAL:
      return order === 0;
    case Comparator.NOT_EQUAL:
      return order !== 0;
    case Comparator.GREATER_THAN:
      return order > 0;
    case Comparator.GREATER_EQUAL:
      return order >= 0;
    case Comparator.LESS_THAN:
      return order < 0;
    default:
      return order <= 0;
  }
}
