import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { BinlogDecoder } from '../../../src/mysql/binlog/decoder.js';
import { ColumnType, EventType, artificialFlag } from '../../../src/mysql/binlog/format.js';
import { PacketFramer } from '../../../src/mysql/binlog/framer.js';
import { applyJsonDiffs } from '../../../src/mysql/binlog/json-diff.js';
import { jsonText } from '../../../src/mysql/types/json.js';
import type { BinlogHandler, BinlogTable, RowImage } from '../../../src/mysql/model.js';
import { fuzz, refusal, spoiled } from '../../support/fuzz.js';

/** Events of MySQL 9 with every type, partial JSON, a compressed transaction, an XA branch and DDL, GTIDs on. */
const recorded = eventsOf(readFileSync(join(import.meta.dirname, 'recorded-binlog.bin')).subarray(4));

function eventsOf(bytes: Buffer): Buffer[] {
  const events: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32LE(at + 9);
    events.push(bytes.subarray(at, at + length));
    at += length;
  }
  return events;
}

/** What a server sends, taken apart and every value looked at; what it made of the rows is counted. */
class Reading {
  rows = 0;
  statements = 0;
  failure: unknown = null;
  readonly #framer: PacketFramer;
  readonly #decoder: BinlogDecoder;

  constructor() {
    const handler: BinlogHandler = {
      transaction: () => undefined,
      wants: () => true,
      row: (table, _kind, before, after) => {
        this.rows++;
        for (const image of [before, after]) if (image) lookAt(table, image);
      },
      commit: () => undefined,
      xaPrepare: () => undefined,
      xaCommit: () => undefined,
      xaRollback: () => undefined,
      statement: () => void this.statements++,
      heartbeat: () => undefined,
    };
    const start = { file: 'binlog.000002', offset: 4 };
    const decoder = (this.#decoder = new BinlogDecoder(handler, start, {
      serverUuid: 'u',
      isOpen: () => true,
      onProgress: (error) => (this.failure ??= error),
    }));
    this.#framer = new PacketFramer(
      {
        event: (bytes, from, to) => decoder.event(bytes, from, to),
        inPieces: (type, length) => decoder.inPieces(type, length),
        piece: (bytes, from, to, last) => decoder.piece(bytes, from, to, last),
        serverError: () => undefined,
        endOfStream: () => undefined,
      },
      () => decoder.isReady,
    );
  }

  take(chunk: Buffer): void {
    this.#framer.execute(chunk);
  }

  end(): void {
    this.#decoder.destroy();
  }
}

function lookAt(table: BinlogTable, image: RowImage): void {
  for (let i = 0; i < table.columnCount; i++) {
    const [start, end] = [image.starts[i]!, image.ends[i]!];
    if (start < 0) continue;
    if (!(start <= end && end <= image.bytes.length)) throw new Error('a value lies outside of its bytes');
    if (table.columnTypes[i] === ColumnType.json) refusal(() => jsonText(image.bytes, start, end));
  }
}

const packet = (event: Buffer): Buffer => {
  const head = Buffer.alloc(5);
  head.writeUIntLE(event.length + 1, 0, 3);
  return Buffer.concat([head, event]);
};

/** With the checksum that belongs to what it is now: a server that means ill counts it again. */
function checked(event: Buffer): Buffer {
  event.writeUInt32LE(crc32(event.subarray(0, -4)), event.length - 4);
  return event;
}

function event(type: number, body: Buffer, flags = 0): Buffer {
  const bytes = Buffer.alloc(19 + body.length + 4);
  bytes[4] = type;
  bytes.writeUInt32LE(bytes.length, 9);
  bytes.writeUInt16LE(flags, 17);
  body.copy(bytes, 19);
  return checked(bytes);
}

const begun = (): Reading => {
  const reading = new Reading();
  const rotate = Buffer.concat([Buffer.from([4, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('binlog.000002')]);
  reading.take(packet(event(EventType.rotate, rotate, artificialFlag)));
  return reading;
};

describe('a recorded stream', () => {
  it('is read as it is', () => {
    const reading = begun();
    for (const one of recorded) reading.take(packet(one));
    expect(reading).toMatchObject({ rows: 8, statements: 4, failure: null });
  });

  fuzz('with bits that flipped is read or refused', (chance) => {
    const reading = begun();
    const bytes = Buffer.concat(
      recorded.map((one) => {
        if (!chance.once(6)) return packet(one);
        const changed = spoiled(one, chance);
        // Headers are broken less often, so that more of what is behind them is reached.
        if (!chance.once(4)) one.copy(changed, 0, 0, 19);
        return packet(chance.once(10) ? changed : checked(changed));
      }),
    );
    refusal(() => {
      for (let at = 0; at < bytes.length;) {
        const length = 1 + chance.below(2000);
        reading.take(bytes.subarray(at, at + length));
        at += length;
      }
    });
    if (reading.failure !== null)
      refusal(() => {
        throw reading.failure;
      });
    reading.end();
  });

  fuzz('in packets of any bytes is refused', (chance) => {
    const reading = begun();
    refusal(() => {
      for (let i = 0; i < 20; i++) {
        const bytes = Buffer.from(Array.from({ length: chance.below(200) }, () => chance.below(256)));
        reading.take(chance.once(2) ? bytes : packet(event(chance.below(48), bytes)));
      }
    });
    reading.end();
  });
});

const tableMap = (columns: number, types: number[], metadata: number[] = []): Buffer =>
  Buffer.concat([
    Buffer.from([9, 0, 0, 0, 0, 0, 1, 0, 1, 97, 0, 1, 98, 0]),
    columns < 251
      ? Buffer.from([columns])
      : Buffer.from([0xfd, columns & 255, (columns >> 8) & 255, columns >> 16]),
    Buffer.from(types),
    Buffer.from([metadata.length, ...metadata]),
    Buffer.alloc((columns + 7) >> 3),
  ]);
const writeRows = (bytes: number[]): Buffer => Buffer.from([9, 0, 0, 0, 0, 0, 1, 0, 2, 0, ...bytes]);

describe('events that lie', () => {
  const read = (...events: Buffer[]) => {
    const reading = begun();
    reading.take(packet(recorded[0]!));
    return refusal(() => {
      for (const one of events) reading.take(packet(one));
      if (reading.failure !== null) throw reading.failure as Error;
    });
  };

  it('an event of gigabytes is refused before it is held', () => {
    const head = event(EventType.query, Buffer.alloc(20));
    head.writeUInt32LE(0xfffffff0, 9);
    expect(read(head)).toBe('ROW-S109');
  });

  it('an error message without end is refused', () => {
    const reading = begun();
    const part = Buffer.concat([Buffer.from([0xff, 0xff, 0xff, 0]), Buffer.alloc(0xffffff, 0xff)]);
    expect(refusal(() => reading.take(part))).toBe('ROW-S109');
  });

  it('rows without a byte would come for ever', () => {
    // One column, which is not in the image.
    expect(
      read(
        event(EventType.tableMap, tableMap(1, [ColumnType.tiny])),
        event(EventType.writeRows, writeRows([1, 0, 7])),
      ),
    ).toBe('ROW-S109');
  });

  it('a table has columns, and not more than MySQL allows', () => {
    expect(read(event(EventType.tableMap, tableMap(0, [])))).toBe('ROW-S109');
    const many = Array.from({ length: 5000 }, () => ColumnType.tiny);
    expect(read(event(EventType.tableMap, tableMap(5000, many)))).toBe('ROW-S109');
  });

  const size = (value: number) => Buffer.from([0xfd, value & 255, (value >> 8) & 255, value >> 16]);
  const payload = (content: Buffer) => {
    const packed = zstdCompressSync(content);
    const fields = [
      Buffer.from([2, 1, 0, 3, 4]),
      size(content.length),
      Buffer.from([1, 4]),
      size(packed.length),
    ];
    return event(EventType.transactionPayload, Buffer.concat([...fields, Buffer.from([0]), packed]));
  };
  /** As it stands in a payload: without a checksum. */
  const bare = (one: Buffer) => {
    const bytes = Buffer.from(one.subarray(0, -4));
    bytes.writeUInt32LE(bytes.length, 9);
    return bytes;
  };

  it('a value whose length lies behind the last byte is no row', () => {
    const map = bare(event(EventType.tableMap, tableMap(1, [ColumnType.tinyBlob], [1])));
    const rows = bare(event(EventType.writeRows, writeRows([1, 1, 0])));
    expect(read(payload(Buffer.concat([map, rows])))).toBe('ROW-S109');
  });

  it('a compressed transaction in a compressed transaction is refused', () => {
    const inner = payload(Buffer.alloc(0));
    expect(read(payload(bare(inner)))).toBe('ROW-S109');
    expect(read(payload(Buffer.alloc(1 << 20)))).toBe('ROW-S109');
  });

  it('a compressed transaction that is damaged is refused', () => {
    const bytes = Buffer.from([2, 1, 0, 3, 1, 9, 1, 1, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(read(event(EventType.transactionPayload, bytes))).toBe('ROW-S109');
  });

  it('a name of a file that no file system has is refused', () => {
    expect(read(event(EventType.rotate, Buffer.alloc(8 + 600, 97), artificialFlag))).toBe('ROW-S109');
  });

  it('a transaction without a number is refused', () => {
    expect(read(event(EventType.gtid, Buffer.alloc(42)))).toBe('ROW-S109');
  });

  it('descriptions of ever other tables are not all kept', () => {
    const one = tableMap(1, [ColumnType.tiny]);
    const rows = writeRows([1, 1, 0, 7]);
    const maps = Array.from({ length: 120_000 }, (_, i) => {
      const map = Buffer.from(one);
      map.writeUIntLE(i + 10, 0, 6);
      return event(EventType.tableMap, map);
    });
    expect(read(event(EventType.tableMap, one), event(EventType.writeRows, rows))).toBeUndefined();
    expect(read(event(EventType.tableMap, one), ...maps, event(EventType.writeRows, rows))).toBe('ROW-S109');
  });
});

describe('JSON that refers to itself', () => {
  /** Arrays of which each member is the next array: 2^n values in some bytes. */
  const bomb = (levels: number, wide: number): Buffer => {
    const size = 4 + 3 * wide;
    const bytes = Buffer.alloc(1 + levels * size);
    bytes[0] = 2;
    for (let level = 0; level < levels; level++) {
      const at = 1 + level * size;
      bytes.writeUInt16LE(wide, at);
      for (let i = 0; i < wide; i++) {
        const isLast = level === levels - 1;
        bytes[at + 4 + 3 * i] = isLast ? 4 : 2;
        bytes.writeUInt16LE(isLast ? 0 : size, at + 5 + 3 * i);
      }
    }
    return bytes;
  };

  for (const [what, bytes] of [
    ['again and again', bomb(60, 8)],
    ['in a circle', Buffer.from([2, 1, 0, 7, 0, 2, 0, 0])],
  ] as const) {
    it(`${what} is refused at once`, () => {
      const began = performance.now();
      expect(refusal(() => jsonText(bytes, 0, bytes.length))).toBe('ROW-V101');
      expect(refusal(() => applyJsonDiffs(bytes, Buffer.from([0, 1, 0x24, 2, 4, 0])))).toBe('ROW-S109');
      expect(performance.now() - began).toBeLessThan(1000);
    });
  }

  fuzz('and any other bytes are read or refused', (chance) => {
    const bytes = chance.once(2)
      ? spoiled(bomb(1 + chance.below(5), 1 + chance.below(5)), chance)
      : Buffer.from([chance.below(16), ...Array.from({ length: chance.below(60) }, () => chance.below(16))]);
    refusal(() => jsonText(bytes, 0, bytes.length));
    refusal(() => applyJsonDiffs(bytes, Buffer.from([0, 1, 0x24, 2, 4, 0])));
  });
});
