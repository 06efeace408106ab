/**
 * PlainBuffer rows from plain objects, written after the description of the format and independently of the
 * encoders of the product, so that tests do not prove a mistake by itself. Slow and simple.
 */
export type Value = bigint | number | boolean | string | Buffer;
export type KeyPart = bigint | string | Buffer | 'INF_MIN' | 'INF_MAX' | 'AUTO_INCREMENT' | { text: string };

export interface CellInput {
  name: string;
  value?: Value;
  timestamp?: bigint;
  /** 1 delete all versions, 3 delete one version, 4 increment. */
  op?: number;
}

export interface RowInput {
  /** Plain strings are INF_MIN, INF_MAX, AUTO_INCREMENT or text; { text } is always text. */
  primaryKey: readonly (readonly [string, KeyPart])[];
  cells?: readonly CellInput[];
  deleteMarker?: boolean;
}

export function encodeRow(row: RowInput): Buffer {
  return Buffer.concat([le32(0x75), encodeRowBody(row)]);
}

function encodeRowBody({ primaryKey, cells = [], deleteMarker = false }: RowInput): Buffer {
  const parts: Buffer[] = [Buffer.from([0x01])];
  const checksums: number[] = [];
  const add = (cell: [Buffer, number]): void => {
    parts.push(cell[0]);
    checksums.push(cell[1]);
  };
  for (const [name, part] of primaryKey) add(encodeCell(name, variantOfKey(part)));
  if (cells.length > 0) parts.push(Buffer.from([0x02]));
  for (const { name, value, timestamp, op } of cells) {
    add(encodeCell(name, value === undefined ? undefined : variantOf(value), timestamp, op));
  }
  if (deleteMarker) parts.push(Buffer.from([0x08]));
  parts.push(Buffer.from([0x09, crc([...checksums, deleteMarker ? 1 : 0])]));
  return Buffer.concat(parts);
}

/** The type byte and the payload, with its length in front for text and bytes: as filters carry a value. */
export function variantOf(value: Value): Buffer {
  switch (typeof value) {
    case 'bigint':
      return Buffer.concat([Buffer.from([0]), le64(value)]);
    case 'number': {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleLE(value);
      return Buffer.concat([Buffer.from([1]), bytes]);
    }
    case 'boolean':
      return Buffer.from([2, value ? 1 : 0]);
    case 'string':
      return Buffer.concat([Buffer.from([3]), le32(Buffer.byteLength(value)), Buffer.from(value)]);
    default:
      return Buffer.concat([Buffer.from([7]), le32(value.length), value]);
  }
}

function variantOfKey(part: KeyPart): Buffer {
  if (part === 'INF_MIN') return Buffer.from([9]);
  if (part === 'INF_MAX') return Buffer.from([10]);
  if (part === 'AUTO_INCREMENT') return Buffer.from([11]);
  return variantOf(typeof part === 'object' && 'text' in part ? part.text : part);
}

function encodeCell(name: string, variant?: Buffer, timestamp?: bigint, op?: number): [Buffer, number] {
  const nameBytes = Buffer.from(name);
  const parts = [Buffer.from([0x03, 0x04]), le32(nameBytes.length), nameBytes];
  if (variant) parts.push(Buffer.from([0x05]), le32(variant.length), variant);
  if (op !== undefined) parts.push(Buffer.from([0x06, op]));
  if (timestamp !== undefined) parts.push(Buffer.from([0x07]), le64(timestamp));
  const checksum = crc([
    ...nameBytes,
    ...(variant ?? []),
    ...(timestamp === undefined ? [] : le64(timestamp)),
    ...(op === undefined ? [] : [op]),
  ]);
  parts.push(Buffer.from([0x0a, checksum]));
  return [Buffer.concat(parts), checksum];
}

function crc(bytes: readonly number[]): number {
  return bytes.reduce((value, byte) => {
    let next = value ^ byte;
    for (let bit = 0; bit < 8; bit++) next = next & 0x80 ? ((next << 1) ^ 0x07) & 0xff : next << 1;
    return next;
  }, 0);
}

function le32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function le64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
}
