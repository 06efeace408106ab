import type { WriteStream } from 'node:tty';
import { stripVTControlCharacters, styleText } from 'node:util';

/** Where a command writes: results to stdout, everything else to stderr. */
export interface Terminal {
  /** One line of the result. */
  print(line?: string): void;
  /** One line for the person at the terminal. */
  note(line: string): void;
  /** A block that is drawn over itself again and again; on something that is no terminal nothing is drawn. */
  draw(lines: readonly string[]): void;
  /** Leaves what was drawn last on the screen. */
  settle(): void;
  readonly interactive: boolean;
  readonly width: number;
  readonly height: number;
  readonly style: Style;
}

export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

const plain: Style = { bold: same, dim: same, red: same, green: same, yellow: same, cyan: same };
function same(text: string): string {
  return text;
}
// Whether there are colours is decided by wantsColour, for the stream that is written to. The types lack the options.
const style = styleText as (
  format: keyof Style,
  text: string,
  options: { validateStream: boolean },
) => string;
const painted = (format: keyof Style) => (text: string) => style(format, text, { validateStream: false });
const coloured: Style = {
  bold: painted('bold'),
  dim: painted('dim'),
  red: painted('red'),
  green: painted('green'),
  yellow: painted('yellow'),
  cyan: painted('cyan'),
};

/** NO_COLOR (no-color.org) and TERM=dumb are respected; FORCE_COLOR colours pipes too. */
function wantsColour(stream: WriteStream, environment: NodeJS.ProcessEnv): boolean {
  if (environment['NO_COLOR']) return false;
  if (environment['FORCE_COLOR'] && environment['FORCE_COLOR'] !== '0') return true;
  return stream.isTTY === true && environment['TERM'] !== 'dumb';
}

export function openTerminal(
  out: WriteStream = process.stdout,
  err: WriteStream = process.stderr,
  environment: NodeJS.ProcessEnv = process.env,
): Terminal {
  const interactive = out.isTTY === true && environment['TERM'] !== 'dumb';
  const style = wantsColour(out, environment) ? coloured : plain;
  let drawn: string[] = [];
  const width = () => Math.max(20, out.columns ?? 100);

  // Everything in one write, lines cleared one by one only behind their text: nothing flickers.
  const frame = (lines: readonly string[]) => {
    const up = drawn.length > 0 ? `\u001b[${drawn.length}A\r` : '';
    const body = lines.map((line) => `${clip(harmless(line), width() - 1)}\u001b[K\n`).join('');
    out.write(`${up}${body}\u001b[J`);
    drawn = [...lines];
  };
  const above = (write: () => void) => {
    if (drawn.length === 0) return write();
    const again = drawn;
    out.write(`\u001b[${drawn.length}A\r\u001b[J`);
    drawn = [];
    write();
    frame(again);
  };

  return {
    interactive,
    style,
    get width() {
      return width();
    },
    get height() {
      return Math.max(5, out.rows ?? 24);
    },
    print: (line = '') => above(() => void out.write(`${harmless(line)}\n`)),
    note: (line) => above(() => void err.write(`${harmless(line)}\n`)),
    draw: (lines) => {
      if (interactive) frame(lines);
    },
    settle: () => {
      drawn = [];
    },
  };
}

/** What steers a terminal, or turns the direction of what follows; colours are our own. */
const steering = /[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]|\x1b(?!\[[0-9;]*m)/g;

/** Names and messages come from servers. As JSON writes them, so that a line of JSON stays what it is. */
function harmless(line: string): string {
  return line.replace(steering, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Columns that a text takes: escape sequences take none, wide East Asian letters and emoji take two. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const { segment } of new Intl.Segmenter().segment(stripVTControlCharacters(text))) {
    width +=
      /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u.test(
        segment,
      )
        ? 2
        : 1;
  }
  return width;
}

/** The text cut to a width in columns, with an ellipsis; colours are ended. */
export function clip(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let result = '';
  let used = 0;
  for (const part of text.split(/(\u001b\[[0-9;]*m)/)) {
    if (part.startsWith('\u001b')) {
      result += part;
      continue;
    }
    for (const { segment } of new Intl.Segmenter().segment(part)) {
      const next = displayWidth(segment);
      if (used + next > width - 1) return `${result}…${text.includes('\u001b') ? '\u001b[0m' : ''}`;
      result += segment;
      used += next;
    }
  }
  return result;
}

export function pad(text: string, width: number, side: 'left' | 'right' = 'right'): string {
  const room = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return side === 'right' ? text + room : room + text;
}

/** Columns aligned; `right` holds the indices of columns that are figures. The last column is not padded. */
export function columns(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, displayWidth(cell))));
  return rows.map((row) =>
    row
      .map((cell, i) =>
        right.includes(i)
          ? pad(cell, widths[i]!, 'left')
          : i === row.length - 1
            ? cell
            : pad(cell, widths[i]!),
      )
      .join('  '),
  );
}

/** Breaks text into lines of at most `width` columns: at spaces, and in Chinese between any two characters. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const piece of text.match(hanPattern.test(text) ? hanPieces : spacedPieces) ?? []) {
    if (line !== '' && displayWidth(line) + displayWidth(piece) > width) {
      lines.push(line);
      line = piece.trimStart();
    } else line = line === '' ? piece.trimStart() : line + piece;
  }
  if (line !== '') lines.push(line);
  return lines;
}

const spacedPieces = / ?[^ ]*/g;
const hanPattern = /\p{Script=Han}/u;
/** What opens stays with what follows, what closes with what is before. */
const hanPieces =
  / ?[（“《]*(?:\p{Script=Han}|[^ \p{Script=Han}（“《，。、；：？！）”》]+)?[，。、；：？！）”》]*/gu;
