import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRows, CellOp, INF_MAX, INF_MIN } from '../../../../src/tablestore/wire/plainbuffer.js';
import { WireFormatError } from '../../../../src/tablestore/wire/protobuf.js';
import { crc8, CRC8_TABLE } from '../../../../src/tablestore/wire/crc8.js';

/** Rows as an official SDK encodes them; key id = 1. */
const golden = {
  put: '7500000001030402000000696405090000000001000000000000000a0a020304010000006105060000000301000000780a4d03040100000064050900000001000000000000f83f0aba03040100000066050200000002010a950304010000006905090000000002000000000000000a620304010000007a05060000000701000000710a8909fb',
  update:
    '7500000001030402000000696405090000000001000000000000000a0a020304010000006105060000000301000000780a4d0304010000006206010ad80999',
  delete: '7500000001030402000000696405090000000001000000000000000a0a080985',
};
const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');

describe('PlainBuffer', () => {
  it('reads a put with every type of value', () => {
    expect(decodeRows(bytes(golden.put))).toEqual([
      {
        primaryKey: [['id', 1n]],
        cells: [
          { name: 'a', value: 'x' },
          { name: 'd', value: 1.5 },
          { name: 'f', value: true },
          { name: 'i', value: 2n },
          { name: 'z', value: Buffer.from('q') },
        ],
        deleteMarker: false,
      },
    ]);
  });

  it('reads operations and the delete marker', () => {
    expect(decodeRows(bytes(golden.update))[0]!.cells).toEqual([
      { name: 'a', value: 'x' },
      { name: 'b', op: CellOp.DELETE_ALL_VERSIONS },
    ]);
    expect(decodeRows(bytes(golden.delete))[0]).toMatchObject({ cells: [], deleteMarker: true });
  });

  it('reads several rows behind one header, and none in an empty buffer', () => {
    const rows = Buffer.concat([bytes(golden.put), bytes(golden.update).subarray(4)]);
    expect(decodeRows(rows)).toHaveLength(2);
    expect(decodeRows(Buffer.alloc(0))).toEqual([]);
  });

  it('reads INF_MIN and INF_MAX in a key', () => {
    // The same cell with a value of one byte of type and no payload.
    const key = (type: number): Buffer => {
      const cell = Buffer.from([3, 4, 1, 0, 0, 0, 0x61, 5, 1, 0, 0, 0, type, 0x0a, 0]);
      cell[14] = crc8(crc8(0, Buffer.from('a'), 0, 1), Buffer.from([type]), 0, 1);
      const row = crc8(crc8(0, cell, 14, 15), Buffer.from([0]), 0, 1);
      return Buffer.concat([Buffer.from([0x75, 0, 0, 0, 1]), cell, Buffer.from([9, row])]);
    };
    expect(decodeRows(key(9))[0]!.primaryKey).toEqual([['a', INF_MIN]]);
    expect(decodeRows(key(10))[0]!.primaryKey).toEqual([['a', INF_MAX]]);
  });

  it('refuses every row cut short and every single wrong byte', () => {
    for (const hex of Object.values(golden)) {
      const good = bytes(hex);
      // The header alone is a buffer without rows.
      for (let length = 5; length < good.length; length++) {
        expect(() => decodeRows(good.subarray(0, length)), `cut at ${length}`).toThrow(WireFormatError);
      }
      for (let at = 0; at < good.length; at++) {
        const bad = Buffer.from(good);
        bad[at]! ^= 0x01;
        // A checksum of eight bits sees every change of one bit, wherever it is.
        expect(() => decodeRows(bad), `byte ${at} of ${hex}`).toThrow(WireFormatError);
      }
    }
  });

  it('never does worse than WireFormatError with any bytes', () => {
    const mutated = fc
      .tuple(
        fc.constantFrom(...Object.values(golden)),
        fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 6 }),
      )
      .map(([hex, edits]) => {
        const buffer = bytes(hex);
        for (const [at, value] of edits) if (at < buffer.length) buffer[at] = value;
        return buffer;
      });
    const any = fc
      .uint8Array({ maxLength: 300 })
      .map((array) => Buffer.concat([Buffer.from([0x75, 0, 0, 0]), array]));
    fc.assert(
      fc.property(fc.oneof(mutated, any), (buffer) => {
        try {
          decodeRows(buffer);
        } catch (error) {
          expect(error).toBeInstanceOf(WireFormatError);
        }
      }),
      { numRuns: 5000 },
    );
  });
});

describe('CRC-8', () => {
  it('folds as the byte table does, whatever the length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), fc.nat(255), (array, start) => {
        const expected = array.reduce((crc, byte) => CRC8_TABLE[crc ^ byte]!, start);
        expect(crc8(start, array, 0, array.length)).toBe(expected);
      }),
    );
  });
});
