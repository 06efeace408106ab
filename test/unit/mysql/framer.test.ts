import { describe, expect, it } from 'vitest';
import { PacketFramer, type PacketSink } from '../../../src/mysql/binlog/framer.js';

function event(type: number, body: Buffer): Buffer {
  const bytes = Buffer.alloc(19 + body.length);
  bytes[4] = type;
  bytes.writeUInt32LE(bytes.length, 9);
  body.copy(bytes, 19);
  return bytes;
}

/** Splits a payload into packets as the protocol does: a full packet is always followed by another. */
function packets(payload: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; ; at += 0xffffff) {
    const part = payload.subarray(at, at + 0xffffff);
    const header = Buffer.alloc(4);
    header.writeUIntLE(part.length, 0, 3);
    parts.push(header, part);
    if (part.length < 0xffffff) return Buffer.concat(parts);
  }
}

class Sink implements PacketSink {
  readonly got: string[] = [];
  readonly pieces = new Set<number>();
  onEvent: () => void = () => undefined;
  event(bytes: Buffer, start: number, end: number): void {
    this.got.push(bytes.toString('hex', start + 19, Math.min(end, start + 39)) + `/${end - start}`);
    this.onEvent();
  }
  inPieces(type: number): boolean {
    return this.pieces.has(type);
  }
  pieceBytes = 0;
  piece(_bytes: Buffer, start: number, end: number, last: boolean): void {
    this.pieceBytes += end - start;
    if (!last) return;
    this.got.push(`pieces/${this.pieceBytes}`);
    this.pieceBytes = 0;
  }
  serverError(error: { errno: number; message: string }): void {
    this.got.push(`error ${error.errno} ${error.message}`);
  }
  endOfStream(): void {
    this.got.push('end');
  }
}

const ok = (bytes: Buffer): Buffer => packets(Buffer.concat([Buffer.of(0), bytes]));

describe('the packet framer', () => {
  const stream = Buffer.concat([
    ok(event(1, Buffer.from('aa', 'hex'))),
    ok(event(2, Buffer.alloc(300, 7))),
    ok(event(1, Buffer.from('bb', 'hex'))),
    packets(Buffer.from('ff' + 'd404' + '23' + Buffer.from('HY000gone').toString('hex'), 'hex')),
    packets(Buffer.from('fe00000200', 'hex')),
  ]);

  it('gives the same events however the bytes are cut', () => {
    const expected = ['aa/20', `${'07'.repeat(20)}/319`, 'bb/20', 'error 1236 gone', 'end'];
    for (let size = 1; size <= stream.length; size += size < 40 ? 1 : 37) {
      const sink = new Sink();
      const framer = new PacketFramer(sink, () => true);
      for (let at = 0; at < stream.length; at += size) framer.execute(stream.subarray(at, at + size));
      expect(sink.got).toEqual(expected);
    }
  });

  it('gives long events in pieces when asked to, whatever the cuts', () => {
    for (let size = 1; size <= stream.length; size += 13) {
      const sink = new Sink();
      sink.pieces.add(2);
      const framer = new PacketFramer(sink, () => true);
      for (let at = 0; at < stream.length; at += size) framer.execute(stream.subarray(at, at + size));
      expect(sink.got).toEqual(['aa/20', 'pieces/319', 'bb/20', 'error 1236 gone', 'end']);
    }
  });

  it('stops between two events while the gate is closed, and then loses nothing', () => {
    const sink = new Sink();
    let open = true;
    const framer = new PacketFramer(sink, () => open);
    sink.onEvent = () => (open = false);
    framer.execute(stream);
    expect(sink.got).toHaveLength(1);
    framer.execute(ok(event(1, Buffer.from('cc', 'hex'))));
    expect(sink.got).toHaveLength(1);
    for (let i = 2; i <= 6; i++) {
      open = true;
      framer.advance();
    }
    expect(sink.got.at(-1)).toBe('cc/20');
    expect(sink.got).toHaveLength(6);
    expect(framer.isEmpty).toBe(true);
  });

  it.each([0xffffff - 1, 0xffffff, 0xffffff + 1, 2 * 0xffffff, 2 * 0xffffff - 1])(
    'joins packets of a payload of %i bytes',
    (length) => {
      const big = ok(event(3, Buffer.alloc(length - 20, 1)));
      const sink = new Sink();
      const framer = new PacketFramer(sink, () => true);
      const all = Buffer.concat([big, ok(event(1, Buffer.from('dd', 'hex')))]);
      for (let at = 0; at < all.length; at += 65_536) framer.execute(all.subarray(at, at + 65_536));
      expect(sink.got).toEqual([`${'01'.repeat(20)}/${length - 1}`, 'dd/20']);
    },
  );

  it('refuses a packet that begins inside an event', () => {
    const framer = new PacketFramer(new Sink(), () => true);
    const broken = event(1, Buffer.alloc(100));
    broken.writeUInt32LE(5000, 9);
    expect(() => framer.execute(Buffer.concat([ok(broken), ok(event(1, Buffer.alloc(1)))]))).toThrow(
      expect.objectContaining({ code: 'ROW-S109' }),
    );
  });
});
