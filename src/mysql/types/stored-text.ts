/**
 * The way back from Unicode to a column's stored bytes. It is not unique: cp932 has 396 characters with more than one
 * code, and every code that a charset gives no character is a question mark. So a text has several forms.
 */
export interface StoredForms {
  /** Bytes that the charset shows as the text. */
  readonly forms: readonly Buffer[];
  /** false: there may be further ones; MySQL has to convert the column to find them. */
  readonly isComplete: boolean;
}

/** Codes of a charset by the character that each stands for. */
export interface CodeTable {
  readonly codes: ReadonlyMap<string, readonly Buffer[]>;
  /** Some codes are no character, and are shown as a question mark. */
  readonly hasUnknown: boolean;
  /** The code of a character that follows a formula. */
  readonly beyond?: (codePoint: number) => Buffer | null;
}

/** More forms than these are not tried one by one. */
const mostForms = 16;
const unknown = '?';

/** Turns the table that decodes around. `codes`: number of the code, its bytes and its text. */
export function codeTable(
  codes: Iterable<readonly [bytes: readonly number[], text: string]>,
): Pick<CodeTable, 'codes' | 'hasUnknown'> {
  const byText = new Map<string, Buffer[]>();
  let hasUnknown = false;
  for (const [bytes, text] of codes) {
    if (text === unknown && !(bytes.length === 1 && bytes[0] === unknown.charCodeAt(0))) {
      hasUnknown = true;
      continue;
    }
    const known = byText.get(text);
    if (known) known.push(Buffer.from(bytes));
    else byText.set(text, [Buffer.from(bytes)]);
  }
  return { codes: byText, hasUnknown };
}

/** By a charset that has a table. */
export function formsByTable(table: CodeTable, text: string): StoredForms {
  let forms: Buffer[][] = [[]];
  let isComplete = !(table.hasUnknown && text.includes(unknown));
  for (const character of text) {
    const formula = table.beyond?.(character.codePointAt(0)!);
    const codes = table.codes.get(character) ?? (formula ? [formula] : []);
    if (codes.length === 0) return { forms: [], isComplete };
    if (forms.length * codes.length > mostForms) {
      isComplete = false;
      forms = forms.map((form) => [...form, codes[0]!]);
    } else forms = forms.flatMap((form) => codes.map((code) => [...form, code]));
  }
  return { forms: forms.map((form) => Buffer.concat(form)), isComplete };
}

/** By a charset that is Unicode in some form; none where the text has a character that it does not hold. */
export function formsOfUnicode(charset: string, text: string): StoredForms {
  const bytes = unicodeBytes(charset, text);
  return { forms: bytes === null ? [] : [bytes], isComplete: true };
}

function unicodeBytes(charset: string, text: string): Buffer | null {
  const isBasic = Buffer.byteLength(text, 'utf16le') === [...text].length * 2;
  switch (charset) {
    case 'ascii':
      return /^[\0-\x7f]*$/.test(text) ? Buffer.from(text, 'latin1') : null;
    case 'utf8':
    case 'utf8mb3':
      return isBasic ? Buffer.from(text, 'utf8') : null;
    case 'ucs2':
      return isBasic ? Buffer.from(text, 'utf16le').swap16() : null;
    case 'utf16':
      return Buffer.from(text, 'utf16le').swap16();
    case 'utf16le':
      return Buffer.from(text, 'utf16le');
    case 'utf32': {
      const points = [...text].map((character) => character.codePointAt(0)!);
      const bytes = Buffer.alloc(points.length * 4);
      points.forEach((point, i) => bytes.writeUInt32BE(point, i * 4));
      return bytes;
    }
    default:
      return Buffer.from(text, 'utf8');
  }
}
