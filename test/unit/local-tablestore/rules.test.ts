import { describe, expect, it } from 'vitest';
import {
  AddDefinedColumnRequest,
  BatchResponse,
  BatchWriteRowRequest,
  Comparator,
  DeleteDefinedColumnRequest,
  DescribeTableResponse,
  Filter,
  FilterType,
  SingleColumnValueFilter,
  StartLocalTransactionRequest,
  TableNameRequest,
  TransactionMessage,
  UpdateTableRequest,
} from '../../../src/tablestore/wire/messages.js';
import { decodeRows } from '../../../src/tablestore/wire/plainbuffer.js';
import { encodeRow, variantOf, type CellInput, type Value } from '../../support/plainbuffer-encoder.js';
import { ServiceFixture, type Key } from './service-fixture.js';

/** Rules of the service (docs/tablestore.md §4) that neither the model of the store nor the SDK's test looks at. */
const id = (value: bigint): Key => [['id', value]];
const DAY = 86_400_000;

function withTable(options = {}, rest = {}): ServiceFixture {
  const fixture = new ServiceFixture();
  fixture.createTable('t', [{ name: 'id', type: 1 }], options, rest);
  return fixture;
}
const put = (fixture: ServiceFixture, key: bigint, ...cells: CellInput[]): void =>
  void fixture.write('PutRow', 't', id(key), cells);
const update = (fixture: ServiceFixture, key: bigint, ...cells: CellInput[]): string =>
  fixture.failure('UpdateRow', fixture.writeBody('UpdateRow', 't', id(key), cells));
const values = (fixture: ServiceFixture, key: bigint, rest = {}): Record<string, unknown> | undefined => {
  const row = fixture.getRow('t', id(key), { maxVersions: 1, ...rest });
  return row && Object.fromEntries(row.cells.map(({ name, value }) => [name, value]));
};

describe('time to live', () => {
  it('takes cells, and the row when nothing of it is left', () => {
    const fixture = withTable({ timeToLive: 86400 });
    put(fixture, 1n, { name: 'old', value: 'x' });
    fixture.nowMs += DAY - 1000;
    update(fixture, 1n, { name: 'young', value: 'y' });
    put(fixture, 2n, { name: 'a', value: 'z' });
    expect(values(fixture, 1n)).toEqual({ old: 'x', young: 'y' });
    fixture.nowMs += 2000;
    expect(values(fixture, 1n)).toEqual({ young: 'y' });
    fixture.nowMs += DAY;
    expect(values(fixture, 1n)).toBeUndefined();
    expect(fixture.getRange('t', [['id', 'INF_MIN']], [['id', 'INF_MAX']]).rows).toEqual([]);
    // For a condition the row is not there either.
    const body = fixture.writeBody('PutRow', 't', id(1n), [], { condition: { rowExistence: 2 } });
    expect(fixture.failure('PutRow', body)).toBe('no error');
  });

  it('and the number of versions can be changed, which shows at once', () => {
    const fixture = withTable({ maxVersions: 3 });
    for (const n of [1n, 2n, 3n]) update(fixture, 1n, { name: 'a', value: n, timestamp: n });
    const count = (): number => fixture.getRow('t', id(1n), { maxVersions: 9 })!.cells.length;
    expect(count()).toBe(3);
    fixture.run(
      'UpdateTable',
      UpdateTableRequest.encode({ tableName: 't', tableOptions: { maxVersions: 2 } }),
    );
    expect(count()).toBe(2);
  });
});

describe('updates', () => {
  it('count up from nothing, wrap at 64 bits, and refuse what is no integer', () => {
    const fixture = withTable();
    const add = (by: bigint): string => update(fixture, 1n, { name: 'n', value: by, op: 4 });
    expect(add(5n)).toBe('no error');
    expect(values(fixture, 1n)).toEqual({ n: 5n });
    add(2n ** 63n - 1n);
    expect(values(fixture, 1n)).toEqual({ n: -(2n ** 63n) + 4n });
    put(fixture, 1n, { name: 'n', value: 'text' });
    expect(add(1n)).toMatch(/^400 OTSParameterInvalid/);
    expect(update(fixture, 1n, { name: 'n', value: 1.5, op: 4 })).toMatch(/^400 OTSParameterInvalid/);
  });

  it('give back only what they count up', () => {
    const fixture = withTable();
    const ask = (returnType: number, ...returnColumnNames: string[]): string =>
      fixture.failure(
        'UpdateRow',
        fixture.writeBody(
          'UpdateRow',
          't',
          id(1n),
          [
            { name: 'n', value: 1n, op: 4 },
            { name: 'x', value: 1n },
          ],
          {
            returnContent: { returnType, returnColumnNames },
          },
        ),
      );
    expect(ask(2, 'n')).toBe('no error');
    expect(
      [ask(2, 'n', 'x'), ask(2, 'other'), ask(1, 'n'), ask(0, 'n')].map((text) => text.slice(0, 3)),
    ).toEqual(['400', '400', '400', '400']);
    expect(values(fixture, 1n)).toEqual({ n: 1n, x: 1n });
  });

  it('must say something, and may be forbidden for a table', () => {
    const fixture = withTable({ allowUpdate: false });
    expect(update(fixture, 1n)).toBe(
      '400 OTSParameterInvalid Invalid update row request: missing cells in request.',
    );
    expect(update(fixture, 1n, { name: 'a', value: 1n })).toMatch(/^400 OTSParameterInvalid .*allow_update/);
    fixture.run(
      'UpdateTable',
      UpdateTableRequest.encode({ tableName: 't', tableOptions: { allowUpdate: true } }),
    );
    expect(update(fixture, 1n, { name: 'a', value: 1n })).toBe('no error');
  });

  it('that only delete do not make a row', () => {
    const fixture = withTable();
    expect(update(fixture, 1n, { name: 'a', op: 1 })).toBe('no error');
    expect(values(fixture, 1n)).toBeUndefined();
    expect(update(fixture, 1n, { name: 'a', op: 3 })).toMatch(
      /^400 OTSParameterInvalid Timestamp must be set/,
    );
  });
});

describe('columns that are defined', () => {
  it('are added and taken away, and only take values of their type', () => {
    const fixture = withTable({}, {});
    const add = (...columns: { name: string; type: number }[]): string =>
      fixture.failure('AddDefinedColumn', AddDefinedColumnRequest.encode({ tableName: 't', columns }));
    expect(add({ name: 'n', type: 1 }, { name: 's', type: 4 })).toBe('no error');
    expect(add({ name: 'n', type: 1 })).toMatch(/^400/);
    expect(add({ name: 'id', type: 1 })).toMatch(/^400/);
    const write = (value: Value): string =>
      fixture.failure('PutRow', fixture.writeBody('PutRow', 't', id(1n), [{ name: 'n', value }]));
    expect(write('text')).toMatch(/^400 OTSParameterInvalid Invalid column type for column n/);
    expect(write(1n)).toBe('no error');
    const drop = (name: string): string =>
      fixture.failure(
        'DeleteDefinedColumn',
        DeleteDefinedColumnRequest.encode({ tableName: 't', columns: [name] }),
      );
    expect([drop('n'), drop('n').slice(0, 3)]).toEqual(['no error', '400']);
    expect(write('text')).toBe('no error');
    const described = DescribeTableResponse.decode(
      fixture.run('DescribeTable', TableNameRequest.encode({ tableName: 't' })),
    );
    expect(described.tableMeta.definedColumn).toEqual([{ name: 's', type: 4 }]);
  });
});

describe('batches', () => {
  const batch = (
    fixture: ServiceFixture,
    rows: { key: Key; type?: number; existence?: number; cells?: CellInput[] }[],
    isAtomic = false,
  ): string[] => {
    const body = BatchWriteRowRequest.encode({
      tables: [
        {
          tableName: 't',
          rows: rows.map(({ key, type = 1, existence = 0, cells = [{ name: 'a', value: 1n }] }) => ({
            type,
            rowChange: encodeRow({ primaryKey: key, cells }),
            condition: { rowExistence: existence },
          })),
        },
      ],
      isAtomic,
    });
    const refused = fixture.failure('BatchWriteRow', body);
    if (refused !== 'no error') return [refused];
    // Once more for the answer: what is written again is the same.
    return BatchResponse.decode(fixture.run('BatchWriteRow', body)).tables[0]!.rows.map(
      ({ error }) => error?.code ?? 'ok',
    );
  };
  const twoKeys = (part: string, n: bigint): Key => [
    ['part', { text: part }],
    ['n', n],
  ];
  const withTwoKeys = (): ServiceFixture => {
    const fixture = new ServiceFixture();
    fixture.createTable('t', [
      { name: 'part', type: 2 },
      { name: 'n', type: 1 },
    ]);
    return fixture;
  };

  it('that name a key twice are refused, unless a switch allows it or they are atomic', () => {
    const fixture = withTable();
    const twice = [{ key: id(1n) }, { key: id(1n), type: 2, cells: [{ name: 'b', value: 2n }] }];
    expect(batch(fixture, twice)[0]).toMatch(/^400 OTSParameterInvalid/);
    expect(values(fixture, 1n)).toBeUndefined();
    fixture.service.limits = { repeatedKeys: 'allow' };
    expect(batch(fixture, twice)).toEqual(['ok', 'ok']);
    expect(values(fixture, 1n)).toEqual({ a: 1n, b: 2n });
    expect(batch(fixture, [{ key: id(2n) }, { key: id(2n), existence: 1 }])).toEqual([
      '400 OTSParameterInvalid Repeated rows do not support row exist expectation check in BatchModify.',
    ]);
    fixture.service.limits = {};
    expect(batch(fixture, twice, true)).toEqual(['ok', 'ok']);
  });

  it('that are atomic are all of one partition key, and written as a whole or not at all', () => {
    const fixture = withTwoKeys();
    expect(batch(fixture, [{ key: twoKeys('p', 1n) }, { key: twoKeys('q', 2n) }], true)).toEqual([
      'OTSDataOutOfRange',
      'OTSDataOutOfRange',
    ]);
    expect(
      batch(fixture, [{ key: twoKeys('p', 1n) }, { key: twoKeys('p', 2n), existence: 1 }], true),
    ).toEqual(['OTSConditionCheckFail', 'OTSConditionCheckFail']);
    expect(fixture.getRow('t', twoKeys('p', 1n))).toBeUndefined();
    expect(batch(fixture, [{ key: twoKeys('p', 1n) }, { key: twoKeys('p', 2n) }], true)).toEqual([
      'ok',
      'ok',
    ]);
    expect(fixture.getRow('t', twoKeys('p', 2n))).toBeDefined();
  });

  it('whose rows are wrong each by itself write the others', () => {
    const fixture = withTable();
    expect(
      batch(fixture, [
        { key: id(1n) },
        { key: [['ID', 2n]] },
        { key: [['id', { text: '3' }]] },
        { key: id(4n) },
      ]),
    ).toEqual(['ok', 'OTSInvalidPK', 'OTSInvalidPK', 'ok']);
    expect([values(fixture, 1n), values(fixture, 4n)]).toEqual([{ a: 1n }, { a: 1n }]);
  });
});

describe('local transactions', () => {
  const begin = (fixture: ServiceFixture, partition: bigint): string =>
    TransactionMessage.decode(
      fixture.run(
        'StartLocalTransaction',
        StartLocalTransactionRequest.encode({
          tableName: 't',
          key: encodeRow({ primaryKey: id(partition) }),
        }),
      ),
    ).transactionId;

  it('hold their partition key for a minute, and see what they wrote', () => {
    const fixture = withTable();
    put(fixture, 1n, { name: 'a', value: 'before' });
    const transactionId = begin(fixture, 1n);
    fixture.write('PutRow', 't', id(1n), [{ name: 'a', value: 'inside' }], { transactionId });
    expect([values(fixture, 1n), values(fixture, 1n, { transactionId })]).toEqual([
      { a: 'before' },
      { a: 'inside' },
    ]);
    const range = (rest: object): unknown =>
      fixture.getRange('t', id(1n), id(2n), rest).rows[0]!.cells[0]!.value;
    expect([range({}), range({ transactionId })]).toEqual(['before', 'inside']);
    expect(update(fixture, 1n, { name: 'a', value: 'x' })).toMatch(/^409 OTSRowOperationConflict/);
    expect(update(fixture, 2n, { name: 'a', value: 'x' })).toBe('no error');
    const start = StartLocalTransactionRequest.encode({
      tableName: 't',
      key: encodeRow({ primaryKey: id(1n) }),
    });
    expect(fixture.failure('StartLocalTransaction', start)).toMatch(/^409 OTSRowOperationConflict/);
    const outside = fixture.writeBody('PutRow', 't', id(2n), [], { transactionId });
    expect(fixture.failure('PutRow', outside)).toMatch(/^400 OTSDataOutOfRange/);
    fixture.nowMs += 60_000;
    expect(update(fixture, 1n, { name: 'b', value: 'free' })).toBe('no error');
    expect(fixture.failure('CommitTransaction', TransactionMessage.encode({ transactionId }))).toMatch(
      /^404 OTSSessionNotExist/,
    );
    expect(values(fixture, 1n)).toEqual({ a: 'before', b: 'free' });
  });
});

describe('filters', () => {
  const filter = (regex: string, castType: number, value: Value): Buffer =>
    Filter.encode({
      type: FilterType.SINGLE_COLUMN_VALUE,
      filter: SingleColumnValueFilter.encode({
        comparator: Comparator.GREATER_THAN,
        columnName: 'a',
        columnValue: variantOf(value),
        filterIfMissing: true,
        latestVersionOnly: true,
        valueTransRule: { regex, castType },
      }),
    });

  it('look into text with an expression, and compare what they find as another type', () => {
    const fixture = withTable();
    put(fixture, 1n, { name: 'a', value: 't1:10, t2:9' });
    const found = (expression: Buffer): boolean => values(fixture, 1n, { filter: expression }) !== undefined;
    expect(found(filter('t1:([0-9]+),', 0, 9n))).toBe(true);
    expect(found(filter('t2:([0-9]+)', 0, 9n))).toBe(false);
    // As text 9 is more than 10.
    expect(found(filter('t2:([0-9]+)', 3, '10'))).toBe(true);
    expect(found(filter('t3:([0-9]+)', 0, 0n))).toBe(false);
  });

  it('whose expression takes for ever, or is none, are refused', () => {
    const fixture = withTable();
    put(fixture, 1n, { name: 'a', value: 'a'.repeat(60) });
    const read = (regex: string): string => {
      try {
        values(fixture, 1n, { filter: filter(regex, 3, '') });
        return 'no error';
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(read('(a+)+b')).toContain('takes too long');
    expect(read('(')).toContain('Invalid regex');
    expect(read('a*')).toBe('no error');
  });
});

it('keys that count up by themselves are made by PutRow and UpdateRow, and given back', () => {
  const fixture = new ServiceFixture();
  fixture.createTable('t', [
    { name: 'part', type: 2 },
    { name: 'n', type: 1, option: 1 },
  ]);
  const add = (operation: 'PutRow' | 'UpdateRow'): bigint => {
    const key: Key = [
      ['part', { text: 'p' }],
      ['n', 'AUTO_INCREMENT'],
    ];
    const { row } = fixture.write(operation, 't', key, [{ name: 'a', value: 1n }], {
      returnContent: { returnType: 1, returnColumnNames: [] },
    });
    return decodeRows(row!)[0]!.primaryKey[1]![1] as bigint;
  };
  const made = [add('PutRow'), add('UpdateRow'), add('PutRow')];
  expect(made).toEqual(made.toSorted((a, b) => (a < b ? -1 : 1)));
  expect(new Set(made).size).toBe(3);
  const deletion = fixture.writeBody('DeleteRow', 't', [
    ['part', { text: 'p' }],
    ['n', 'AUTO_INCREMENT'],
  ]);
  expect(fixture.failure('DeleteRow', deletion)).toMatch(/^400 OTSParameterInvalid/);
});
