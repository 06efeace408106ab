import {
  ABSENT_VALUE,
  CHANGED_VALUE,
  NULL_VALUE,
  OVERSIZE_VALUE,
  maximumValueBytes,
  type BinlogHandler,
  type RowImage,
} from '../model.js';
import { EventType, headerBytes, unreadable } from './format.js';
import { countBits, newImage, prefixedLength, takeUnchanged, type RowSplitter } from './row-splitter.js';
import {
  assertAdvance,
  hasExtraData,
  hasPartialJson,
  jsonColumnCount,
  partialColumns,
  presentColumns,
  rowKind,
  type TableMaps,
} from './rows.js';

/** Values up to this length are kept however big their row is: a key must survive to name the row. */
const alwaysKeptBytes = 4096;

/** Ask for so many bytes as a copy; negative: so many are passed over. */
type Demand = number;

/**
 * A row event too long to hold. Its rows are taken value by value; once a row has kept 16 MB, its further long
 * values are passed over and stand as OVERSIZE_VALUE in the image that the handler gets.
 */
export class RowsInPieces {
  readonly #maps: TableMaps;
  readonly #handler: BinlogHandler;
  readonly #checksum: number;
  readonly #parser: Generator<Demand, void, Buffer>;
  #demand: Demand;
  #got: Buffer[] = [];
  #gotBytes = 0;
  /** Bytes of the event that are not consumed yet, checksum excluded. */
  #left = -1;
  #type = 0;
  #delivered = false;
  #ended = false;

  constructor(maps: TableMaps, handler: BinlogHandler, checksum: number) {
    this.#maps = maps;
    this.#handler = handler;
    this.#checksum = checksum;
    this.#parser = this.#parse();
    this.#demand = headerBytes;
    this.#next(this.#parser.next());
  }

  take(bytes: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end && !this.#ended) {
      const wanted = Math.abs(this.#demand) - this.#gotBytes;
      const count = Math.min(wanted, end - at);
      if (this.#demand > 0) this.#got.push(Buffer.from(bytes.subarray(at, at + count)));
      this.#gotBytes += count;
      if (this.#left > 0) this.#left -= count;
      at += count;
      if (count === wanted) this.#answer();
    }
  }

  /** The event's last piece is in. Were there rows of a wanted table? */
  finish(): boolean {
    if (!this.#ended) throw unreadable('a long row event ends inside a row');
    return this.#delivered;
  }

  /** Answers demands until one needs bytes that are not here. */
  #answer(): void {
    do {
      const answer = this.#got.length === 1 ? this.#got[0]! : Buffer.concat(this.#got);
      this.#got = [];
      this.#gotBytes = 0;
      this.#next(this.#parser.next(answer));
    } while (!this.#ended && this.#demand === 0);
  }

  #next(result: IteratorResult<Demand, void>): void {
    if (result.done === true) this.#ended = true;
    else this.#demand = result.value;
  }

  *#parse(): Generator<Demand, void, Buffer> {
    const header = yield headerBytes;
    this.#type = header[4]!;
    this.#left = header.readUInt32LE(9) - headerBytes - this.#checksum;
    const ids = yield 8;
    const { wanted, splitter } = this.#maps.get(ids.readUIntLE(0, 6));
    if (!wanted || splitter === null) {
      yield -this.#left;
      return;
    }
    if (hasExtraData(this.#type)) {
      const length = (yield 2).readUInt16LE(0) - 2;
      if (length > 0) yield -length;
    }
    const columns = yield* this.#packed();
    if (columns !== splitter.table.columnCount)
      throw unreadable('a long row event and its table have different column counts');
    const kind = rowKind(this.#type);
    const bitmapBytes = (columns + 7) >> 3;
    const present = presentColumns(yield bitmapBytes, columns);
    const presentAfter = kind === 'update' ? presentColumns(yield bitmapBytes, columns) : present;
    const before = newImage(columns);
    const after = newImage(columns);
    while (this.#left > 0) {
      const left = this.#left;
      if (kind !== 'insert') yield* this.#image(splitter, before, present, false);
      if (kind !== 'delete') yield* this.#image(splitter, after, presentAfter, true);
      assertAdvance(this.#left, left);
      if (kind === 'update' && presentAfter !== null) takeUnchanged(before, after);
      this.#delivered = true;
      this.#handler.row(
        splitter.table,
        kind,
        kind === 'insert' ? null : before,
        kind === 'delete' ? null : after,
      );
    }
  }

  *#packed(): Generator<Demand, number, Buffer> {
    const first = (yield 1)[0]!;
    if (first < 251) return first;
    const width = first === 252 ? 2 : first === 253 ? 3 : 6;
    const value = (yield width).readUIntLE(0, width);
    if (first === 254) yield -2;
    return value;
  }

  *#image(
    splitter: RowSplitter,
    image: RowImage,
    present: Uint8Array | null,
    isAfter: boolean,
  ): Generator<Demand, void, Buffer> {
    const { table, widths } = splitter;
    let partial: number[] = [];
    if (isAfter && this.#type === EventType.partialUpdateRows && hasPartialJson(yield* this.#packed())) {
      partial = partialColumns(table, yield (jsonColumnCount(table) + 7) >> 3);
    }
    const count = present === null ? widths.length : countBits(present, widths.length);
    const nulls = yield (count + 7) >> 3;
    const parts: Buffer[] = [];
    let size = 0;
    let bit = 0;
    for (let i = 0; i < widths.length; i++) {
      if (present !== null && (present[i >> 3]! & (1 << (i & 7))) === 0) {
        image.starts[i] = ABSENT_VALUE;
        continue;
      }
      const isNull = nulls[bit >> 3]! & (1 << (bit & 7));
      bit++;
      if (isNull) {
        image.starts[i] = NULL_VALUE;
        continue;
      }
      const width = widths[i]!;
      const length = width >= 0 ? width : prefixedLength(yield -width, 0, -width);
      if (partial.includes(i)) {
        if (length > 0) yield -length;
        image.starts[i] = length === 0 ? ABSENT_VALUE : CHANGED_VALUE;
      } else if (length > alwaysKeptBytes && size + length > maximumValueBytes) {
        yield -length;
        image.starts[i] = OVERSIZE_VALUE;
      } else {
        if (length > 0) parts.push(yield length);
        image.starts[i] = size;
        size += length;
        image.ends[i] = size;
      }
    }
    image.bytes = Buffer.concat(parts, size);
  }
}
