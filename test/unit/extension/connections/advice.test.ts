import { expect, test } from 'vitest';
import { adviceFor } from '../../../../src/extension/connections/advice.js';
import { plainWords } from '../../../../src/shared/format.js';
import { destinationSchema, sourceSchema } from '../../../../src/shared/task.js';

const source = (change: object = {}) =>
  sourceSchema.parse({ user: 'dts', host: 'db.example.com', ...change });
const destination = destinationSchema.parse({
  endpoint: 'https://shop.cn-hangzhou.vpc.tablestore.aliyuncs.com',
  instance: 'shop',
  accessKeyId: 'id',
  accessKeySecret: 'never shown',
});
const about = (code: string, settings: Parameters<typeof adviceFor>[1], remote?: boolean) =>
  adviceFor(code, settings, plainWords, remote).map((advice) => advice.about);

test('a server that does not answer: port, whitelist, network', () => {
  expect(about('ROW-S101', source({ port: 3307 }))).toEqual(['Port', 'Whitelist', 'Network']);
  expect(adviceFor('ROW-S101', source({ port: 3307 }), plainWords)[0]?.text).toContain('3307');
  expect(about('ROW-S101', source({ host: '127.0.0.1' }))).toEqual(['Port']);
  expect(about('ROW-S101', source({ host: '127.0.0.1' }), true)).toEqual(['Host', 'Port']);
});

test('an account that is refused, or may too little', () => {
  expect(about('ROW-S102', source())).toEqual(['Account', 'Host']);
  expect(adviceFor('ROW-S103', source(), plainWords)[0]?.text).toMatch(/^GRANT SELECT.* TO 'dts'@'%';$/);
});

test('TLS: what is wrong follows from what was asked for', () => {
  expect(adviceFor('ROW-S110', source(), plainWords)[0]?.text).toContain('requires TLS');
  expect(about('ROW-S110', source({ ssl: 'required' }))).toEqual(['TLS']);
  expect(about('ROW-S110', source({ ssl: 'verify-identity', caFile: 'ca.pem' }))).toEqual([
    'TLS',
    'CA file',
    'Host',
  ]);
});

test('a destination: endpoint, network, access control, keys; never its secret', () => {
  expect(about('ROW-D101', destination)).toEqual(['Endpoint', 'Network', 'Whitelist']);
  for (const code of ['ROW-D101', 'ROW-D102', 'ROW-D103', 'ROW-D104', 'ROW-D108', 'unknown']) {
    const said = adviceFor(code, destination, plainWords);
    expect(JSON.stringify(said)).not.toContain('never shown');
    expect(said.length > 0).toBe(/D10[1-4]/.test(code));
  }
});
