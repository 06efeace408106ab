import fc from 'fast-check';
import type { CellType } from '../../src/shared/task.js';
import { charsetSample, samples, type Sample, type Target } from './samples.js';

/** The tables that a run fills: each column a type with one of its cell types. */

export interface TestColumn {
  readonly name: string;
  readonly sample: Sample;
  readonly target: Target;
  /** In front of the type's own words: GENERATED …, INVISIBLE. */
  readonly more?: string;
  /** MySQL computes it. */
  readonly generated?: boolean;
}

export interface TestTable {
  readonly name: string;
  /** In key order, before the number of the row. */
  readonly key: readonly TestColumn[];
  readonly columns: readonly TestColumn[];
  /** The column that numbers rows: `id`, or the key that MySQL adds by itself. */
  readonly id: 'id' | 'my_row_id';
  readonly rows: readonly TestRow[];
}

/** Expressions of key, then columns that are not generated; an `isCorner` row is written in one piece. */
export interface TestRow {
  readonly values: readonly string[];
  readonly isCorner: boolean;
}

export const given = (table: TestTable): TestColumn[] =>
  [...table.key, ...table.columns].filter((column) => !column.generated);

/** Names that some part of the way treats in its own way, or did once. */
const names = [
  'timestamp',
  'select',
  'order',
  'key',
  'group',
  'MixedCase',
  'ID2',
  'Version',
  'length',
  'a_b',
  '_x',
  'rank',
];

/** Every type as every cell type it may become, with all corners; keys of every kind; hidden and computed columns. */
export function cornerTables(charsets: ReadonlyMap<string, number>, rows: number, seed: number): TestTable[] {
  const tables: TestTable[] = [];
  const most = Math.max(...samples.map((sample) => sample.targets.length));
  for (let i = 0; i < most; i++) {
    const columns = samples
      .filter((sample) => sample.targets[i])
      .map((sample, n) => ({ name: `c${n}`, sample, target: sample.targets[i]! }));
    tables.push(filled(`w${i}`, [], columns, rows, seed));
  }
  const ofCharsets = [...charsets].map(([charset, size]) => {
    const sample = charsetSample(charset, size);
    return { name: `c_${charset}`, sample, target: sample.targets[0]! };
  });
  tables.push(filled('charsets', [], ofCharsets, rows, seed));
  const keys = samples.flatMap((sample) =>
    (sample.keys ?? []).map((cell) => ({
      sample,
      target: sample.targets.find((one) => one.cell === cell && !one.unit)!,
    })),
  );
  for (let from = 0; from < keys.length; from += 3) {
    const key = keys.slice(from, from + 3).map((one, n) => ({ name: `k${n}`, ...one }));
    const plain = samples.find((sample) => sample.type === 'INT')!;
    tables.push(
      filled(`k${from / 3}`, key, [{ name: 'n', sample: plain, target: plain.targets[0]! }], rows >> 1, seed),
    );
  }
  tables.push(...hidden(rows, seed));
  return tables;
}

function hidden(rows: number, seed: number): TestTable[] {
  const of = (type: string) => samples.find((sample) => sample.type === type)!;
  const column = (name: string, type: string, more?: string, generated = false): TestColumn => ({
    name,
    sample: of(type),
    target: of(type).targets[0]!,
    ...(more && { more }),
    generated,
  });
  const columns = [
    column('timestamp', 'INT'),
    column('select', 'VARCHAR(40) CHARACTER SET utf8mb4'),
    column('MixedCase', 'DATETIME(6)'),
    column('order', 'JSON', 'INVISIBLE'),
    column('v', 'BIGINT', 'GENERATED ALWAYS AS (`timestamp` * 3) VIRTUAL', true),
    column(
      's',
      'VARCHAR(40) CHARACTER SET utf8mb4',
      "GENERATED ALWAYS AS (LEFT(CONCAT(`select`, '!'), 40)) STORED",
      true,
    ),
    column('h', 'DOUBLE', 'GENERATED ALWAYS AS (`timestamp` * 7e0) STORED INVISIBLE', true),
    column('key', 'DECIMAL(10,2)'),
  ];
  return [
    // A table's name may be a reserved word in mixed case, too.
    filled('Select', [], columns, rows, seed),
    { ...filled('gipk', [], columns, rows, seed), id: 'my_row_id' },
  ];
}

/** A table of random columns, in random order, with a random key. */
export function randomTable(name: string, seed: number, rows: number): TestTable {
  const draw = fc.record({
    columns: fc.array(fc.tuple(fc.constantFrom(...samples), fc.nat(), fc.boolean()), {
      minLength: 1,
      maxLength: 12,
    }),
    keys: fc.array(fc.tuple(fc.constantFrom(...samples.filter((one) => one.keys)), fc.nat()), {
      maxLength: 3,
    }),
    names: fc.shuffledSubarray(names, { minLength: 12 }),
    computed: fc.option(fc.record({ of: fc.nat(), stored: fc.boolean(), hidden: fc.boolean() })),
  });
  const [drawn] = fc.sample(draw, { seed, numRuns: 1 });
  const columns: TestColumn[] = drawn!.columns.map(([sample, nth, isHidden], i) => ({
    name: drawn!.names[i]!,
    sample,
    target: sample.targets[nth % sample.targets.length]!,
    ...(isHidden && nth % 3 === 0 && { more: 'INVISIBLE' }),
  }));
  // Computed from another column, with values of the same type.
  const bases = columns.filter(({ sample }) => !sample.type.startsWith('VECTOR'));
  if (drawn!.computed && bases.length > 0) {
    const { of, stored, hidden } = drawn!.computed;
    const { name, sample, target } = bases[of % bases.length]!;
    columns.push({
      name: 'computed',
      sample,
      target,
      more: `GENERATED ALWAYS AS (\`${name}\`) ${stored ? 'STORED' : 'VIRTUAL'}${hidden ? ' INVISIBLE' : ''}`,
      generated: true,
    });
  }
  const key = drawn!.keys.map(([sample, nth], i) => {
    const cell: CellType = sample.keys![nth % sample.keys!.length]!;
    return { name: `k${i}`, sample, target: sample.targets.find((one) => one.cell === cell && !one.unit)! };
  });
  return filled(name, key, columns, rows, seed);
}

function filled(
  name: string,
  key: readonly TestColumn[],
  columns: readonly TestColumn[],
  random: number,
  seed: number,
): TestTable {
  const inputs = [...key, ...columns].filter((column) => !column.generated);
  const rows: TestRow[] = [];
  inputs.forEach(({ sample }, place) => {
    for (const corner of sample.corners) {
      const values = inputs.map((one, i) =>
        i === place ? corner : i < key.length ? one.sample.corners[1 % one.sample.corners.length]! : 'NULL',
      );
      rows.push({ values, isCorner: true });
    }
  });
  const values = inputs.map(({ sample, target }, i) => {
    const value = target.fitting ?? sample.random;
    return i < key.length
      ? value
      : fc.oneof({ weight: 9, arbitrary: value }, { weight: 1, arbitrary: fc.constant('NULL') });
  });
  const drawn = fc.sample(fc.tuple(...values), { seed, numRuns: random });
  rows.push(...drawn.map((one) => ({ values: one as string[], isCorner: false })));
  return { name, key, columns, id: 'id', rows };
}
