import { expect, it } from 'vitest';
import { resolveVariables } from '../../../src/shared/environment.js';
import { sentVariables } from '../../../src/shared/sent-variables.js';
import { destinationSchema, sourceSchema, taskSchema } from '../../../src/shared/task.js';

const values = new Map([
  ['PW', 'secret'],
  ['KEY', 'key'],
  ['HOST', 'db.example'],
  ['LOCAL', '127.0.0.1'],
]);

/** `VARIABLE → server` for each, sorted. */
function sent(source: object, destination: object = {}, more: object = {}): string[] {
  const written = taskSchema.parse({
    source: { user: 'u', password: '${env:PW}', ...source },
    destination: {
      endpoint: 'http://127.0.0.1:8087',
      instance: 'local',
      accessKeyId: 'id',
      accessKeySecret: '${env:KEY}',
      ...destination,
    },
    objects: [{ database: 'shop' }],
    ...more,
  });
  const ends = {
    ...written,
    source: sourceSchema.parse(written.source),
    destination: destinationSchema.parse(written.destination),
  };
  const resolved = resolveVariables(ends, (name) => values.get(name) ?? name);
  return sentVariables(ends, resolved)
    .map(({ variable, server }) => `${variable} → ${server}`)
    .sort();
}

it('names each variable with each server that it goes to, and leaves this machine out', () => {
  expect(sent({})).toEqual([]);
  expect(sent({ host: 'localhost' })).toEqual([]);
  expect(sent({ host: 'db.example', hosts: ['10.0.0.2:3306', '[::1]:3307'] })).toEqual([
    'PW → 10.0.0.2:3306',
    'PW → db.example:3306',
  ]);
  expect(sent({}, { endpoint: 'https://i.cn-hangzhou.ots.aliyuncs.com' })).toEqual([
    'KEY → https://i.cn-hangzhou.ots.aliyuncs.com',
  ]);
});

it('a variable in the address counts, too, by what it is: this machine or another', () => {
  expect(sent({ host: '${env:LOCAL}' })).toEqual([]);
  expect(sent({ host: '${env:HOST}' })).toEqual(['HOST → ${env:HOST}:3306', 'PW → ${env:HOST}:3306']);
  expect(sent({ host: '${env:KEY}.evil.example', password: '' })).toEqual([
    'KEY → ${env:KEY}.evil.example:3306',
  ]);
});

it('variables elsewhere in the file go to both ends, those of alerts to their webhook', () => {
  const filter = { objects: [{ database: 'd', tables: [{ name: 't', filter: "a = '${env:AWS}'" }] }] };
  const far = { endpoint: 'https://far.example' };
  expect(sent({ host: 'db.example', password: '' }, { ...far, accessKeySecret: 'x' }, filter)).toEqual([
    'AWS → db.example:3306',
    'AWS → https://far.example',
  ]);
  const alerts = { webhook: 'https://hook.example/x?token=${env:TOKEN}', webhookSecret: '${env:SIGN}' };
  expect(sent({}, {}, { alerts })).toEqual([
    'SIGN → https://hook.example/x?token=${env:TOKEN}',
    'TOKEN → https://hook.example/x?token=${env:TOKEN}',
  ]);
  expect(sent({}, {}, { alerts: { ...alerts, webhook: null } })).toEqual([]);
});
