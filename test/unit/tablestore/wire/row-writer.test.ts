import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc8 } from '../../../../src/tablestore/wire/crc8.js';
import { crc8Wide } from '../../../../src/tablestore/wire/crc8-wide.js';
import { decodeRows } from '../../../../src/tablestore/wire/plainbuffer.js';
import { RowWriter, prepareName } from '../../../../src/tablestore/wire/row-writer.js';

const require = createRequire(import.meta.url);

/** The parts of the official SDK that decode a row; it has no types for them. */
const TableStore = require('tablestore') as {
  PlainBufferInputStream: new (bytes: Buffer) => object;
  PlainBufferCodedInputStream: new (stream: object) => {
    readRow(): {
      primaryKey: { name: string; value: unknown }[];
      attributes: { columnName: string; columnValue: unknown }[];
    };
  };
};

const id = prepareName('id');

function written(fill: (writer: RowWriter) => void, writer = new RowWriter()): Buffer {
  writer.beginRow();
  fill(writer);
  return writer.copyRow();
}

describe('golden vectors (docs/tablestore.md §2)', () => {
  test('put', () => {
    const row = written((w) => {
      w.key(id).integer(1);
      w.attribute(prepareName('a')).text('x');
      w.attribute(prepareName('d')).double(1.5);
      w.attribute(prepareName('f')).boolean(true);
      w.attribute(prepareName('i')).integer(2);
      w.attribute(prepareName('z')).binary(Buffer.from('q'), 0, 1);
      w.endRow();
    });
    expect(row.toString('hex')).toBe(
      '7500000001030402000000696405090000000001000000000000000a0a020304010000006105060000000301000000780a4d03040100000064050900000001000000000000f83f0aba03040100000066050200000002010a950304010000006905090000000002000000000000000a620304010000007a05060000000701000000710a8909fb',
    );
  });

  test('update that puts one column and deletes another', () => {
    const row = written((w) => {
      w.key(id).integer(1);
      w.attribute(prepareName('a')).utf8(Buffer.from('x'), 0, 1);
      w.deleteAllVersions(prepareName('b'));
      w.endRow();
    });
    expect(row.toString('hex')).toBe(
      '7500000001030402000000696405090000000001000000000000000a0a020304010000006105060000000301000000780a4d0304010000006206010ad80999',
    );
  });

  test('delete', () => {
    const row = written((w) => {
      w.key(id).bigInteger(1n);
      w.endRow(true);
    });
    expect(row.toString('hex')).toBe('7500000001030402000000696405090000000001000000000000000a0a080985');
  });
});

type Value =
  | { kind: 'integer'; value: number }
  | { kind: 'bigInteger'; value: bigint }
  | { kind: 'double'; value: number }
  | { kind: 'boolean'; value: boolean }
  | { kind: 'utf8'; value: string }
  | { kind: 'text'; value: string }
  | { kind: 'binary'; value: Uint8Array };

const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.string({ maxLength: 200 }));
const keyValue = fc.oneof(
  fc.record({ kind: fc.constant('integer' as const), value: fc.maxSafeInteger() }),
  fc.record({
    kind: fc.constant('bigInteger' as const),
    value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  }),
  fc.record({ kind: fc.constant('utf8' as const), value: text }),
  fc.record({ kind: fc.constant('text' as const), value: text }),
  fc.record({ kind: fc.constant('binary' as const), value: fc.uint8Array({ maxLength: 300 }) }),
);
const cellValue = fc.oneof(
  keyValue,
  fc.record({ kind: fc.constant('double' as const), value: fc.double({ noNaN: true }) }),
  fc.record({ kind: fc.constant('boolean' as const), value: fc.boolean() }),
);
const columnName = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,40}$/);
const rowArbitrary = fc.record({
  keys: fc.uniqueArray(fc.tuple(columnName, keyValue), { selector: ([n]) => n, minLength: 1, maxLength: 4 }),
  cells: fc.uniqueArray(fc.tuple(columnName, fc.option(cellValue, { nil: null })), {
    selector: ([n]) => n,
    maxLength: 12,
  }),
});

function give(writer: RowWriter, value: Value): void {
  switch (value.kind) {
    case 'utf8': {
      const bytes = Buffer.from(`<${value.value}>`);
      return writer.utf8(bytes, 1, bytes.length - 1);
    }
    case 'binary':
      return writer.binary(Buffer.from(value.value), 0, value.value.length);
    case 'integer':
      return writer.integer(value.value);
    case 'bigInteger':
      return writer.bigInteger(value.value);
    case 'double':
      return writer.double(value.value);
    case 'boolean':
      return writer.boolean(value.value);
    case 'text':
      return writer.text(value.value);
  }
}

function size(value: Value): number {
  if (value.kind === 'boolean') return 1;
  if (value.kind === 'utf8' || value.kind === 'text') return Buffer.byteLength(value.value);
  if (value.kind === 'binary') return value.value.length;
  return 8;
}

/** A value as the SDK gives it: its own 64-bit integers, numbers for DOUBLE. */
function plainOfSdk(value: unknown): string {
  if (Buffer.isBuffer(value)) return `binary ${value.toString('hex')}`;
  if (typeof value === 'object') return `integer ${String(value)}`;
  return `${typeof value} ${Object.is(value, -0) ? '-0' : String(value)}`;
}

function sdkText({ kind, value }: Value): string {
  if (kind === 'binary') return `binary ${Buffer.from(value).toString('hex')}`;
  if (kind === 'integer' || kind === 'bigInteger') return `integer ${BigInt(value)}`;
  return `${typeof value} ${Object.is(value, -0) ? '-0' : String(value)}`;
}

function plain(value: unknown): unknown {
  if (typeof value === 'number' && Number.isInteger(value)) return `int ${BigInt(value)}`;
  if (typeof value === 'bigint') return `int ${value}`;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return value;
}

describe('rows of any shape', () => {
  test('our reader gives back what was written, checksums and data size right', () => {
    const writer = new RowWriter(64);
    fc.assert(
      fc.property(rowArbitrary, ({ keys, cells }) => {
        const row = written((w) => {
          for (const [name, value] of keys) give(w.key(prepareName(name)), value);
          for (const [name, value] of cells) {
            if (value === null) w.deleteAllVersions(prepareName(name));
            else give(w.attribute(prepareName(name)), value);
          }
          w.endRow();
        }, writer);
        const [decoded] = decodeRows(row);
        expect(decoded!.primaryKey.map(([n, v]) => [n, plain(v)])).toEqual(
          keys.map(([n, v]) => [n, plain(v.value)]),
        );
        expect(decoded!.cells.map((c) => [c.name, c.op ?? 0, plain(c.value)])).toEqual(
          cells.map(([n, v]) => [n, v ? 0 : 1, v ? plain(v.value) : undefined]),
        );
        const expected = [...keys, ...cells].reduce((sum, [n, v]) => sum + n.length + (v ? size(v) : 0), 0);
        expect(writer.dataBytes).toBe(expected);
        expect(writer.columns).toBe(cells.length);
        expect(row.toString('latin1', 5, 5 + writer.rowKey().length)).toBe(writer.rowKey());
        writer.reset();
      }),
      { numRuns: 500 },
    );
  });

  test("the official SDK's decoder reads the same values and agrees with every checksum", () => {
    fc.assert(
      fc.property(rowArbitrary, ({ keys, cells }) => {
        const row = written((w) => {
          for (const [name, value] of keys) give(w.key(prepareName(name)), value);
          for (const [name, value] of cells) if (value !== null) give(w.attribute(prepareName(name)), value);
          w.endRow();
        });
        const decoded = new TableStore.PlainBufferCodedInputStream(
          new TableStore.PlainBufferInputStream(row),
        ).readRow();
        expect(decoded.primaryKey.map(({ name, value }) => [name, plainOfSdk(value)])).toEqual(
          keys.map(([name, value]) => [name, sdkText(value)]),
        );
        expect(
          decoded.attributes.map(({ columnName, columnValue }) => [columnName, plainOfSdk(columnValue)]),
        ).toEqual(
          cells.filter(([, value]) => value !== null).map(([name, value]) => [name, sdkText(value!)]),
        );
      }),
    );
  });

  test('long runs have the checksum of the byte-wise definition', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 700 }), fc.nat(255), fc.nat(20), (bytes, crc, skip) => {
        const start = Math.min(skip, bytes.length);
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
        expect(crc8Wide(crc, view, start, bytes.length)).toBe(crc8(crc, bytes, start, bytes.length));
      }),
    );
  });
});

test('rollback forgets a half-written row and keeps the ones before it', () => {
  const writer = new RowWriter(32);
  const value = Buffer.alloc(100, 'v');
  const add = (n: number) => {
    writer.beginRow();
    writer.key(id).integer(n);
    writer.attribute(prepareName('v')).utf8(value, 0, n);
    writer.endRow();
  };
  add(1);
  writer.beginRow();
  writer.key(id).integer(2);
  writer.attribute(prepareName('v'));
  writer.rollback();
  add(3);
  add(4);
  writer.rollback();
  add(5);
  const batch = writer.takeBatch();
  expect(batch.count).toBe(3);
  const rows = Array.from(batch.ends, (end, i) =>
    batch.buffer.subarray(i === 0 ? 0 : batch.ends[i - 1]!, end),
  );
  expect(rows.map((row) => decodeRows(row)[0]!.primaryKey[0]![1])).toEqual([1n, 3n, 5n]);
  expect([...batch.dataBytes]).toEqual([1, 3, 5].map((n) => 2 + 8 + 1 + n));
  expect(writer.rows).toBe(0);
  add(6);
  expect(decodeRows(writer.takeBatch().buffer)[0]!.primaryKey[0]![1]).toBe(6n);
  expect(decodeRows(batch.buffer.subarray(0, batch.ends[0]))[0]!.primaryKey[0]![1]).toBe(1n);
});
