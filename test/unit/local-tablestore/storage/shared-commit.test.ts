import { expect, it } from 'vitest';
import { Store } from '../../../../src/local-tablestore/storage/store.js';
import { ServiceFixture, type Key } from '../service-fixture.js';

const id = (value: bigint): Key => [['id', value]];

function withTable(): ServiceFixture {
  const fixture = new ServiceFixture();
  fixture.createTable('t', [{ name: 'id', type: 1 }]);
  return fixture;
}

it('writes of several requests are committed together, and are acknowledged only then', async () => {
  const fixture = withTable();
  const { store } = fixture;
  expect(store.committed).toBeUndefined();
  let commits = 0;
  for (let n = 1n; n <= 3n; n++) {
    fixture.write('PutRow', 't', id(n), [{ name: 'a', value: n }]);
    void store.committed!.then(() => commits++);
  }
  const group = store.committed!;
  await Promise.resolve();
  expect(commits).toBe(0);
  await group;
  expect(commits).toBe(3);
  expect(store.committed).toBeUndefined();
});

it('whatever reads comes after the commit', () => {
  const fixture = withTable();
  fixture.write('PutRow', 't', id(1n), [{ name: 'a', value: 1n }]);
  expect(fixture.store.committed).toBeDefined();
  expect(fixture.getRow('t', id(1n))!.cells[0]!.value).toBe(1n);
  expect(fixture.store.committed).toBeUndefined();
});

it('a request that is refused takes nothing of the others with it', async () => {
  const fixture = withTable();
  fixture.write('PutRow', 't', id(1n), [{ name: 'a', value: 1n }]);
  const refused = fixture.writeBody('PutRow', 't', id(1n), [{ name: 'a', value: 2n }], {
    condition: { rowExistence: 2 },
  });
  expect(fixture.failure('PutRow', refused)).toMatch(/^403 OTSConditionCheckFail/);
  fixture.write('PutRow', 't', id(2n), [{ name: 'a', value: 3n }]);
  await fixture.store.committed;
  const { rows } = fixture.getRange('t', [['id', 'INF_MIN']], [['id', 'INF_MAX']]);
  expect(rows.map(({ cells }) => cells[0]!.value)).toEqual([1n, 3n]);
});

it('a failure of the storage takes the whole group back, and tells all of it', async () => {
  const fixture = withTable();
  const { store } = fixture;
  fixture.write('PutRow', 't', id(1n), [{ name: 'a', value: 1n }]);
  await store.committed;
  fixture.write('PutRow', 't', id(2n), [{ name: 'a', value: 2n }]);
  const group = store.committed!;
  expect(() =>
    store.shared(() => {
      throw new Error('disk full');
    }),
  ).toThrow('disk full');
  await expect(group).rejects.toThrow('disk full');
  expect(fixture.getRow('t', id(2n))).toBeUndefined();
  expect(fixture.getRow('t', id(1n))).toBeDefined();
  fixture.write('PutRow', 't', id(3n), [{ name: 'a', value: 3n }]);
  await store.committed;
  expect(fixture.getRow('t', id(3n))).toBeDefined();
});

it('what waits for its commit is kept when the store is closed', () => {
  const store = Store.open(':memory:', 'local');
  store.shared(() => undefined);
  const group = store.committed;
  store.close();
  return expect(group).resolves.toBeUndefined();
});
