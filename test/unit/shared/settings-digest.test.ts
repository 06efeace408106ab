import { expect, it } from 'vitest';
import { connectionsDigest, differingKeys, settingsDigest } from '../../../src/shared/settings-digest.js';
import { taskSchema } from '../../../src/shared/task.js';

const file = (change: Record<string, unknown> = {}) =>
  taskSchema.parse({
    id: 't-1',
    source: { host: 'a', user: 'u', password: '${env:PASSWORD}' },
    destination: {
      endpoint: 'http://b',
      instance: 'shop',
      accessKeyId: 'k',
      accessKeySecret: '${env:SECRET}',
    },
    objects: [
      {
        database: 'shop',
        tables: [{ name: 'orders', columns: { a: { type: 'STRING' }, b: { type: 'STRING' } } }],
      },
    ],
    ...change,
  });

it('a mark is the same for the same settings, whatever the order of their keys and how they came', () => {
  const sent: unknown = JSON.parse(JSON.stringify(file()));
  expect(settingsDigest(sent as object)).toEqual(settingsDigest(file()));
  const turned = file({
    objects: [
      {
        database: 'shop',
        tables: [{ columns: { b: { type: 'STRING' }, a: { type: 'STRING' } }, name: 'orders' }],
      },
    ],
  });
  expect(differingKeys(settingsDigest(file()), settingsDigest(turned))).toEqual([]);
});

it('every setting of a file has a mark, but what names the task', () => {
  const now = file();
  const marked = Object.keys({ ...settingsDigest(now), ...connectionsDigest(now) });
  const unmarked = Object.keys(taskSchema.shape).filter((key) => !marked.includes(key));
  expect(unmarked.sort()).toEqual([
    '$schema',
    'id',
    'ignoredChecks',
    'keepRunning',
    'name',
    'tag',
    'version',
  ]);
});

it('what is changed is named; what holds a variable is compared only as it stands in the file', () => {
  expect(differingKeys(settingsDigest(file()), settingsDigest(file({ dirtyData: 'skip' })))).toEqual([
    'dirtyData',
  ]);
  const other = file({ source: { host: 'b', user: 'u', password: '${env:PASSWORD}' } });
  expect(differingKeys(settingsDigest(file()), settingsDigest(other))).toEqual([]);
  expect(differingKeys(connectionsDigest(file()), connectionsDigest(other))).toEqual(['source']);
  const filtered = { ...file(), etl: 'e_set(a, "${env:X}")' };
  expect(settingsDigest(filtered)['etl']).toBeUndefined();
});
