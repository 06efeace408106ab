import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Direction } from '../../../../src/tablestore/wire/messages.js';
import type { CellValue, DecodedRow } from '../../../../src/tablestore/wire/plainbuffer.js';
import type { CellInput, KeyPart } from '../../../support/plainbuffer-encoder.js';
import { ServiceFixture, type Key } from '../service-fixture.js';

/**
 * The store against a model that keeps rows in a map and sorts when asked: any mix of puts, updates, deletions,
 * versions, reads and ranges gives the same answers.
 */
const VERSIONS = 3;

type Versions = Map<bigint, CellValue>;
interface ModelRow {
  key: [bigint, string, Buffer];
  columns: Map<string, Versions>;
}

class Model {
  readonly rows = new Map<string, ModelRow>();

  put(key: ModelRow['key'], cells: readonly CellInput[], now: bigint): void {
    const row: ModelRow = { key, columns: new Map() };
    this.rows.set(id(key), row);
    for (const cell of cells) this.set(row, cell.name, cell.timestamp ?? now, cell.value!);
  }

  update(key: ModelRow['key'], cells: readonly CellInput[], now: bigint): void {
    let row = this.rows.get(id(key));
    if (!row) {
      if (cells.every(({ op }) => op === 1 || op === 3)) return;
      row = { key, columns: new Map() };
      this.rows.set(id(key), row);
    }
    for (const { name, value, timestamp, op } of cells) {
      if (op === 1) row.columns.delete(name);
      else if (op === 3) row.columns.get(name)?.delete(timestamp!);
      else this.set(row, name, timestamp ?? now, value!);
    }
  }

  /** In key order; each with the newest versions first. */
  sorted(): ModelRow[] {
    return [...this.rows.values()].sort((a, b) => compareKeys(a.key, b.key));
  }

  private set(row: ModelRow, name: string, timestamp: bigint, value: CellValue): void {
    const versions = row.columns.get(name) ?? new Map<bigint, CellValue>();
    row.columns.set(name, versions);
    versions.set(timestamp, value);
    const newest = [...versions.keys()].sort((a, b) => (a > b ? -1 : 1));
    for (const old of newest.slice(VERSIONS)) versions.delete(old);
  }
}

const id = (key: ModelRow['key']): string =>
  `${key[0]}|${Buffer.from(key[1]).toString('hex')}|${key[2].toString('hex')}`;

function compareKeys(a: ModelRow['key'], b: ModelRow['key']): number {
  if (a[0] !== b[0]) return a[0] < b[0] ? -1 : 1;
  return Buffer.from(a[1]).compare(Buffer.from(b[1])) || a[2].compare(b[2]);
}

function expectedRow(row: ModelRow, maxVersions: number): DecodedRow | undefined {
  const names = [...row.columns.keys()].sort((a, b) => Buffer.from(a).compare(Buffer.from(b)));
  return {
    primaryKey: [
      ['a', row.key[0]],
      ['b', row.key[1]],
      ['c', row.key[2]],
    ],
    cells: names.flatMap((name) =>
      [...row.columns.get(name)!]
        .sort(([a], [b]) => (a > b ? -1 : 1))
        .slice(0, maxVersions)
        .map(([timestamp, value]) => ({ name, value, timestamp })),
    ),
    deleteMarker: false,
  };
}

const keyOf = (key: readonly [KeyPart, KeyPart, KeyPart]): Key => [
  ['a', key[0]],
  ['b', key[1]],
  ['c', key[2]],
];

// Few different keys, so that operations meet; with the corners of the order among them.
const integers = fc.constantFrom(-(2n ** 63n), -256n, -1n, 0n, 1n, 255n, 256n, 2n ** 63n - 1n);
const texts = fc.constantFrom('', '\0', '\0\0', 'a', 'a\0', 'a\0b', 'aa', 'b', 'ä', '\u{1f600}', '￿');
const blobs = fc.constantFrom(
  ...['', '00', '0000', '00ff', '01', 'ff', 'ff00', 'ffff'].map((hex) => Buffer.from(hex, 'hex')),
);
const keys = fc.tuple(integers, texts, blobs);
const names = fc.constantFrom('A', 'a', 'ab', 'b', '中');
const values = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.double(),
  fc.boolean(),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array)),
);
const timestamps = fc.bigInt({ min: 0n, max: 5n });
const put: fc.Arbitrary<CellInput> = fc.record(
  { name: names, value: values, timestamp: timestamps },
  { requiredKeys: ['name', 'value'] },
);
const change: fc.Arbitrary<CellInput> = fc.oneof(
  { weight: 3, arbitrary: put },
  fc.record({ name: names, op: fc.constant(1) }),
  fc.record({ name: names, op: fc.constant(3), timestamp: timestamps }),
);
const command = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), key: keys, cells: fc.array(put, { maxLength: 6 }) }),
  fc.record({
    kind: fc.constant('update' as const),
    key: keys,
    cells: fc.array(change, { minLength: 1, maxLength: 6 }),
  }),
  fc.record({ kind: fc.constant('delete' as const), key: keys }),
  fc.record({ kind: fc.constant('get' as const), key: keys, maxVersions: fc.integer({ min: 1, max: 5 }) }),
  fc.record({
    kind: fc.constant('range' as const),
    from: keys,
    to: keys,
    whole: fc.boolean(),
    limit: fc.integer({ min: 1, max: 4 }),
    maxVersions: fc.integer({ min: 1, max: 5 }),
  }),
);

it('answers as the model does', () => {
  fc.assert(
    fc.property(fc.array(command, { minLength: 5, maxLength: 60 }), (commands) => {
      const fixture = new ServiceFixture();
      const model = new Model();
      fixture.createTable(
        't',
        [
          { name: 'a', type: 1 },
          { name: 'b', type: 2 },
          { name: 'c', type: 3 },
        ],
        { maxVersions: VERSIONS },
      );
      const concrete = (key: ModelRow['key']): Key => keyOf([key[0], { text: key[1] }, key[2]]);
      for (const step of commands) {
        fixture.nowMs += 1;
        const now = BigInt(fixture.nowMs);
        switch (step.kind) {
          case 'put':
            fixture.write('PutRow', 't', concrete(step.key), step.cells);
            model.put(step.key, step.cells, now);
            break;
          case 'update':
            fixture.write('UpdateRow', 't', concrete(step.key), step.cells);
            model.update(step.key, step.cells, now);
            break;
          case 'delete':
            fixture.write('DeleteRow', 't', concrete(step.key));
            model.rows.delete(id(step.key));
            break;
          case 'get': {
            const row = model.rows.get(id(step.key));
            expect(fixture.getRow('t', concrete(step.key), { maxVersions: step.maxVersions })).toEqual(
              row && expectedRow(row, step.maxVersions),
            );
            break;
          }
          case 'range': {
            const order = compareKeys(step.from, step.to);
            if (order === 0 && !step.whole) break;
            const backward = step.whole ? step.limit % 2 === 0 : order > 0;
            const low = step.whole ? keyOf(['INF_MIN', 'INF_MIN', 'INF_MIN']) : undefined;
            const high = step.whole ? keyOf(['INF_MAX', 'INF_MAX', 'INF_MAX']) : undefined;
            const start = (backward ? high : low) ?? concrete(step.from);
            const end = (backward ? low : high) ?? concrete(step.to);
            const within = model.sorted().filter(({ key }) => {
              if (step.whole) return true;
              return backward
                ? compareKeys(key, step.from) <= 0 && compareKeys(key, step.to) > 0
                : compareKeys(key, step.from) >= 0 && compareKeys(key, step.to) < 0;
            });
            if (backward) within.reverse();
            const result = fixture.getRange('t', start, end, {
              direction: backward ? Direction.BACKWARD : Direction.FORWARD,
              limit: step.limit,
              maxVersions: step.maxVersions,
            });
            expect(result.rows).toEqual(
              within.slice(0, step.limit).map((row) => expectedRow(row, step.maxVersions)),
            );
            const next = within[step.limit];
            expect(result.next?.primaryKey).toEqual(next && expectedRow(next, 1)!.primaryKey);
            break;
          }
        }
      }
    }),
    { numRuns: 300 },
  );
});
