import { createHmac, hash, timingSafeEqual } from 'node:crypto';

type Headers = Iterable<readonly [name: string, value: string]>;

export function contentMd5(body: Uint8Array): string {
  return hash('md5', body, 'base64');
}

/**
 * Signature of a request: HMAC-SHA1 over path, method and every x-ots-* header, sorted by lower-case name
 * (docs/tablestore.md §2). Other headers and x-ots-signature itself are left out.
 * @param path '/' + operation.
 * @returns base64, the value of x-ots-signature.
 */
export function signRequest(secret: string, path: string, headers: Headers, method = 'POST'): string {
  return hmac(secret, requestStringToSign(path, headers, method), 'sha1');
}

/** What signRequest signs. x-ots-signature and x-ots-signaturev4 are never part of it. */
export function requestStringToSign(path: string, headers: Headers, method = 'POST'): string {
  return `${path}\n${method}\n\n${canonicalHeaders(headers)}`;
}

/**
 * Signature of a response: HMAC-SHA1 over its x-ots-* headers, then the path, without a newline at the end.
 * @returns the value of the Authorization header: `OTS <access key id>:<base64>`.
 */
export function signResponse(accessKeyId: string, secret: string, path: string, headers: Headers): string {
  return `OTS ${accessKeyId}:${hmac(secret, canonicalHeaders(headers) + path, 'sha1')}`;
}

/** Compares two signatures without telling by time where they differ. */
export function sameSignature(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

function hmac(secret: string | Buffer, text: string, algorithm: 'sha1' | 'sha256'): string {
  return createHmac(algorithm, secret).update(text, 'utf8').digest('base64');
}

function canonicalHeaders(headers: Headers): string {
  const signed: [string, string][] = [];
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    if (lower.startsWith('x-ots-') && lower !== 'x-ots-signature' && lower !== 'x-ots-signaturev4') {
      signed.push([lower, value.trim()]);
    }
  }
  signed.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
  return signed.map(([name, value]) => `${name}:${value}\n`).join('');
}

/**
 * The key that a V4 signature is made with: derived from the secret, the day (yyyyMMdd, UTC) and the region.
 * The official SDK passes it on as base64 text, and that text is the key.
 */
export function signingKeyV4(secret: string, date: string, region: string): string {
  const steps = [date, region, 'ots', 'aliyun_v4_request'];
  const start = Buffer.from(`aliyun_v4${secret}`);
  return steps
    .reduce<Buffer>((key, step) => createHmac('sha256', key).update(step).digest(), start)
    .toString('base64');
}

/** Like signRequest, for x-ots-signaturev4: HMAC-SHA256 with the derived key and a salt at the end. */
export function signRequestV4(signingKey: string, path: string, headers: Headers, method = 'POST'): string {
  return hmac(signingKey, `${requestStringToSign(path, headers, method)}ots`, 'sha256');
}
