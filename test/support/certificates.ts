import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { isIPv4 } from 'node:net';

/** A certificate with its private key, both PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface Authority extends Certificate {
  /** A certificate for these DNS names and IPv4 addresses; it expires in so many days. */
  issue(names: readonly string[], days?: number): Certificate;
}

const der = (tag: number, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  const { length } = body;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
};
const sequence = (...parts: Buffer[]) => der(0x30, ...parts);
const oid = (...bytes: number[]) => der(0x06, Buffer.from(bytes));
const time = (ms: number) =>
  der(0x18, Buffer.from(`${new Date(ms).toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`));
const named = (name: string) =>
  sequence(der(0x31, sequence(oid(0x55, 0x04, 0x03), der(0x0c, Buffer.from(name)))));
const pem = (bytes: Buffer) =>
  `-----BEGIN CERTIFICATE-----\n${bytes
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')}\n-----END CERTIFICATE-----\n`;

const ecdsaWithSha256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
const dayMs = 86_400_000;

/** X.509 version 3 as RFC 5280 has it, with no more than a TLS client looks at. */
function certificate(options: {
  subject: string;
  issuer: string;
  signer: KeyObject;
  own: KeyObject;
  days: number;
  extension: Buffer;
}): string {
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    named(options.issuer),
    sequence(time(Date.now() - dayMs), time(Date.now() + options.days * dayMs)),
    named(options.subject),
    options.own.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(options.extension)),
  );
  const signature = der(0x03, Buffer.from([0]), sign('sha256', body, options.signer));
  return pem(sequence(body, ecdsaWithSha256, signature));
}

const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const exported = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }) as string;

/** A certificate authority of a test's own. */
export function makeAuthority(name: string): Authority {
  const own = pair();
  const isAuthority = sequence(oid(0x55, 0x1d, 0x13), der(0x04, sequence(der(0x01, Buffer.from([0xff])))));
  const cert = certificate({
    subject: name,
    issuer: name,
    signer: own.privateKey,
    own: own.publicKey,
    days: 1,
    extension: isAuthority,
  });
  return {
    cert,
    key: exported(own.privateKey),
    issue(names, days = 1) {
      const { privateKey, publicKey } = pair();
      const alternatives = names.map((one) =>
        isIPv4(one) ? der(0x87, Buffer.from(one.split('.').map(Number))) : der(0x82, Buffer.from(one)),
      );
      const issued = certificate({
        subject: names[0]!,
        issuer: name,
        signer: own.privateKey,
        own: publicKey,
        days,
        extension: sequence(oid(0x55, 0x1d, 0x11), der(0x04, sequence(...alternatives))),
      });
      return { cert: issued, key: exported(privateKey) };
    },
  };
}
