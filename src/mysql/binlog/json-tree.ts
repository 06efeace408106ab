import { Reader, unreadable } from './format.js';

/**
 * MySQL's binary JSON as a tree that can be changed and written again (MySQL source documentation, json_binary.h).
 * Scalars keep their type byte and bytes, so that nothing is lost on the way: a double stays a double, a date
 * inside JSON a date.
 */
export type JsonNode = JsonObject | JsonArray | JsonScalar;

export interface JsonObject {
  readonly kind: 'object';
  readonly members: Map<string, JsonNode>;
}
export interface JsonArray {
  readonly kind: 'array';
  readonly items: JsonNode[];
}
export interface JsonScalar {
  readonly kind: 'scalar';
  readonly type: number;
  readonly bytes: Buffer;
}

const JsonType = {
  smallObject: 0,
  largeObject: 1,
  smallArray: 2,
  largeArray: 3,
  literal: 4,
  int16: 5,
  uint16: 6,
  int32: 7,
  uint32: 8,
  int64: 9,
  uint64: 10,
  double: 11,
  string: 12,
  opaque: 15,
} as const;

/** A whole value, its type byte first. Empty bytes are the JSON null that MySQL reads from them. */
export function parseJson(bytes: Buffer): JsonNode {
  if (bytes.length === 0) return { kind: 'scalar', type: JsonType.literal, bytes: Buffer.of(0) };
  return parseValue(bytes[0]!, bytes, 1);
}

function parseValue(type: number, bytes: Buffer, at: number): JsonNode {
  switch (type) {
    case JsonType.smallObject:
    case JsonType.largeObject:
      return parseObject(bytes, at, type === JsonType.largeObject);
    case JsonType.smallArray:
    case JsonType.largeArray:
      return parseArray(bytes, at, type === JsonType.largeArray);
    default:
      return { kind: 'scalar', type, bytes: Buffer.from(scalarBytes(type, bytes, at)) };
  }
}

function scalarBytes(type: number, bytes: Buffer, at: number): Buffer {
  const reader = new Reader(bytes, at, bytes.length);
  switch (type) {
    case JsonType.literal:
      return reader.slice(1);
    case JsonType.int16:
    case JsonType.uint16:
      return reader.slice(2);
    case JsonType.int32:
    case JsonType.uint32:
      return reader.slice(4);
    case JsonType.int64:
    case JsonType.uint64:
    case JsonType.double:
      return reader.slice(8);
    case JsonType.opaque:
    case JsonType.string: {
      // An opaque value is a string behind one byte that says its MySQL type.
      if (type === JsonType.opaque) reader.skip(1);
      const length = readVariableLength(reader);
      reader.skip(length);
      return bytes.subarray(at, reader.at);
    }
    default:
      throw unreadable(`a JSON value has the unknown type ${type}`);
  }
}

/** Seven bits a byte, the lowest first, the highest bit says that more follow. */
function readVariableLength(reader: Reader): number {
  let length = 0;
  for (let factor = 1; ; factor *= 128) {
    const byte = reader.uint(1);
    length += (byte & 0x7f) * factor;
    if (byte < 128) return length;
  }
}

const isInline = (type: number, large: boolean): boolean =>
  type === JsonType.literal ||
  type === JsonType.int16 ||
  type === JsonType.uint16 ||
  (large && (type === JsonType.int32 || type === JsonType.uint32));

function readEntry(bytes: Buffer, base: number, entry: number, large: boolean): JsonNode {
  const type = bytes[entry]!;
  if (isInline(type, large)) return parseValue(type, bytes, entry + 1);
  return parseValue(type, bytes, base + bytes.readUIntLE(entry + 1, large ? 4 : 2));
}

function parseObject(bytes: Buffer, base: number, large: boolean): JsonObject {
  const width = large ? 4 : 2;
  const count = bytes.readUIntLE(base, width);
  const keys = base + 2 * width;
  const values = keys + count * (width + 2);
  const members = new Map<string, JsonNode>();
  for (let i = 0; i < count; i++) {
    const key = keys + i * (width + 2);
    const start = base + bytes.readUIntLE(key, width);
    const name = bytes.toString('utf8', start, start + bytes.readUInt16LE(key + width));
    members.set(name, readEntry(bytes, base, values + i * (1 + width), large));
  }
  return { kind: 'object', members };
}

function parseArray(bytes: Buffer, base: number, large: boolean): JsonArray {
  const width = large ? 4 : 2;
  const count = bytes.readUIntLE(base, width);
  const items: JsonNode[] = [];
  for (let i = 0; i < count; i++) {
    items.push(readEntry(bytes, base, base + 2 * width + i * (1 + width), large));
  }
  return { kind: 'array', items };
}

/** The value in MySQL's binary form, objects and arrays always in the large format, which reads the same. */
export function writeJson(node: JsonNode): Buffer {
  const [type, body] = encode(node);
  return Buffer.concat([Buffer.of(type), body]);
}

function encode(node: JsonNode): [type: number, body: Buffer] {
  if (node.kind === 'scalar') return [node.type, node.bytes];
  if (node.kind === 'array') return [JsonType.largeArray, encodeContainer([], node.items)];
  // MySQL orders members by the length of their key, then by its bytes, and prints them in that order.
  const members = [...node.members].map(([name, value]) => ({ key: Buffer.from(name), value }));
  members.sort((a, b) => a.key.length - b.key.length || a.key.compare(b.key));
  return [
    JsonType.largeObject,
    encodeContainer(
      members.map((one) => one.key),
      members.map((one) => one.value),
    ),
  ];
}

function encodeContainer(keys: readonly Buffer[], values: readonly JsonNode[]): Buffer {
  const headBytes = 8 + keys.length * 6 + values.length * 5;
  const head = Buffer.alloc(headBytes);
  const parts: Buffer[] = [head];
  let end = headBytes;
  let at = 8;
  for (const key of keys) {
    head.writeUInt32LE(end, at);
    head.writeUInt16LE(key.length, at + 4);
    parts.push(key);
    end += key.length;
    at += 6;
  }
  for (const value of values) {
    const [type, body] = encode(value);
    head[at] = type;
    if (isInline(type, true)) body.copy(head, at + 1);
    else {
      head.writeUInt32LE(end, at + 1);
      parts.push(body);
      end += body.length;
    }
    at += 5;
  }
  head.writeUInt32LE(values.length, 0);
  head.writeUInt32LE(end, 4);
  return Buffer.concat(parts, end);
}
