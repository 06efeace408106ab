import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  compose,
  keyOf,
  keyOnly,
  matches,
  normalised,
  type RowContent,
} from '../../../../src/tablestore/writer/compose.js';
import type { RowChange } from '../../../../src/tablestore/client/model.js';
import { decodeRows } from '../../../../src/tablestore/wire/plainbuffer.js';
import {
  encodeChange,
  applyChange,
  type ModelChange,
  type ModelRow,
} from '../../../support/tablestore-model.js';

const columns = ['a', 'b', 'c', 'timestamp'];
const change: fc.Arbitrary<ModelChange> = fc.oneof(
  fc.record({
    op: fc.constant('put' as const),
    cells: fc.dictionary(fc.constantFrom(...columns), fc.string({ maxLength: 5 })),
  }),
  fc.record({
    op: fc.constant('update' as const),
    cells: fc.dictionary(fc.constantFrom(...columns), fc.option(fc.string({ maxLength: 5 }), { nil: null })),
  }),
  fc.record({ op: fc.constant('delete' as const), cells: fc.constant({}) }),
);

function toModel(row: RowContent): ModelChange {
  const decoded = decodeRows(row.row)[0]!;
  return {
    op: row.op,
    cells: Object.fromEntries(
      decoded.cells.map((cell) => [cell.name, cell.op === 1 ? null : String(cell.value)]),
    ),
  };
}

test('composed changes leave what the changes leave one after the other, for every pair and longer runs', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(
      fc.option(fc.dictionary(fc.constantFrom(...columns), fc.string({ maxLength: 5 })), { nil: null }),
      fc.array(change, { minLength: 2, maxLength: 5 }),
      (before: ModelRow, changes) => {
        const encoded = changes.map((c) => encodeChange('t', 7, c));
        let composed: RowContent = normalised(encoded[0]!);
        for (const [i, later] of encoded.slice(1).entries()) {
          seen.add(`${composed.op} ${changes[i + 1]!.op}`);
          composed = compose(later.key, composed, normalised(later))!;
        }
        const sequential = changes.reduce<ModelRow>(applyChange, before);
        expect(applyChange(before, toModel(composed))).toEqual(sequential);
        // The composed row is one that a server takes: checksums right (decodeRows checks them), size as counted.
        const exact = encodeChange('t', 7, toModel(composed));
        expect(composed.dataBytes).toBe(exact.dataBytes);
        expect(keyOf(composed.row)).toBe(encoded[0]!.key);
        expect(decodeRows(composed.row)[0]!.deleteMarker).toBe(composed.op === 'delete');
      },
    ),
    { numRuns: 2000 },
  );
  expect(seen.size).toBe(9);
});

test('an update without cells is a put of the key alone', () => {
  const empty = encodeChange('t', 1, { op: 'update', cells: {} });
  expect(normalised(empty)).toMatchObject({ op: 'put', row: empty.row });
  const deletes = encodeChange('t', 1, { op: 'update', cells: { a: null } });
  expect(normalised(deletes).op).toBe('update');
});

test('what would pass a limit of one row is not composed', () => {
  const wide = (prefix: string) =>
    encodeChange('t', 1, {
      op: 'update',
      cells: Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`${prefix}${i}`, 'x'])),
    });
  expect(compose(wide('a').key, normalised(wide('a')), normalised(wide('b')))).toBeUndefined();
  expect(compose(wide('a').key, normalised(wide('a')), normalised(wide('a')))).toBeDefined();
  const big = (column: string): RowChange =>
    encodeChange('t', 1, { op: 'update', cells: { [column]: 'x'.repeat(2_000_000) } });
  const two = compose(big('a').key, normalised(big('a')), normalised(big('b')))!;
  expect(compose(big('a').key, two, normalised(big('c')))).toBeUndefined();
});

test('a row read back is told from another', () => {
  const stored = (cells: Record<string, string>) => encodeChange('t', 3, { op: 'put', cells }).row;
  const of = (c: ModelChange) => {
    const encoded = encodeChange('t', 3, c);
    return (row: Buffer | null) => matches(encoded.key, normalised(encoded), row);
  };
  const put = of({ op: 'put', cells: { a: '1', b: '2' } });
  expect(put(stored({ b: '2', a: '1' }))).toBe(true);
  expect(put(stored({ a: '1' }))).toBe(false);
  expect(put(stored({ a: '1', b: '2', c: '3' }))).toBe(false);
  expect(put(stored({ a: '1', b: '3' }))).toBe(false);
  expect(put(null)).toBe(false);
  const update = of({ op: 'update', cells: { a: '1', b: null } });
  expect(update(stored({ a: '1', c: '3' }))).toBe(true);
  expect(update(stored({ a: '1', b: '2' }))).toBe(false);
  expect(of({ op: 'delete', cells: {} })(null)).toBe(true);
  expect(of({ op: 'delete', cells: {} })(stored({}))).toBe(false);
});

test('a key alone is a row of its own', () => {
  const { key, row } = encodeChange('t', 5, { op: 'delete', cells: {} });
  expect(keyOnly(key).subarray(0, 5 + key.length)).toEqual(row.subarray(0, 5 + key.length));
  expect(decodeRows(keyOnly(key))).toEqual([{ primaryKey: [['id', 5n]], cells: [], deleteMarker: false }]);
});
