import { describe, expect } from 'vitest';
import { parseMysqlUrl } from '../../../../src/extension/connections/addresses.js';
import type { ImportedSource } from '../../../../src/extension/connections/imported.js';
import { parseMyCnf } from '../../../../src/extension/connections/my-cnf.js';
import { sqltoolsSources } from '../../../../src/extension/connections/sqltools.js';
import { sourceSchema } from '../../../../src/shared/task.js';
import type { Chance } from '../../../support/chance.js';
import { fuzz } from '../../../support/fuzz.js';
import { randomValue } from '../../../support/random-value.js';

/** Whatever a file, an address or a setting holds: a few settings of a source come of it, or nothing does. */

const keys = new Set([
  'host',
  'port',
  'user',
  'password',
  'ssl',
  'caFile',
  'certFile',
  'keyFile',
  'serverPublicKeyFile',
]);

function isPlain(found: ImportedSource, but: readonly string[] = []): void {
  expect(Object.keys(found).filter((key) => !keys.has(key) || but.includes(key))).toEqual([]);
  for (const value of Object.values(found)) {
    expect(['string', 'number']).toContain(typeof value);
    expect(String(value).length).toBeLessThanOrEqual(4096);
    expect(value).not.toContain('\0');
  }
  // Only a port may be wrong, which is then shown at its field.
  const { port, ...rest } = found;
  const good = sourceSchema.safeParse({ host: 'h', user: 'u', ...rest });
  expect(good.error?.issues ?? []).toEqual([]);
  if (typeof port === 'number') expect(sourceSchema.shape.port.safeParse(port).success).toBe(true);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
}

const pieces = [
  ...['[client]', '[', ']', '[client', '=', '#', ';', '"', "'", '\\', '\\"', '\n', '\r\n', ' ', '\t', '\0'],
  ...['host', 'port', 'user', 'password', 'ssl-mode', 'ssl_ca', 'ssl', 'skip-ssl', 'loose-', '__proto__'],
  ...['mysql://', '@', ':', '/', '?', '&', '%', '%00', '%0a', '%2F', '[::1]', '3306', '0', '99999', 'h', 'é'],
  ...['ssl-mode=VERIFY_CA', 'ssl-ca=', 'x'.repeat(5000), '\u202e', '${env:HOME}', '$(error)', '\uFEFF'],
];
const text = (chance: Chance, first: string) =>
  first + Array.from({ length: chance.below(40) }, () => chance.of(pieces)).join('');

const sqltools = [
  ...['name', 'driver', 'server', 'port', 'username', 'password', 'connectString', 'mysqlOptions'],
  ...['enableSsl', 'Enabled', 'ssl', 'ca', 'cert', 'key', 'rejectUnauthorized', 'MySQL', 'MariaDB'],
  ...['mysql://u:secret@h', 3306, 99_999, true],
];

describe('what is imported', () => {
  fuzz('from a URL is an address or nothing', (chance) => {
    const address = parseMysqlUrl(text(chance, chance.once(5) ? '' : 'mysql://'));
    if (!address) return;
    isPlain(address);
    expect(address.host).toMatch(/^[^\s/@]+$/);
    expect(typeof address.port).toBe('number');
  });

  fuzz('from an option file is of its section [client] or nothing', (chance) => {
    const found = parseMyCnf(text(chance, chance.once(5) ? '' : '[client]\n'));
    if (found) isPlain(found);
  });

  fuzz('from the settings of SQLTools has no password', (chance) => {
    const entry = () => ({
      ...(randomValue(chance, sqltools) as object),
      ...(chance.once(2) ? { driver: 'MySQL' } : {}),
      ...(chance.once(2) ? { server: text(chance, '') } : {}),
      ...(chance.once(3)
        ? { mysqlOptions: { enableSsl: 'Enabled', ssl: randomValue(chance, sqltools) } }
        : {}),
    });
    const setting = chance.once(4) ? randomValue(chance, sqltools) : [entry(), entry()];
    for (const { name, settings } of sqltoolsSources(setting)) {
      expect(name.length).toBeGreaterThan(0);
      isPlain(settings, ['password']);
      expect(settings.host).toBeDefined();
    }
  });
});
