import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { BinlogDecoder } from '../../../src/mysql/binlog/decoder.js';
import { EventType, artificialFlag, ignorableFlag } from '../../../src/mysql/binlog/format.js';
import type { BinlogHandler } from '../../../src/mysql/model.js';
import type { SourcePosition } from '../../../src/shared/position.js';

/** Events as a server would send them, the places in the file chosen by the test. */
class Stream {
  readonly seen: [what: string, value?: unknown][] = [];
  readonly decoder: BinlogDecoder;
  checksum = false;

  constructor(start: SourcePosition) {
    const note = (word: string) => (value: unknown) => void this.seen.push([word, value]);
    const handler: BinlogHandler = {
      transaction: note('transaction'),
      wants: () => true,
      row: () => void this.seen.push(['row']),
      commit: note('commit'),
      xaPrepare: note('xaPrepare'),
      xaCommit: note('xaCommit'),
      xaRollback: note('xaRollback'),
      statement: note('statement'),
      heartbeat: note('heartbeat'),
    };
    this.decoder = new BinlogDecoder(handler, start, {
      serverUuid: 'uuid',
      isOpen: () => true,
      onProgress: () => undefined,
    });
  }

  send(type: number, position: number, body: Buffer = Buffer.alloc(0), flags = 0, spoil = false): void {
    const event = Buffer.alloc(19 + body.length + (this.checksum ? 4 : 0));
    event.writeUInt32LE(1_700_000_000, 0);
    event[4] = type;
    event.writeUInt32LE(event.length, 9);
    event.writeUInt32LE(position >>> 0, 13);
    event.writeUInt16LE(flags, 17);
    body.copy(event, 19);
    if (this.checksum)
      event.writeUInt32LE((crc32(event.subarray(0, -4)) ^ (spoil ? 1 : 0)) >>> 0, event.length - 4);
    this.decoder.event(event, 0, event.length);
  }

  rotate(file: string, offset: number): void {
    const body = Buffer.alloc(8 + file.length);
    body.writeBigUInt64LE(BigInt(offset), 0);
    body.write(file, 8);
    this.send(EventType.rotate, 0, body, artificialFlag);
  }

  format(checksum: boolean): void {
    const body = Buffer.alloc(100);
    body[95] = checksum ? 1 : 0;
    this.checksum = false;
    this.send(EventType.format, 0, body, artificialFlag);
    this.checksum = checksum;
  }

  query(position: number, sql: string): void {
    const body = Buffer.alloc(13 + 5 + sql.length);
    body[8] = 4;
    body.write('test', 13);
    body.write(sql, 18);
    this.send(EventType.query, position, body);
  }

  /** A transaction of an anonymous group whose COMMIT ends at `position`. */
  transaction(position: number): void {
    const gtid = Buffer.alloc(25);
    this.send(EventType.anonymousGtid, position - 3, gtid);
    this.query(position - 2, 'BEGIN');
    this.send(EventType.xid, position, Buffer.alloc(8));
  }

  get commits(): unknown[] {
    return this.seen
      .filter(([what]) => what === 'commit')
      .map(([, position]) => (position as SourcePosition).offset);
  }
}

function started(offset = 4): Stream {
  const stream = new Stream({ file: 'binlog.000001', offset });
  stream.rotate('binlog.000001', offset);
  stream.format(false);
  return stream;
}

const GiB = 2 ** 30;
const unreadable = expect.objectContaining({ code: 'ROW-S109' }) as Error;

describe('the binlog decoder', () => {
  it('counts offsets past 4 GiB, though events have 32 bits for them', () => {
    const stream = started();
    stream.transaction(4 * GiB - 100);
    stream.transaction(4 * GiB + 50);
    stream.transaction(4 * GiB + 3 * GiB);
    stream.transaction(8 * GiB + 7);
    expect(stream.commits).toEqual([4 * GiB - 100, 4 * GiB + 50, 7 * GiB, 8 * GiB + 7]);
  });

  it('starts past 4 GiB by reading the file from its beginning, and delivers nothing twice', () => {
    const start = 4 * GiB + 50;
    const stream = new Stream({ file: 'binlog.000001', offset: start });
    stream.rotate('binlog.000001', 4);
    stream.format(false);
    stream.transaction(4 * GiB - 100);
    stream.transaction(start);
    stream.transaction(start + 100);
    expect(stream.commits).toEqual([start + 100]);
  });

  it('takes a heartbeat of version 2 at its word, but only between transactions', () => {
    const stream = started();
    const beat = Buffer.concat([
      Buffer.from([1, 13]),
      Buffer.from('binlog.000001'),
      Buffer.from([2, 9, 254]),
      Buffer.alloc(8),
      Buffer.from([0]),
    ]);
    beat.writeBigUInt64LE(BigInt(5 * GiB), 18);
    stream.query(500, 'BEGIN');
    stream.send(EventType.heartbeatV2, 0, beat);
    expect(stream.seen.filter(([what]) => what === 'heartbeat')).toEqual([]);
    stream.query(600, 'COMMIT');
    stream.send(EventType.heartbeatV2, 0, beat);
    expect(stream.seen.at(-1)).toMatchObject(['heartbeat', { offset: 5 * GiB }]);
    expect(stream.decoder.position.offset).toBe(600);
  });

  it('refuses an event that does not match its checksum', () => {
    const stream = started();
    stream.format(true);
    stream.transaction(1000);
    expect(() => stream.send(EventType.xid, 1100, Buffer.alloc(8), 0, true)).toThrow(unreadable);
  });

  it('never skips what it does not know, unless the server says that it may', () => {
    const stream = started();
    stream.send(99, 100, Buffer.alloc(4), ignorableFlag);
    expect(() => stream.send(99, 200, Buffer.alloc(4))).toThrow(unreadable);
  });

  it('refuses rows without their table, and a source that lost events', () => {
    expect(() => started().send(EventType.writeRows, 100, Buffer.alloc(12))).toThrow(unreadable);
    expect(() => started().send(EventType.incident, 100, Buffer.alloc(3))).toThrow(unreadable);
  });

  it('refuses a transaction without an end', () => {
    const stream = started();
    stream.query(100, 'BEGIN');
    expect(() => stream.transaction(300)).toThrow(unreadable);
    const other = started();
    other.query(100, 'BEGIN');
    expect(() => other.rotate('binlog.000002', 4)).toThrow(unreadable);
  });

  it('passes a transaction of savepoints, and one that was rolled back and changed nothing selected', () => {
    const stream = started();
    stream.query(100, 'BEGIN');
    stream.query(150, 'SAVEPOINT `a`');
    stream.query(200, 'ROLLBACK TO `a`');
    stream.query(250, 'ROLLBACK');
    expect(stream.commits).toEqual([250]);
    expect(stream.seen.map(([what]) => what)).toEqual(['transaction', 'commit']);
  });
});
