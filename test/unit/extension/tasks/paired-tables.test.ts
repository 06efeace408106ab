import type * as vscode from 'vscode';
import { expect, it } from 'vitest';
import { pairsOf } from '../../../../src/extension/tasks/paired-tables.js';
import { connectionsSchema } from '../../../../src/shared/connections.js';
import { taskSchema } from '../../../../src/shared/task.js';

const source = (host: string, port = 3306) => ({ host, port, user: 'dts', password: '' });
const destination = (endpoint: string, instance: string) => ({
  endpoint,
  instance,
  accessKeyId: 'id',
  accessKeySecret: 'secret',
});
const saved = connectionsSchema.parse({
  sources: { shop: source('DB.example'), other: source('other.example') },
  destinations: {
    ferry: destination('https://shop.example', 'shop'),
    'Local Tablestore': destination('http://127.0.0.1:8087', 'local'),
  },
});

const file = (name: string, sides: { source: unknown; destination: unknown }) => ({
  uri: { path: `/w/${name}.rowferry.json`, toString: () => `file:///w/${name}.rowferry.json` } as vscode.Uri,
  name,
  issues: [],
  own: false,
  task: taskSchema.parse({ ...sides, objects: [{ database: 'd' }] }),
});
const named = { source: { connection: 'shop' }, destination: { connection: 'Local Tablestore' } };
const files = [
  file('named', named),
  file('inline', { source: source('db.example'), destination: destination('https://shop.example/', 'shop') }),
  file('elsewhere', { source: source('db.example', 3307), destination: { connection: 'gone' } }),
  file('never ran', named),
  // The connection beside it has the same name and is another server.
  file('beside', named),
];
const tables = [
  { source: 'd.orders', destination: 'orders' },
  { source: 'd.old', destination: 'orders' },
  { source: 'd.stopped', destination: '' },
];

function pairs(side: 'source' | 'destination', connection: string, table: string) {
  return pairsOf(
    { side, connection, table },
    {
      files: { all: files, ready: Promise.resolve() },
      snapshotOf: ({ name }) => (name === 'never ran' ? undefined : ({ tables } as never)),
      own: () => Promise.resolve(saved),
      beside: ({ path }) =>
        Promise.resolve(
          path.includes('inline')
            ? undefined
            : connectionsSchema.parse({
                sources: path.includes('beside') ? { shop: source('third.example') } : {},
              }),
        ),
    },
  );
}
const told = async (...of: Parameters<typeof pairs>) =>
  (await pairs(...of)).map((pair) => `${pair.task}: ${pair.source} → ${pair.destination}`);

it('a source table is paired by every task of its server, whatever the server is called', async () => {
  expect(await told('source', 'shop', 'd.orders')).toEqual([
    'named: d.orders → orders',
    'inline: d.orders → orders',
  ]);
  expect(await told('source', 'other', 'd.orders')).toEqual([]);
  expect(await told('source', 'gone', 'd.orders')).toEqual([]);
  expect(await told('source', 'shop', 'd.stopped')).toEqual([]);
});

it('a Tablestore table is paired with every table that becomes it', async () => {
  expect(await told('destination', 'Local Tablestore', 'orders')).toEqual([
    'named: d.orders → orders',
    'named: d.old → orders',
    'beside: d.orders → orders',
    'beside: d.old → orders',
  ]);
  expect(await told('destination', 'ferry', 'orders')).toEqual([
    'inline: d.orders → orders',
    'inline: d.old → orders',
  ]);
  expect(new Set((await pairs('destination', 'ferry', 'orders')).map(({ id }) => id)).size).toBe(2);
});
