/** Addresses of MySQL that people paste, taken apart. Pure. */

export interface MysqlAddress {
  host: string;
  port: number;
  user?: string;
  password?: string;
  ssl?: 'disabled' | 'preferred' | 'required' | 'verify-ca' | 'verify-identity';
  caFile?: string;
}

/** MySQL's own names of the modes (--ssl-mode), as URLs carry them. */
const sslModes = new Map<string, NonNullable<MysqlAddress['ssl']>>([
  ['disabled', 'disabled'],
  ['preferred', 'preferred'],
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
