import { expect, test } from 'vitest';
import {
  instanceOfEndpoint,
  parseMysqlUrl,
  tablestoreEndpoint,
} from '../../../src/extension/connections/addresses.js';

test('a MySQL URL gives its parts, percent signs undone', () => {
  expect(parseMysqlUrl('mysql://dts:p%40ss%2Fword@db.example.com:3307/shop')).toEqual({
    host: 'db.example.com',
    port: 3307,
    user: 'dts',
    password: 'p@ss/word',
  });
  expect(parseMysqlUrl('mysql://[::1]')).toEqual({ host: '::1', port: 3306 });
});

test('what is no MySQL URL is none', () => {
  for (const text of ['db.example.com', 'http://db', 'mysql://', 'mysql://:bad:port:9/']) {
    expect(parseMysqlUrl(text), text).toBeUndefined();
  }
});

test('the endpoint follows from instance, region and network, and gives the instance back', () => {
  for (const network of ['public', 'vpc', 'internal'] as const) {
    const endpoint = tablestoreEndpoint('shop-prod', 'cn-hangzhou', network);
    expect(endpoint).toMatch(/^https:\/\/shop-prod\.cn-hangzhou\./);
    expect(instanceOfEndpoint(endpoint)).toBe('shop-prod');
  }
  expect(instanceOfEndpoint('http://127.0.0.1:8087')).toBeUndefined();
});
