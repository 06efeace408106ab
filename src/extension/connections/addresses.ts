import { isPort, settingText, sslModeOf, type ImportedSource } from './imported.js';

/** Addresses of MySQL that people paste, taken apart. Pure. */

export interface MysqlAddress extends ImportedSource {
  host: string;
  port: number;
}

/** Parameters of a URL that name files. */
const files = { 'ssl-ca': 'caFile', 'ssl-cert': 'certFile', 'ssl-key': 'keyFile' } as const;

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
  const port = url.port === '' ? 3306 : Number(url.port);
  try {
    const host = settingText(decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1'));
    // What a percent sign hides in it may be no name of a host.
    if (host === undefined || /[\s\p{Cc}/@]/u.test(host) || !isPort(port)) return undefined;
    const [user, password] = [url.username, url.password].map(decodeURIComponent) as [string, string];
    if ([user, password].some((part) => part !== '' && settingText(part) === undefined)) return undefined;
    const ssl = sslModeOf(url.searchParams.get('ssl-mode') ?? '');
    const address: MysqlAddress = {
      host,
      port,
      ...(user === '' ? {} : { user }),
      ...(password === '' ? {} : { password }),
      ...(ssl ? { ssl } : {}),
    };
    for (const [parameter, key] of Object.entries(files) as [keyof typeof files, 'caFile'][]) {
      const file = settingText(url.searchParams.get(parameter));
      if (file !== undefined) address[key] = file;
    }
    // As MySQL's own clients: an authority is there to be checked.
    return address.caFile !== undefined && !ssl ? { ...address, ssl: 'verify-ca' } : address;
  } catch {
    // A stray % in it.
    return undefined;
  }
}
