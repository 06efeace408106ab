import { describe, expect, test } from 'vitest';
import { ConnectionDraft } from '../../../../src/extension/connections/draft.js';
import { failedField } from '../../../../src/extension/connections/failed-field.js';
import { plainWords } from '../../../../src/shared/format.js';
import { destinationSchema, sourceSchema } from '../../../../src/shared/task.js';
import { fuzz } from '../../../support/fuzz.js';
import { randomValue } from '../../../support/random-value.js';

const stored = {
  source: {
    name: 'shop',
    settings: sourceSchema.parse({ host: 'db', user: 'dts', password: 'stored pw', serverId: 7 }),
  },
  destination: {
    name: 'cloud',
    settings: destinationSchema.parse({
      endpoint: 'https://shop.cn-hangzhou.ots.aliyuncs.com',
      instance: 'shop',
      accessKeyId: 'id',
      accessKeySecret: 'stored key',
      securityToken: 'stored token',
      tableLimit: 99,
    }),
  },
};
const problems = (draft: ConnectionDraft, taken: string[] = []) =>
  Object.fromEntries(draft.problems(taken, plainWords).map(({ key, message }) => [key, message]));

describe('secrets', () => {
  test('those of a saved connection are in its settings and in nothing that is shown', () => {
    for (const side of ['source', 'destination'] as const) {
      const draft = new ConnectionDraft(side, stored[side]);
      expect(draft.settings()).toEqual(stored[side].settings);
      expect(Object.values(draft.secrets).every((state) => state === 'stored')).toBe(true);
      expect(JSON.stringify([draft.document, draft.secrets, draft.name([])])).not.toContain('stored pw');
      expect(JSON.stringify([draft.document, draft.secrets])).not.toMatch(/stored (key|token)/);
    }
  });

  test('what was typed counts, nothing typed leaves what is stored, and none can be wanted', () => {
    const draft = new ConnectionDraft('source', stored.source);
    draft.setSecret('source.password', ' new one ');
    expect(draft.settings()).toMatchObject({ password: ' new one ', serverId: 7 });
    expect(draft.secrets).toEqual({ 'source.password': 'entered' });
    draft.setSecret('source.password', undefined);
    expect(draft.settings()).toMatchObject({ password: 'stored pw' });
    draft.setSecret('source.password', '');
    expect(draft.settings()).toMatchObject({ password: '' });
    expect(draft.secrets).toEqual({ 'source.password': 'none' });
    const cloud = new ConnectionDraft('destination', stored.destination);
    cloud.setSecret('destination.securityToken', '');
    expect(cloud.settings()).toEqual({ ...stored.destination.settings, securityToken: null });
  });

  test('a secret is no field: an edit of it is not taken', () => {
    const draft = new ConnectionDraft('source', stored.source);
    draft.edit([
      { path: ['source', 'password'], value: 'by edit' },
      { path: ['source', 'host'], value: 'other' },
    ]);
    expect(draft.settings()).toMatchObject({ password: 'stored pw', host: 'other' });
    expect(JSON.stringify(draft.document)).not.toContain('by edit');
  });

  test('an import is of another server: nothing stored goes there', () => {
    const draft = new ConnectionDraft('source', stored.source);
    draft.take({ host: 'elsewhere', port: 3307, user: 'u' });
    expect(draft.settings()).toMatchObject({ host: 'elsewhere', port: 3307, password: '', serverId: null });
    draft.take({ host: 'elsewhere', password: 'imported pw' });
    expect(draft.settings()).toMatchObject({ user: 'root', password: 'imported pw' });
    expect(JSON.stringify(draft.document)).not.toContain('imported pw');
  });
});

describe('the name', () => {
  test('is made of the address until one is typed, and is not one that is taken', () => {
    const draft = new ConnectionDraft('source');
    expect(draft.name([])).toBe('127.0.0.1');
    draft.edit([
      { path: ['source', 'host'], value: 'db' },
      { path: ['source', 'port'], value: 3307 },
    ]);
    expect(draft.name(['db:3307'])).toBe('db:3307 (2)');
    draft.rename(' shop ');
    expect(draft.name(['db:3307'])).toBe('shop');
    expect(problems(draft, ['shop'])).toEqual({ name: 'A connection with this name already exists.' });
    draft.rename('__proto__');
    expect(problems(draft)).toHaveProperty('name');
    draft.rename('');
    expect(draft.name([])).toBe('db:3307');
  });

  test('of a saved connection stays', () => {
    const draft = new ConnectionDraft('source', stored.source);
    draft.rename('other');
    expect(draft.name(['shop'])).toBe('shop');
    expect(problems(draft, ['shop'])).toEqual({});
  });
});

describe('problems are told by their field', () => {
  const withEdit = (key: string, value: never) => {
    const draft = new ConnectionDraft('source');
    draft.edit([{ path: ['source', key], value }]);
    return problems(draft);
  };

  test.each([
    ['host', ''],
    ['host', 'two words'],
    ['host', 'user@db'],
    ['port', 'seventy'],
    ['port', 0],
    ['port', 70_000],
    ['user', ''],
    ['serverId', -1],
    ['hosts', ['10.0.0.2:99999']],
    ['hosts', ['']],
    ['caFile', 'certs/ca.pem'],
    ['ssl', 'sometimes'],
  ])('%s: %j', (key, value) => {
    expect(Object.keys(withEdit(key, value as never))).toEqual(
      // Without a host there is nothing to make a name of.
      key === 'host' && value === '' ? ['name', 'source.host'] : [`source.${key}`],
    );
  });

  test('what is right has none', () => {
    const draft = new ConnectionDraft('source');
    for (const [key, value] of Object.entries({
      host: '::1',
      hosts: ['10.0.0.2', 'db:3307', '[::1]:3308'],
      caFile: '/etc/ca.pem',
      keyFile: '${env:CERTS}/key.pem',
      serverId: 4294967295,
    }))
      draft.edit([{ path: ['source', key], value }]);
    expect(problems(draft)).toEqual({});
  });

  test('a new destination misses its four parts, which is no reason to complain yet', () => {
    const draft = new ConnectionDraft('destination');
    const found = draft.problems([], plainWords);
    expect(found.map(({ key, isMissing }) => [key, isMissing])).toEqual(
      [
        'name',
        'destination.endpoint',
        'destination.instance',
        'destination.accessKeyId',
        'destination.accessKeySecret',
      ].map((key) => [key, true]),
    );
    draft.edit([{ path: ['destination', 'endpoint'], value: 'shop' }]);
    expect(problems(draft)['destination.endpoint']).toMatch(/http/);
  });

  test('a test that failed points at the field that it was about', () => {
    expect(failedField('ROW-S102', plainWords)?.key).toBe('source.password');
    expect(failedField('ROW-D102', plainWords)?.key).toBe('destination.accessKeySecret');
    expect(failedField('ROW-S111', plainWords)).toBeUndefined();
  });
});

describe('whatever a page edits', () => {
  const hints = [
    'source',
    'destination',
    'host',
    'port',
    'hosts',
    'password',
    '__proto__',
    'constructor',
    0,
    3306,
  ];
  fuzz('has problems or can be saved, and no secret comes to light', (chance) => {
    const draft = new ConnectionDraft('source', stored.source);
    for (let left = 1 + chance.below(4); left > 0; left--) {
      const path = Array.from({ length: 1 + chance.below(3) }, () => chance.of(hints)) as string[];
      const value = randomValue(chance, hints);
      draft.edit([{ path: chance.once(2) ? ['source', ...path.slice(1)] : path, value: value as never }]);
    }
    const found = draft.problems([], plainWords);
    if (found.length === 0) expect(draft.settings()).toHaveProperty('host');
    else for (const { message } of found) expect(message.length).toBeLessThan(200);
    expect(Object.keys(draft.document)).toEqual(['source']);
    expect(JSON.stringify(draft.document)).not.toContain('stored pw');
    expect(({} as Record<string, unknown>)['host']).toBeUndefined();
  });
});
