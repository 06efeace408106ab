import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageType, optional, repeated, required } from '../../../../src/tablestore/wire/codec.js';
import { ProtobufReader, ProtobufWriter, WireFormatError } from '../../../../src/tablestore/wire/protobuf.js';
import * as messages from '../../../../src/tablestore/wire/messages.js';

const Inner = new MessageType({ text: required(1, 'string'), list: repeated(2, 'int64') });
const Outer = new MessageType({
  id: required(1, 'int64'),
  small: optional(2, 'int32'),
  flag: optional(3, 'bool'),
  blob: optional(4, 'bytes'),
  zigzag: optional(5, 'sint64'),
  inner: optional(6, Inner),
  many: repeated(17, Inner),
});

const inner = fc.record({
  text: fc.string({ unit: 'binary' }),
  list: fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
});
const outer = fc.record(
  {
    id: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    small: fc.integer(),
    flag: fc.boolean(),
    blob: fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
    zigzag: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    inner,
    many: fc.array(inner, { maxLength: 5 }),
  },
  { requiredKeys: ['id', 'many'] },
);

describe('protobuf', () => {
  it('gives back every message it has written', () => {
    fc.assert(
      fc.property(outer, (message) => {
        expect(Outer.decode(Outer.encode(message))).toEqual(message);
      }),
    );
  });

  it('skips fields that it does not know, of every wire type', () => {
    const writer = new ProtobufWriter();
    writer.integer(100, -1);
    writer.double(101, 1.5);
    writer.string(102, 'unknown');
    writer.raw(Buffer.from([((103 << 3) & 0x7f) | 0x80 | 5, (103 << 3) >> 7, 1, 2, 3, 4]));
    writer.integer(1, 7);
    expect(Outer.decode(writer.finish())).toEqual({ id: 7n, many: [] });
  });

  it('moves the content of a nested message when its length takes more than a byte', () => {
    const text = 'ö'.repeat(20_000);
    const message = { id: 1n, many: [{ text, list: [] }] };
    expect(Outer.decode(Outer.encode(message))).toEqual(message);
  });

  it.each([
    ['a required field that is missing', Buffer.alloc(0)],
    ['a truncated varint', Buffer.from([0x08, 0x80])],
    ['a varint of eleven bytes', Buffer.from([0x08, ...Array<number>(11).fill(0x80)])],
    ['a length beyond the end', Buffer.from([0x08, 1, 0x22, 5, 1])],
    ['a length of four gigabytes', Buffer.from([0x08, 1, 0x22, 0xff, 0xff, 0xff, 0xff, 0x0f])],
    ['another wire type', Buffer.from([0x0a, 1, 1])],
    ['a group', Buffer.from([0x08, 1, 0x1b])],
    ['field number 0', Buffer.from([0x08, 1, 0x00, 1])],
  ])('refuses %s', (_, buffer) => {
    expect(() => Outer.decode(buffer)).toThrow(WireFormatError);
  });

  it('never does worse than WireFormatError with any bytes', () => {
    const types = Object.values(messages).filter((value) => value instanceof MessageType);
    expect(types.length).toBeGreaterThan(30);
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.uint8Array({ maxLength: 60 }), (type, array) => {
        try {
          (type as MessageType<never>).decode(Buffer.from(array));
        } catch (error) {
          expect(error).toBeInstanceOf(WireFormatError);
        }
      }),
      { numRuns: 5000 },
    );
  });

  it('reads doubles and views of blocks', () => {
    const writer = new ProtobufWriter();
    writer.double(1, -2.5);
    writer.block(2, Buffer.from('view'));
    const reader = new ProtobufReader(writer.finish());
    reader.next();
    expect(reader.double()).toBe(-2.5);
    reader.next();
    expect(reader.block().toString()).toBe('view');
    expect(reader.next()).toBe(false);
  });
});
