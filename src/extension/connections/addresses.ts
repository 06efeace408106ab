/** Addresses that people paste, taken apart; and the endpoint of a Tablestore instance. Pure. */

export interface MysqlAddress {
  host: string;
  port: number;
  user?: string;
  password?: string;
  ssl?: 'disabled' | 'required' | 'verify-ca' | 'verify-identity';
  caFile?: string;
}

/** MySQL's own names of the modes (--ssl-mode), as URLs carry them. */
const sslModes = new Map<string, NonNullable<MysqlAddress['ssl']>>([
  ['disabled', 'disabled'],
  ['preferred', 'disabled'],
  ['required', 'required'],
  ['verify_ca', 'verify-ca'],
  ['verify_identity', 'verify-identity'],
]);

/**
 * `mysql://user:password@host:port/…?ssl-mode=VERIFY_CA&ssl-ca=/path/ca.pem`; undefined when it is not such a URL.
 * Other parameters are for other programs.
 */
export function parseMysqlUrl(text: string): MysqlAddress | undefined {
  if (!/^mysqlx?:\/\//i.test(text.trim())) return undefined;
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch {
    return undefined;
  }
  if (url.hostname === '') return undefined;
  const ssl = sslModes.get((url.searchParams.get('ssl-mode') ?? '').toLowerCase().replaceAll('-', '_'));
  const caFile = url.searchParams.get('ssl-ca');
  try {
    return {
      host: decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? 3306 : Number(url.port),
      ...(url.username === '' ? {} : { user: decodeURIComponent(url.username) }),
      ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
      ...(ssl ? { ssl } : {}),
      ...(caFile ? { caFile, ...(ssl ? {} : { ssl: 'verify-ca' as const }) } : {}),
    };
  } catch {
    // A stray % in it.
    return undefined;
  }
}

/** From where the instance is reached; decides the host name of its endpoint. */
export type Network = 'public' | 'vpc' | 'internal';

/** Source: Alibaba Cloud, "Endpoints" of Tablestore: INSTANCE.REGION.ots[-internal].aliyuncs.com, INSTANCE.REGION.vpc.tablestore.aliyuncs.com. */
export function tablestoreEndpoint(instance: string, region: string, network: Network): string {
  switch (network) {
    case 'public':
      return `https://${instance}.${region}.ots.aliyuncs.com`;
    case 'internal':
      return `https://${instance}.${region}.ots-internal.aliyuncs.com`;
    case 'vpc':
      return `https://${instance}.${region}.vpc.tablestore.aliyuncs.com`;
  }
}

/** Instance name at the front of a public endpoint, if it is one. */
export function instanceOfEndpoint(endpoint: string): string | undefined {
  const host = URL.canParse(endpoint) ? new URL(endpoint).hostname : '';
  return /^([a-z][a-z0-9-]*)\.[a-z0-9-]+\.(ots|ots-internal|vpc\.tablestore|vpc\.ots)\.aliyuncs\.com$/i.exec(
    host,
  )?.[1];
}
