import { ProtobufReader, ProtobufWriter, WireFormatError } from './protobuf.js';

/**
 * Protobuf messages described as tables of fields, and the codec that runs on the tables. Decoding rejects
 * malformed bytes and missing required fields with WireFormatError, and skips fields it does not know.
 * A repeated field that is absent decodes to []; an optional one is left out.
 */
type ScalarKind = 'int32' | 'int64' | 'sint64' | 'bool' | 'string' | 'bytes';

interface ScalarTypes {
  int32: number;
  int64: bigint;
  sint64: bigint;
  bool: boolean;
  string: string;
  bytes: Buffer;
}

type Kind = ScalarKind | MessageType<FieldMap>;
type Rule = 'required' | 'optional' | 'repeated';

interface Field<K extends Kind = Kind, R extends Rule = Rule> {
  readonly number: number;
  readonly kind: K;
  readonly rule: R;
}

type FieldMap = { readonly [name: string]: Field };

type KindValue<K> = K extends ScalarKind
  ? ScalarTypes[K]
  : K extends MessageType<infer F>
    ? Fields<F>
    : never;

type Fields<F extends FieldMap> = {
  [N in keyof F as F[N]['rule'] extends 'required' ? N : never]: KindValue<F[N]['kind']>;
} & {
  [N in keyof F as F[N]['rule'] extends 'repeated' ? N : never]: KindValue<F[N]['kind']>[];
} & {
  [N in keyof F as F[N]['rule'] extends 'optional' ? N : never]?: KindValue<F[N]['kind']>;
};

/** The object that a message decodes to. */
export type Message<T> = T extends MessageType<infer F> ? Fields<F> : never;

export function required<K extends Kind>(number: number, kind: K): Field<K, 'required'> {
  return { number, kind, rule: 'required' };
}

export function optional<K extends Kind>(number: number, kind: K): Field<K, 'optional'> {
  return { number, kind, rule: 'optional' };
}

export function repeated<K extends Kind>(number: number, kind: K): Field<K, 'repeated'> {
  return { number, kind, rule: 'repeated' };
}

/** Messages nest at most this deep, whatever the bytes claim. */
const MAX_DEPTH = 32;

export class MessageType<F extends FieldMap> {
  private readonly names: string[];
  private readonly byNumber: (string | undefined)[] = [];

  constructor(readonly fields: F) {
    this.names = Object.keys(fields);
    for (const name of this.names) this.byNumber[fields[name]!.number] = name;
  }

  decode(bytes: Buffer): Fields<F> {
    return this.read(new ProtobufReader(bytes), 0);
  }

  encode(message: Fields<F>): Buffer {
    const writer = new ProtobufWriter();
    this.write(writer, message);
    return writer.finish();
  }

  /** Writes the fields of `message` without a length in front. */
  write(writer: ProtobufWriter, message: Fields<F>): void {
    const values = message as Record<string, unknown>;
    for (const name of this.names) {
      const field = this.fields[name]!;
      const value = values[name];
      if (value === undefined) continue;
      if (field.rule === 'repeated') {
        for (const item of value as unknown[]) writeValue(writer, field, item);
      } else {
        writeValue(writer, field, value);
      }
    }
  }

  private read(reader: ProtobufReader, depth: number): Fields<F> {
    if (depth > MAX_DEPTH) throw new WireFormatError('messages nest too deep');
    const message: Record<string, unknown> = {};
    for (const name of this.names) if (this.fields[name]!.rule === 'repeated') message[name] = [];
    while (reader.next()) {
      const name = this.byNumber[reader.field];
      if (name === undefined) {
        reader.skip();
        continue;
      }
      const field = this.fields[name]!;
      const { kind } = field;
      const value =
        typeof kind === 'string' ? readScalar(reader, kind) : kind.read(reader.message(), depth + 1);
      if (field.rule === 'repeated') (message[name] as unknown[]).push(value);
      else message[name] = value;
    }
    for (const name of this.names) {
      if (this.fields[name]!.rule === 'required' && message[name] === undefined) {
        throw new WireFormatError(`required field ${name} is missing`);
      }
    }
    return message as Fields<F>;
  }
}

function readScalar(reader: ProtobufReader, kind: ScalarKind): unknown {
  switch (kind) {
    case 'int32':
      return reader.int32();
    case 'int64':
      return reader.int64();
    case 'sint64': {
      const zigzag = BigInt.asUintN(64, reader.int64());
      return (zigzag >> 1n) ^ -(zigzag & 1n);
    }
    case 'bool':
      return reader.bool();
    case 'string':
      return reader.string();
    case 'bytes':
      return reader.block();
  }
}

function writeValue(writer: ProtobufWriter, field: Field, value: unknown): void {
  const { kind, number } = field;
  if (typeof kind !== 'string') {
    writer.message(number, () => kind.write(writer, value as never));
    return;
  }
  switch (kind) {
    case 'int32':
    case 'int64':
      return writer.integer(number, value as number | bigint);
    case 'sint64': {
      const signed = value as bigint;
      return writer.integer(number, (signed << 1n) ^ (signed >> 63n));
    }
    case 'bool':
      return writer.bool(number, value as boolean);
    case 'string':
      return writer.string(number, value as string);
    case 'bytes':
      return writer.block(number, value as Buffer);
  }
}
