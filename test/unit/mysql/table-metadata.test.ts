import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ColumnType } from '../../../src/mysql/binlog/format.js';
import { readTableMetadata } from '../../../src/mysql/binlog/table-metadata.js';

const { long, varchar, enum: label, year, vector, blob } = ColumnType;
const types = Uint8Array.from([long, varchar, label, year, vector, blob]);
const field = (number: number, ...bytes: number[]) => [number, bytes.length, ...bytes];
const read = (...fields: number[][]) => readTableMetadata(Buffer.from(fields.flat()), types);

describe('the optional metadata of a TABLE_MAP', () => {
  it('is read by the kinds of columns that each field is about; what is not known is passed over', () => {
    const metadata = read(
      field(1, 0b0100_0000),
      field(2, 45, 2, 63),
      field(99, 1, 2, 3),
      field(10, 8),
      field(6, 2, 1, 0x61, 0),
      field(9, 1, 3, 0, 0),
      field(12, 0b1011_1100),
      field(13, 5),
    );
    expect(metadata).toEqual({
      unsigned: [false, false, false, true, false, false],
      // eslint-disable-next-line no-sparse-arrays
      collations: [, 45, 8, , 45, 63],
      // eslint-disable-next-line no-sparse-arrays
      labels: [, , [Buffer.from('a'), Buffer.from('')]],
      primaryKey: [
        { column: 1, prefix: 3 },
        { column: 0, prefix: 0 },
      ],
      visible: [true, false, true, true, true, true],
      // eslint-disable-next-line no-sparse-arrays
      dimensions: [, , , , 5],
    });
    expect(read()).toEqual({});
  });

  const unreadable = expect.objectContaining({ code: 'ROW-S109' }) as Error;
  it.each([
    ['fewer names than columns', field(4, 1, 0x61)],
    ['more names than columns', field(4, ...Array.from({ length: 7 }, () => [1, 0x61]).flat())],
    ['a label that ends behind its field', field(6, 1, 9, 0x61)],
    ['more signs than numbers', field(1, 0, 0)],
    ['no signs', field(1)],
    ['a collation of a column that is none of text', field(2, 45, 3, 63)],
    ['a key part without its prefix', field(9, 1)],
    ['a field that ends behind the event', [4, 200, 1]],
  ])('that does not fit is not believed: %s', (_what, bytes) => {
    expect(() => read(bytes)).toThrow(unreadable);
  });

  it('never does anything else, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ maxLength: 12 }), (bytes, columns) => {
        try {
          readTableMetadata(Buffer.from(bytes), columns);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ROW-S109' });
        }
      }),
      { numRuns: 5000 },
    );
  });
});
