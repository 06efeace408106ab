import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { expect, test } from 'vitest';
import { signedText } from '../../../src/trial-mysql/signed-text.js';

/** Only what a known key has signed comes out. That Debian's own signature is read is shown where it is downloaded. */

const pair = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
const mine = pair();

/** A signature packet (RFC 9580 §5.2.3) over the text as it is signed in the clear. */
function packet(text: string, by: KeyObject, hash: 'sha256' | 'sha1' = 'sha256', newFormat = false): Buffer {
  const fields = Buffer.from([4, 1, 1, hash === 'sha256' ? 8 : 2, 0, 0]);
  const trailer = Buffer.concat([fields, Buffer.from([4, 0xff, 0, 0, 0, fields.length])]);
  const value = sign(hash, Buffer.concat([Buffer.from(text.replaceAll('\n', '\r\n')), trailer]), by);
  const bits = Buffer.alloc(2);
  // A number has no leading zeros.
  const number = value.subarray(value.findIndex((byte) => byte !== 0));
  bits.writeUInt16BE(number.length * 8 - Math.clz32(number[0]!) + 24);
  const body = Buffer.concat([fields, Buffer.from([0, 0, 0, 0]), bits, number]);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(newFormat ? body.length - 192 + (192 << 8) : body.length);
  return Buffer.concat([Buffer.from([newFormat ? 0xc2 : 0x89]), length, body]);
}

const armored = (text: string, ...packets: Buffer[]) =>
  `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n${text}\n-----BEGIN PGP SIGNATURE-----\n\n${Buffer.concat(packets).toString('base64')}\n=abcd\n-----END PGP SIGNATURE-----\n`;

const text = 'Origin: Debian\nSuite: unstable';

test('a text that a known key has signed comes out, whichever of several signatures it is', () => {
  const other = packet(text, pair().privateKey);
  expect(signedText(armored(text, packet(text, mine.privateKey)), [mine.publicKey])).toBe(text);
  expect(signedText(armored(text, packet(text, mine.privateKey, 'sha256', true)), [mine.publicKey])).toBe(
    text,
  );
  expect(signedText(armored(text, other, packet(text, mine.privateKey)), [mine.publicKey])).toBe(text);
});

test('spaces at the ends of lines, dashes before a dash and line ends do not count', () => {
  const signed = 'a\n-----b';
  const document = armored('a  \n- -----b', packet(signed, mine.privateKey));
  expect(signedText(document, [mine.publicKey])).toBe(signed);
  expect(signedText(document.replaceAll('\n', '\r\n'), [mine.publicKey])).toBe(signed);
});

test('nothing comes out of a text that was changed, is not signed, or is signed by others', () => {
  const good = packet(text, mine.privateKey);
  const keys = [mine.publicKey];
  expect(signedText(armored(text.replace('unstable', 'stable'), good), keys)).toBeUndefined();
  expect(signedText(armored(text, packet(text, pair().privateKey)), keys)).toBeUndefined();
  expect(signedText(armored(text, good)), 'Debian has not signed this').toBeUndefined();
  expect(signedText(armored(text), keys)).toBeUndefined();
  expect(signedText(text, keys)).toBeUndefined();
  expect(signedText('', keys)).toBeUndefined();
});

test('a weak hash is no signature', () => {
  expect(signedText(armored(text, packet(text, mine.privateKey, 'sha1')), [mine.publicKey])).toBeUndefined();
});

test('what stands before or after the signed part is not part of it', () => {
  const document = armored(text, packet(text, mine.privateKey));
  expect(signedText(`Suite: mine\n${document}`, [mine.publicKey])).toBeUndefined();
  expect(signedText(`${document}Suite: mine\n`, [mine.publicKey])).toBe(text);
});

test('a signature that is cut off anywhere is none', () => {
  const whole = packet(text, mine.privateKey);
  for (let length = 0; length < whole.length; length++)
    expect(signedText(armored(text, whole.subarray(0, length)), [mine.publicKey])).toBeUndefined();
});
