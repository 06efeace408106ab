import type { SourceSettings } from '../../../shared/task.js';
import { bad, good, type Check } from '../check.js';

/** Where a service publishes the authority of its certificates. */
const services: readonly { readonly host: RegExp; readonly authority: string }[] = [
  {
    host: /\.rds\.amazonaws\.com(\.cn)?$/i,
    authority: 'the bundle of Amazon RDS and Aurora, global-bundle.pem from truststore.pki.rds.amazonaws.com',
  },
  {
    host: /\.rwlb\.[a-z0-9.-]*rds\.aliyuncs\.com$|\.polardb(\.[a-z0-9-]+)*\.aliyuncs\.com$|^pc-/i,
    authority:
      'the CA certificate of PolarDB, downloaded in its console under Settings and Management > Security Management > SSL Settings',
  },
  {
    host: /\.rds\.aliyuncs\.com$/i,
    authority: 'the CA certificate of ApsaraDB RDS, downloaded in its console under Data Security > SSL',
  },
];

function remedy({ host }: SourceSettings): string {
  const authority = services.find((one) => one.host.test(host))?.authority;
  return `Set source.ssl to "verify-identity" and source.caFile to ${authority ?? 'the certificate authority of the server (ca.pem in its data folder)'}.`;
}

export const sourceEncryption: Check = {
  id: 'source-encryption',
  severity: 'warning',
  title: 'The connection to another machine is encrypted',
  expected: 'TLS, unless the source is on this machine',
  why: 'Without TLS, anyone on the network in between can read and change the rows, or pose as the source.',
  async run(context) {
    const { isOnThisMachine, isEncrypted, isProven } = (await context.source()).protection;
    const { source } = context.task;
    if (isOnThisMachine) return good('the source is on this machine');
    if (!isEncrypted)
      return bad(
        source.ssl === 'preferred'
          ? 'The connection is not encrypted: the server offers no TLS that this machine can use.'
          : 'The connection is not encrypted.',
        remedy(source),
      );
    if (source.ssl === 'verify-identity' || isProven)
      return good(`${source.ssl}: encrypted, and the server has proved its identity`);
    return good(
      `${source.ssl}: encrypted, but ${source.ssl === 'verify-ca' ? 'its host name is not verified' : 'the identity of the server is not verified'}. ${remedy(source)}`,
    );
  },
};
