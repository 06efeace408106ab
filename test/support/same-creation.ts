import { readFileSync, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';

const firstEvent = 4;
const checksumBytes = 4;

/** When a binlog file was made, in seconds, as its first event says. */
export function creationOf(file: string): number {
  return readFileSync(file).readUInt32LE(firstEvent);
}

/** As if the file had been made at that moment. For a server that is shut down. */
export function setCreation(file: string, seconds: number): void {
  const bytes = readFileSync(file);
  const end = firstEvent + bytes.readUInt32LE(firstEvent + 9);
  bytes.writeUInt32LE(seconds, firstEvent);
  bytes.writeUInt32LE(crc32(bytes.subarray(firstEvent, end - checksumBytes)), end - checksumBytes);
  writeFileSync(file, bytes);
}
