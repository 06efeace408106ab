import { expect, it } from 'vitest';
import { writtenInstance } from '../../../../src/sync/state/destination-identity.js';
import type { ResolvedTask } from '../../../../src/shared/task.js';

const written = (endpoint: string, instance = 'shop') =>
  writtenInstance({ endpoint, instance } as ResolvedTask['destination']);

it('one instance is one, by whatever address it is reached', () => {
  const cloud = ['ots.aliyuncs.com', 'ots-internal.aliyuncs.com', 'vpc.tablestore.aliyuncs.com'];
  expect(new Set(cloud.map((domain) => written(`https://shop.cn-hangzhou.${domain}`))).size).toBe(1);
  const here = ['http://127.0.0.1:8087', 'http://localhost:8087', 'http://[::1]:8087/'];
  expect(new Set(here.map((endpoint) => written(endpoint))).size).toBe(1);
});

it('instances of one name in two regions, on two servers or two ports are not one', () => {
  const all = [
    'https://shop.cn-hangzhou.ots.aliyuncs.com',
    'https://shop.cn-beijing.ots.aliyuncs.com',
    'http://127.0.0.1:8087',
    'http://127.0.0.1:8088',
    'http://ots.example:8087',
    'https://ots.example',
  ];
  expect(new Set(all.map((endpoint) => written(endpoint))).size).toBe(all.length);
  expect(written(all[2]!)).not.toBe(written(all[2]!, 'other'));
});
