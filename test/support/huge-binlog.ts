import { closeSync, ftruncateSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

const headerBytes = 19;
const checksumBytes = 4;
const ignorable = { type: 28, flag: 0x80 };
const endOfFile = new Set([3 /* STOP */, 4 /* ROTATE */]);
const beginsFile = new Set([15 /* FORMAT */, 35 /* PREVIOUS_GTIDS */, 34 /* gap */]);
const fillerBytes = 1024 * 1024;

/**
 * Makes one binlog file of several, with `hole` bytes behind the first of them: events that a reader passes over,
 * whose bodies are holes in the file, so that gigabytes cost neither disk nor time. The other files' events follow
 * behind it with the places that they have there, in 32 bits, as the server writes them. For a server that is shut down
 * and has checksums on; files behind these stay. Gives where what came from each of them ends.
 */
export function joinBinlogs(folder: string, files: readonly string[], hole: number): { ends: number[] } {
  const [first, ...rest] = files.map((file) => readFileSync(join(folder, file)));
  const path = join(folder, files[0]!);
  const kept = [...events(first!)].filter((event) => !endOfFile.has(event[4]!));
  let end = 4 + kept.reduce((sum, event) => sum + event.length, 0);
  const out = openSync(path, 'r+');
  ftruncateSync(out, end);
  const append = (event: Buffer, at: number) => {
    event.writeUInt32LE((at + event.length) % 2 ** 32, 13);
    event.writeUInt32LE(crc32(event.subarray(0, -checksumBytes)), event.length - checksumBytes);
    return event;
  };
  const filler = Buffer.alloc(fillerBytes);
  filler.writeUInt32LE(Math.floor(Date.now() / 1000), 0);
  filler[4] = ignorable.type;
  filler.writeUInt32LE(1, 5);
  filler.writeUInt32LE(filler.length, 9);
  filler.writeUInt16LE(ignorable.flag, 17);
  for (const until = end + hole; end < until; end += filler.length) {
    append(filler, end);
    writeSync(out, filler, 0, headerBytes, end);
    writeSync(out, filler, filler.length - checksumBytes, checksumBytes, end + filler.length - checksumBytes);
  }
  ftruncateSync(out, end);
  const ends = [end];
  for (const [i, file] of rest.entries()) {
    for (const event of events(file)) {
      const isLast = i === rest.length - 1;
      if (beginsFile.has(event[4]!) || (endOfFile.has(event[4]!) && !isLast)) continue;
      append(event, end);
      writeSync(out, event, 0, event.length, end);
      end += event.length;
    }
    ends.push(end);
  }
  closeSync(out);
  const index = join(folder, `${files[0]!.replace(/\.\d+$/, '')}.index`);
  const gone = files.slice(1);
  const lines = readFileSync(index, 'utf8').split('\n');
  writeFileSync(index, lines.filter((line) => !gone.some((file) => line.endsWith(file))).join('\n'));
  for (const file of gone) rmSync(join(folder, file));
  return { ends };
}

function* events(file: Buffer): Generator<Buffer> {
  for (let at = 4; at < file.length;) {
    const length = file.readUInt32LE(at + 9);
    yield Buffer.from(file.subarray(at, at + length));
    at += length;
  }
}
