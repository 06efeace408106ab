import { expect, test } from 'vitest';
import { parseMysqlUrl } from '../../../../src/extension/connections/addresses.js';
import { endpointParts, tablestoreEndpoint } from '../../../../src/shared/tablestore-endpoint.js';

test('a MySQL URL gives its parts, percent signs undone', () => {
  expect(parseMysqlUrl('mysql://dts:p%40ss%2Fword@db.example.com:3307/shop')).toEqual({
    host: 'db.example.com',
    port: 3307,
    user: 'dts',
    password: 'p@ss/word',
  });
  expect(parseMysqlUrl('mysql://[::1]')).toEqual({ host: '::1', port: 3306 });
});

test('a MySQL URL may ask for TLS in the words of MySQL', () => {
  const tls = (query: string) => {
    const { ssl, caFile } = parseMysqlUrl(`mysql://u:p@h/db?${query}`)!;
    return { ssl, caFile };
  };
  expect(tls('ssl-mode=VERIFY_IDENTITY&ssl-ca=%2Fetc%2Fca.pem')).toEqual({
    ssl: 'verify-identity',
    caFile: '/etc/ca.pem',
  });
  expect(parseMysqlUrl('mysql://h?ssl-cert=/c.pem&ssl-key=/k.pem')).toMatchObject({
    certFile: '/c.pem',
    keyFile: '/k.pem',
  });
  expect(tls('ssl-mode=required')).toEqual({ ssl: 'required', caFile: undefined });
  expect(tls('ssl-ca=ca.pem')).toEqual({ ssl: 'verify-ca', caFile: 'ca.pem' });
  expect(tls('ssl-mode=sometimes&charset=utf8')).toEqual({ ssl: undefined, caFile: undefined });
});

test('what is no MySQL URL is none', () => {
  for (const text of [
    'db.example.com',
    'http://db',
    'mysql://',
    'mysql://:bad:port:9/',
    'mysql://u:100%@h',
    'mysql://u:p@h:0/',
    'mysql://u:p@a%20b/',
    'mysql://u:p@a%0Ab/',
    `mysql://u:p@${'h'.repeat(5000)}/`,
  ]) {
    expect(parseMysqlUrl(text), text).toBeUndefined();
  }
});

test('the endpoint follows from instance, region and network, and gives them back', () => {
  for (const network of ['public', 'vpc', 'internal'] as const) {
    const parts = { instance: 'shop-prod', region: 'cn-hangzhou', network };
    const endpoint = tablestoreEndpoint(parts);
    expect(endpoint).toMatch(/^https:\/\/shop-prod\.cn-hangzhou\./);
    expect(endpointParts(endpoint)).toEqual(parts);
  }
  for (const other of ['http://127.0.0.1:8087', 'https://ots.aliyuncs.com', 'shop', ''])
    expect(endpointParts(other), other).toBeUndefined();
});
