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

/** A whole value, its type byte first. Empty bytes are the JSON null that MySQL reads from them. Throws ROW-S109. */
export function parseJson(bytes: Buffer): JsonNode {
  if (bytes.length === 0) return { kind: 'scalar', type: JsonType.literal, bytes: Buffer.of(0) };
  return new TreeReader(bytes).value(bytes[0]!, 1, 0);
}

/** MySQL stores no deeper documents. */
const deepest = 100;

class TreeReader {
  readonly #bytes: Buffer;
  /** No part is written twice: one whose parts refer to the same bytes again and again has more than it has bytes. */
  #left: number;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#left = bytes.length;
  }

  value(type: number, at: number, depth: number): JsonNode {
    if (depth > deepest + 1) throw malformed();
    this.#spend(1);
    switch (type) {
      case JsonType.smallObject:
      case JsonType.largeObject:
        return this.#object(at, type === JsonType.largeObject, depth);
      case JsonType.smallArray:
      case JsonType.largeArray:
        return this.#array(at, type === JsonType.largeArray, depth);
      default: {
        const scalar = scalarBytes(type, this.#bytes, at);
        this.#spend(isInline(type, true) ? 0 : scalar.length);
        return { kind: 'scalar', type, bytes: Buffer.from(scalar) };
      }
    }
  }

  #spend(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) throw malformed();
  }

  #uint(at: number, width: 2 | 4): number {
    return new Reader(this.#bytes, at, this.#bytes.length).uint(width);
  }

  #entry(base: number, entry: number, large: boolean, depth: number): JsonNode {
    const type = this.#bytes[entry]!;
    if (isInline(type, large)) return this.value(type, entry + 1, depth + 1);
    return this.value(type, base + this.#uint(entry + 1, large ? 4 : 2), depth + 1);
  }

  #object(base: number, large: boolean, depth: number): JsonObject {
    const width = large ? 4 : 2;
    const count = this.#uint(base, width);
    const keys = base + 2 * width;
    const values = keys + count * (width + 2);
    const members = new Map<string, JsonNode>();
    for (let i = 0; i < count; i++) {
      const key = keys + i * (width + 2);
      const length = this.#uint(key + width, 2);
      this.#spend(length);
      const name = new Reader(this.#bytes, base + this.#uint(key, width), this.#bytes.length).text(length);
      members.set(name, this.#entry(base, values + i * (1 + width), large, depth));
    }
    return { kind: 'object', members };
  }

  #array(base: number, large: boolean, depth: number): JsonArray {
    const width = large ? 4 : 2;
    const count = this.#uint(base, width);
    const items: JsonNode[] = [];
    for (let i = 0; i < count; i++)
      items.push(this.#entry(base, base + 2 * width + i * (1 + width), large, depth));
    return { kind: 'array', items };
  }
}

function malformed(): Error {
  return unreadable('a JSON value is damaged');
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
