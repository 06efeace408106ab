import {
  contentMd5,
  sameSignature,
  signingKeyV4,
  signRequest,
  signRequestV4,
} from '../../tablestore/wire/signature.js';
import { invalid, OtsError } from '../base/errors.js';

export interface Credentials {
  readonly instance: string;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
}

const API_VERSION = '2015-12-31';
const MAX_CLOCK_SKEW_MS = 15 * 60 * 1000;

/**
 * Checks who sent a request and that it came unharmed. An STS token is accepted, whatever it says.
 * @param headers names in lower case.
 * @param path '/' + operation; @param body as it came, still compressed.
 * @returns the key that the response is to be signed with.
 * @throws OtsError with the service's code and message.
 */
export function authenticate(
  headers: ReadonlyMap<string, string>,
  path: string,
  body: Buffer,
  credentials: Credentials,
  nowMs: number,
): string {
  const header = (name: string): string => {
    const value = headers.get(name);
    if (value === undefined) throw invalid(`Missing header: '${name}'.`);
    return value;
  };
  const date = header('x-ots-date');
  const sentMs = Date.parse(date);
  if (!(Math.abs(sentMs - nowMs) <= MAX_CLOCK_SKEW_MS)) {
    throw denied(`Mismatch between system time and x-ots-date: ${date}.`);
  }
  const version = header('x-ots-apiversion');
  if (version !== API_VERSION) throw invalid(`The API version is not supported: ${version}.`);
  if (header('x-ots-accesskeyid') !== credentials.accessKeyId) {
    throw denied('The AccessKeyID does not exist.');
  }
  if (header('x-ots-instancename') !== credentials.instance) throw denied('The instance is not found.');
  if (header('x-ots-contentmd5') !== contentMd5(body)) {
    throw denied('Mismatch between MD5 value of request body and x-ots-contentmd5 in header.');
  }
  const v4 = headers.get('x-ots-signaturev4');
  if (v4 !== undefined) {
    const key = signingKeyV4(
      credentials.accessKeySecret,
      header('x-ots-signdate'),
      header('x-ots-signregion'),
    );
    if (!sameSignature(v4, signRequestV4(key, path, headers))) throw denied('Signature mismatch.');
    return key;
  }
  const expected = signRequest(credentials.accessKeySecret, path, headers);
  if (!sameSignature(header('x-ots-signature'), expected)) throw denied('Signature mismatch.');
  return credentials.accessKeySecret;
}

const denied = (message: string): OtsError => new OtsError('OTSAuthFailed', message);
