import { expect, test } from 'vitest';
import { sqltoolsSources } from '../../../../src/extension/connections/sqltools.js';

test('connections of SQLTools to MySQL give host, port, user and TLS, and never a password', () => {
  const found = sqltoolsSources([
    {
      name: 'shop',
      driver: 'MySQL',
      server: 'db.example.com',
      port: 3307,
      database: 'shop',
      username: 'dts',
      password: 'never taken',
      mysqlOptions: {
        authProtocol: 'default',
        enableSsl: 'Enabled',
        ssl: { ca: '/etc/ca.pem', cert: '/etc/cert.pem', key: '/etc/key.pem' },
      },
    },
    { name: 'old', driver: 'MariaDB', server: 'old', port: '3306', mysqlOptions: { enableSsl: 'Disabled' } },
    { name: 'by URL', driver: 'MySQL', connectString: 'mysql://dts:never%20taken@db:3308/shop' },
    { driver: 'TiDB', server: 'tidb', port: 4000, username: 'root' },
  ]);
  expect(found).toEqual([
    {
      name: 'shop',
      settings: {
        host: 'db.example.com',
        port: 3307,
        user: 'dts',
        ssl: 'verify-ca',
        caFile: '/etc/ca.pem',
        certFile: '/etc/cert.pem',
        keyFile: '/etc/key.pem',
      },
    },
    { name: 'old', settings: { host: 'old', port: 3306 } },
    { name: 'by URL', settings: { host: 'db', port: 3308, user: 'dts' } },
    { name: 'tidb', settings: { host: 'tidb', port: 4000, user: 'root' } },
  ]);
  expect(JSON.stringify(found)).not.toContain('never');
});

test('a server that is not to be checked is not', () => {
  const [found] = sqltoolsSources([
    {
      driver: 'MySQL',
      server: 'h',
      mysqlOptions: { enableSsl: 'Enabled', ssl: { rejectUnauthorized: false } },
    },
  ]);
  expect(found?.settings).toEqual({ host: 'h', ssl: 'required' });
});

test('other databases, sockets and what is no list of connections give nothing', () => {
  for (const setting of [
    undefined,
    null,
    'MySQL',
    { driver: 'MySQL', server: 'h' },
    [null, 1, [], 'MySQL', { driver: 'PostgreSQL', server: 'h' }, { driver: 'MySQL', socketPath: '/s' }],
    [{ driver: 'MySQL', connectString: 'postgres://h' }],
    [Object.create({ driver: 'MySQL', server: 'inherited' })],
  ])
    expect(sqltoolsSources(setting)).toEqual([]);
});
