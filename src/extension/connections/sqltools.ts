import { parseMysqlUrl } from './addresses.js';
import { portOf, settingText, type ImportedSource } from './imported.js';

/** Connections that the extension SQLTools has in the editor's settings (`sqltools.connections`). Pure. */

export interface NamedSource {
  name: string;
  settings: Omit<ImportedSource, 'password'>;
}

/** Its names of MySQL and what speaks like it. */
const drivers = new Set(['MySQL', 'MariaDB', 'TiDB']);
/** Nobody chooses from a longer list. */
const most = 1000;

/**
 * Those of MySQL that have an address, in their order, whatever the setting holds. Never a password: SQLTools keeps it
 * in a store of its own, and where it is in the settings it is not for us.
 */
export function sqltoolsSources(setting: unknown): NamedSource[] {
  if (!Array.isArray(setting)) return [];
  return setting.slice(0, most).flatMap((entry: unknown): NamedSource[] => {
    if (!drivers.has(String(own(entry, 'driver')))) return [];
    const settings = sourceOf(entry);
    if (settings?.host === undefined) return [];
    return [{ name: settingText(own(entry, 'name')) ?? settings.host, settings }];
  });
}

function sourceOf(entry: unknown): NamedSource['settings'] | undefined {
  const url = settingText(own(entry, 'connectString'));
  if (url !== undefined) {
    const address = parseMysqlUrl(url);
    if (address) delete address.password;
    return address;
  }
  const [host, user] = [settingText(own(entry, 'server')), settingText(own(entry, 'username'))];
  const given = own(entry, 'port');
  const port = settingText(typeof given === 'number' ? String(given) : given);
  return {
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port: portOf(port) }),
    ...(user === undefined ? {} : { user }),
    ...tlsOf(own(entry, 'mysqlOptions')),
  };
}

/** Its options go to Node, which checks the authority of a server unless it is told not to. */
function tlsOf(options: unknown): NamedSource['settings'] {
  if (own(options, 'enableSsl') !== 'Enabled') return {};
  const ssl = own(options, 'ssl');
  const [caFile, certFile, keyFile] = ['ca', 'cert', 'key'].map((key) => settingText(own(ssl, key)));
  return {
    ssl: own(ssl, 'rejectUnauthorized') === false ? 'required' : 'verify-ca',
    ...(caFile === undefined ? {} : { caFile }),
    ...(certFile === undefined ? {} : { certFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
  };
}

/** What an object of a settings file itself says: nothing that all objects have. */
function own(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}
