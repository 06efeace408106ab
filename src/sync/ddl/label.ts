import { unknownCharacter } from '../../mysql/statement.js';
import type { StatementContext } from '../../mysql/model.js';
import { isCopied } from '../../mysql/types/index.js';
import { UnreadableDdl, type LabelCharsets } from './cursor.js';

/**
 * The label of an ENUM or SET as a column of `charset` holds it. The server converts it from the client's charset to
 * the connection's and from there to the column's; where one of them lacks a character it puts a question mark, or
 * takes bytes as they are. Such a label is not guessed. Throws UnreadableDdl, CharsetNotLoaded.
 */
export function storedLabel(
  label: string,
  charset: string,
  { clientCollation, connectionCollation }: StatementContext,
  charsets: LabelCharsets,
): string {
  if (/^[\x20-\x7e]*$/.test(label) && charset !== 'swe7') return label;
  const client = charsets.charsetOf(clientCollation);
  const connection = charsets.charsetOf(connectionCollation);
  // Without a charset the bytes go from one to the next as they are.
  const isBytes = [client, connection, charset].includes('binary');
  const isUtf8 = [client, connection, charset].every((one) => one === undefined || isCopied(one));
  const isHeld = isBytes
    ? isUtf8 && charset !== 'binary'
    : [connection, charset].every((one) => one === undefined || charsets.stored(one, label).forms.length > 0);
  if (!isHeld || label.includes(unknownCharacter))
    throw new UnreadableDdl(`the conversion of the label ${JSON.stringify(label)} cannot be replicated`);
  return label;
}
