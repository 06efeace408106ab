import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { debianKeys } from './debian-keys.js';

/**
 * Reads a text that is signed in the clear, as Debian's InRelease is (RFC 9580 §7), without a program that may not be
 * there. Only what Debian uses is understood: signatures of version 4, RSA with SHA-256 or SHA-512. All else counts as
 * no signature.
 */

const hashes: Record<number, string> = { 8: 'sha256', 10: 'sha512' };
/** Of a signature over bytes, and over text, which are the same here: lines end in CR LF. */
const signatureTypes = [0, 1];

const known = (): KeyObject[] =>
  debianKeys.map(({ modulus }) =>
    createPublicKey({ format: 'jwk', key: { kty: 'RSA', n: modulus, e: 'AQAB' } }),
  );

/** The text that one of `keys` has signed, and nothing beside it; undefined when none has. */
export function signedText(document: string, keys: readonly KeyObject[] = known()): string | undefined {
  const parts =
    /^-----BEGIN PGP SIGNED MESSAGE-----\r?\n(?:\w+: .*\r?\n)*\r?\n([^]*?)\r?\n-----BEGIN PGP SIGNATURE-----\r?\n(?:\w+: .*\r?\n)*\r?\n([A-Za-z0-9+/=\s]*?)(?:\r?\n=[A-Za-z0-9+/]{4})?\r?\n-----END PGP SIGNATURE-----/.exec(
      document,
    );
  if (!parts) return undefined;
  const [, body = '', armor = ''] = parts;
  const lines = body.split(/\r?\n/).map((line) => line.replace(/^- /, '').replace(/[ \t]+$/, ''));
  const signed = Buffer.from(lines.join('\r\n'));
  const good = signatures(Buffer.from(armor, 'base64')).some(({ hash, trailer, value }) =>
    keys.some((key) => verify(hash, Buffer.concat([signed, trailer]), key, padded(value, key))),
  );
  return good ? lines.join('\n') : undefined;
}

/** RSA wants as many bytes as the key has; OpenPGP leaves leading zeros out. */
function padded(value: Buffer, key: KeyObject): Buffer {
  const length = (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8;
  return Buffer.concat([Buffer.alloc(Math.max(0, length - value.length)), value]);
}

interface Signature {
  hash: string;
  /** What is hashed after the text: the signature's own fields, and their length. */
  trailer: Buffer;
  value: Buffer;
}

function signatures(packets: Buffer): Signature[] {
  const found: Signature[] = [];
  try {
    for (let at = 0; at < packets.length;) {
      const { tag, from, to } = packet(packets, at);
      const one = tag === 2 ? signature(packets.subarray(from, to)) : undefined;
      if (one) found.push(one);
      at = to;
    }
  } catch (error) {
    // Cut off in the middle: those before count.
    if (!(error instanceof RangeError)) throw error;
  }
  return found;
}

/** Kind and place of the packet that begins at `at`. Throws RangeError at the end of the bytes. */
function packet(bytes: Buffer, at: number): { tag: number; from: number; to: number } {
  const head = bytes.readUInt8(at);
  const end = (from: number, length: number) => {
    if (from + length > bytes.length) throw new RangeError('a packet is cut off');
    return { from, to: from + length };
  };
  if ((head & 0x40) === 0) {
    const tag = (head >> 2) & 15;
    const width = 2 ** (head & 3);
    if (width > 4) throw new RangeError('a packet has no length');
    return { tag, ...end(at + 1 + width, bytes.readUIntBE(at + 1, width)) };
  }
  const tag = head & 63;
  const first = bytes.readUInt8(at + 1);
  if (first < 192) return { tag, ...end(at + 2, first) };
  if (first < 224) return { tag, ...end(at + 3, ((first - 192) << 8) + bytes.readUInt8(at + 2) + 192) };
  if (first === 255) return { tag, ...end(at + 6, bytes.readUInt32BE(at + 2)) };
  throw new RangeError('a packet comes in pieces');
}

function signature(body: Buffer): Signature | undefined {
  const [version, type, algorithm, hashNumber] = body;
  const hash = hashes[hashNumber ?? 0];
  if (version !== 4 || algorithm !== 1 || !hash || !signatureTypes.includes(type ?? -1)) return undefined;
  const fields = 6 + body.readUInt16BE(4);
  const count = Buffer.alloc(4);
  count.writeUInt32BE(fields);
  const trailer = Buffer.concat([body.subarray(0, fields), Buffer.from([4, 0xff]), count]);
  // After the fields that are not signed come two bytes of the hash, and the number.
  const number = fields + 2 + body.readUInt16BE(fields) + 2;
  const value = body.subarray(number + 2, number + 2 + Math.ceil(body.readUInt16BE(number) / 8));
  return { hash, trailer, value };
}
