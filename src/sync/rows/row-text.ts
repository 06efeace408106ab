import { NULL_VALUE, OVERSIZE_VALUE, type Column, type RowImage } from '../../mysql/model.js';
import { compileDecoder, type CharsetDecoders, type Decode } from '../../mysql/types/index.js';
import { ValueSink } from '../mapping/cell-value.js';
import { textOf, textType } from '../mapping/encoder.js';

/** Rows of a table as people read them, whole: values as text, binary as 0x…, null for NULL. */
export class RowText {
  private readonly sink = new ValueSink();
  private readonly decoders: readonly Decode[];

  /** `columns`: what a row image begins with, in order, in text format. */
  constructor(columns: readonly Column[], charsets: CharsetDecoders) {
    this.decoders = columns.map((column) =>
      compileDecoder(column, 'text', { type: textType(column) }, { charsets }),
    );
  }

  /** A value that cannot be shown has a note in its place. */
  of(image: RowImage): (string | null)[] {
    return this.decoders.map((decode, i) => {
      const start = image.starts[i]!;
      if (start === NULL_VALUE) return null;
      if (start === OVERSIZE_VALUE) return '(longer than 16 MB)';
      try {
        decode(image.bytes, start, image.ends[i]!, this.sink);
        return textOf(this.sink.take()!);
      } catch {
        return '(not readable)';
      }
    });
  }
}
