import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import {
  contentMd5,
  requestStringToSign,
  sameSignature,
  signingKeyV4,
  signRequest,
  signRequestV4,
  signResponse,
} from '../../../../src/tablestore/wire/signature.js';

const headers: [string, string][] = [
  ['Content-Type', 'application/x-www-form-urlencoded'],
  ['x-ots-signature', 'never signed'],
  ['X-Ots-Instancename', 'local '],
  ['x-ots-date', '2024-05-06T07:08:09.123Z'],
  ['x-ots-date-extra', 'sorts behind x-ots-date, although ":" is greater than "-"'],
  ['x-ots-accesskeyid', 'ak'],
];

it('signs every x-ots header, sorted by its name in lower case', () => {
  expect(requestStringToSign('/PutRow', headers)).toBe(
    '/PutRow\nPOST\n\n' +
      'x-ots-accesskeyid:ak\n' +
      'x-ots-date:2024-05-06T07:08:09.123Z\n' +
      'x-ots-date-extra:sorts behind x-ots-date, although ":" is greater than "-"\n' +
      'x-ots-instancename:local\n',
  );
});

it('signs requests as the official SDK does', () => {
  interface Signer {
    addAuthorization(credentials: object, date: Date): void;
  }
  const { Signer } = createRequire(import.meta.url)('tablestore') as {
    Signer: new (request: object) => Signer;
  };
  const request = {
    path: '/GetRow',
    method: 'POST',
    headers: { 'x-ots-instancename': 'local', 'x-ots-contentmd5': contentMd5(Buffer.from('body')) } as Record<
      string,
      string
    >,
  };
  new Signer(request).addAuthorization({ accessKeyId: 'ak', secretAccessKey: 'secret' }, new Date(0));
  expect(signRequest('secret', '/GetRow', Object.entries(request.headers))).toBe(
    request.headers['x-ots-signature'],
  );
});

it('signs responses over the headers and the path, with no newline at the end', () => {
  const signed = signResponse('ak', 'secret', '/GetRow', [
    ['x-ots-requestid', 'r'],
    ['x-ots-date', 'd'],
  ]);
  expect(signed).toBe(
    signResponse('ak', 'secret', '/GetRow', [
      ['x-ots-date', 'd'],
      ['x-ots-requestid', 'r'],
    ]),
  );
  expect(signed).toMatch(/^OTS ak:[A-Za-z0-9+/]{27}=$/);
  expect(signed).not.toBe(
    signResponse('ak', 'other', '/GetRow', [
      ['x-ots-date', 'd'],
      ['x-ots-requestid', 'r'],
    ]),
  );
});

it('derives another V4 key for each day, region and secret', () => {
  const key = signingKeyV4('secret', '20240506', 'cn-hangzhou');
  expect(Buffer.from(key, 'base64')).toHaveLength(32);
  expect(signingKeyV4('secret', '20240507', 'cn-hangzhou')).not.toBe(key);
  expect(signingKeyV4('secret', '20240506', 'cn-beijing')).not.toBe(key);
  expect(signRequestV4(key, '/GetRow', headers)).not.toBe(signRequest(key, '/GetRow', headers));
});

it('compares signatures of any lengths', () => {
  expect(sameSignature('abc', 'abc')).toBe(true);
  expect(sameSignature('abc', 'abd')).toBe(false);
  expect(sameSignature('abc', 'ab')).toBe(false);
});
