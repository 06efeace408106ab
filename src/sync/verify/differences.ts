import type { VerifyCell } from '../../shared/verify-report.js';
import { keyOnly } from '../../tablestore/writer/compose.js';
import { decodeRows } from '../../tablestore/wire/plainbuffer.js';
import type { CellValue } from '../mapping/cell-value.js';
import { showValue } from '../mapping/encoder.js';
import type { TablePlan } from '../mapping/plan.js';

const hidden = '***';

/** Names at the destination of columns whose values people shall not see. */
export function maskedCells(plan: TablePlan, mask: readonly string[]): ReadonlySet<string> {
  const columns = new Set(mask.map((name) => name.toLowerCase()));
  return new Set(
    [...plan.key, ...plan.attributes]
      .filter((cell) => columns.has(cell.column.name.toLowerCase()))
      .map((cell) => cell.name),
  );
}

/** `name=value, …` as dirty records have it. */
export function maskedKeyText(key: string, masked: ReadonlySet<string>): string {
  return decodeRows(keyOnly(key))[0]!
    .primaryKey.map(([name, value]) => `${name}=${masked.has(name) ? hidden : showValue(value as never)}`)
    .join(', ');
}

/** A row of the source by the columns that identify it. `mask`: names of columns whose values people shall not see. */
export function rowText(row: ReadonlyMap<string, string | null>, mask: readonly string[]): string {
  const masked = new Set(mask.map((name) => name.toLowerCase()));
  return [...row]
    .map(([name, value]) => `${name}=${masked.has(name.toLowerCase()) ? hidden : (value ?? 'NULL')}`)
    .join(', ');
}

/**
 * A row as it should be and as it is, PlainBuffer each, null where there is none: attribute by attribute, those that
 * differ first. Attributes in `ignored` were not compared and are left out.
 */
export function cellsSideBySide(
  wanted: Buffer | null,
  found: Buffer | null,
  ignored: ReadonlySet<string>,
  masked: ReadonlySet<string>,
): VerifyCell[] {
  const [source, destination] = [attributes(wanted), attributes(found)];
  const names = [...new Set([...source.keys(), ...destination.keys()])].filter((name) => !ignored.has(name));
  const cells = names.map((name): VerifyCell => {
    const [a, b] = [source.get(name), destination.get(name)];
    const sameType = a === undefined || b === undefined || typeOf(a) === typeOf(b);
    const differs = !sameType || !same(a, b);
    const shown = (value: CellValue | undefined): string | null => {
      if (value === undefined || value === null) return null;
      if (masked.has(name)) return hidden;
      // The same text in two types is a difference that would not be seen.
      return sameType ? showValue(value) : `${showValue(value)} (${typeOf(value)})`;
    };
    return { name, source: shown(a), destination: shown(b), differs };
  });
  return cells.sort((a, b) => Number(b.differs) - Number(a.differs));
}

function attributes(row: Buffer | null): Map<string, CellValue> {
  const cells = row === null ? [] : (decodeRows(row)[0]?.cells ?? []);
  return new Map(cells.map((cell) => [cell.name, (cell.value ?? null) as CellValue]));
}

function same(a: CellValue | undefined, b: CellValue | undefined): boolean {
  return Buffer.isBuffer(a) && Buffer.isBuffer(b) ? a.equals(b) : Object.is(a, b);
}

function typeOf(value: CellValue): string {
  if (typeof value === 'bigint') return 'INTEGER';
  if (typeof value === 'number') return 'DOUBLE';
  if (typeof value === 'boolean') return 'BOOLEAN';
  return Buffer.isBuffer(value) ? 'BINARY' : 'STRING';
}
