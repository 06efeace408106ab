import { describe, expect, it } from 'vitest';
import { serviceLimits, type ServiceLimits } from '../../../src/local-tablestore/operations/service.js';
import {
  BatchGetRowRequest,
  BatchResponse,
  BatchWriteRowRequest,
  BulkImportRequest,
  CreateTableRequest,
  TableNameRequest,
  UpdateTableRequest,
} from '../../../src/tablestore/wire/messages.js';
import { encodeRow, type CellInput } from '../../support/plainbuffer-encoder.js';
import { ServiceFixture, type Key } from './service-fixture.js';

/** The limits of the service (docs/tablestore.md §3): the last value that passes, and the first that does not. */
const MB = 1024 * 1024;
const invalid = (message: string): string => `400 OTSParameterInvalid ${message}`;
const id = (value: bigint): Key => [['id', value]];

function withTable(limits: ServiceLimits = {}, options = {}): ServiceFixture {
  const fixture = new ServiceFixture(limits);
  fixture.createTable('t', [{ name: 'id', type: 1 }], options);
  return fixture;
}

function put(fixture: ServiceFixture, cells: CellInput[], primaryKey = id(1n), table = 't'): string {
  return fixture.failure('PutRow', fixture.writeBody('PutRow', table, primaryKey, cells));
}

function create(fixture: ServiceFixture, changes: object = {}, rest: object = {}): string {
  return fixture.failure(
    'CreateTable',
    CreateTableRequest.encode({
      tableMeta: {
        tableName: 'new',
        primaryKey: [{ name: 'id', type: 1 }],
        definedColumn: [],
        ...changes,
      },
      reservedThroughput: { capacityUnit: { read: 0, write: 0 } },
      tableOptions: { timeToLive: -1, maxVersions: 1 },
      partitions: [],
      indexMetas: [],
      ...rest,
    }),
  );
}

describe('keys', () => {
  it('have one to four columns of at most 1,024 bytes', () => {
    const fixture = new ServiceFixture();
    const columns = (count: number): object[] =>
      Array.from({ length: count }, (_, n) => ({ name: `k${n}`, type: 2 }));
    const range = 'The number of primary key columns must be in range: [1, 4].';
    expect(create(fixture, { primaryKey: columns(0) })).toBe(invalid(range));
    expect(create(fixture, { primaryKey: columns(5) })).toBe(invalid(range));
    expect(create(fixture, { primaryKey: columns(4) })).toBe('no error');
    fixture.createTable('t', [{ name: 'id', type: 2 }]);
    const text = (length: number): Key => [['id', { text: 'x'.repeat(length) }]];
    expect(put(fixture, [], text(1024))).toBe('no error');
    expect(put(fixture, [], text(1025))).toBe(
      invalid("The length of primary key column: 'id' exceeds the MaxLength:1024 with CurrentLength:1025."),
    );
  });

  it('count up by themselves in one integer column that is not the first', () => {
    const fixture = new ServiceFixture();
    const auto = { name: 'n', type: 1, option: 1 };
    const plain = { name: 'id', type: 2 };
    expect(create(fixture, { primaryKey: [auto] })).toMatch(/^400 OTSParameterInvalid/);
    expect(create(fixture, { primaryKey: [plain, { ...auto, type: 2 }] })).toMatch(/^400/);
    expect(create(fixture, { primaryKey: [plain, auto, { ...auto, name: 'm' }] })).toMatch(/^400/);
    expect(create(fixture, { primaryKey: [plain, auto] })).toBe('no error');
  });

  it('must be those of the table', () => {
    const fixture = withTable();
    expect(put(fixture, [], [['ID', 1n]])).toBe(
      '400 OTSInvalidPK Validate PK name fail. Input: ID, Meta: id.',
    );
    expect(put(fixture, [], [['id', { text: '1' }]])).toBe(
      '400 OTSInvalidPK Validate PK type fail. Input: VT_STRING, Meta: VT_INTEGER.',
    );
    expect(
      put(
        fixture,
        [],
        [
          ['id', 1n],
          ['more', 1n],
        ],
      ),
    ).toBe('400 OTSInvalidPK Validate PK size fail. Input: 2, Meta: 1.');
    expect(put(fixture, [], [['id', 'INF_MIN']])).toMatch(/^400 OTSParameterInvalid VT_INF_MIN/);
  });
});

describe('rows', () => {
  it('have at most 1,024 columns in a request, each of at most 2 MB', () => {
    const fixture = withTable();
    const columns = (count: number): CellInput[] =>
      Array.from({ length: count }, (_, n) => ({ name: `c${n}`, value: 1n }));
    expect(put(fixture, columns(1024))).toBe('no error');
    expect(put(fixture, columns(1025))).toBe(
      invalid('The number of attribute columns exceeds the limit, limit count: 1024, column count: 1025.'),
    );
    expect(put(fixture, [{ name: 'c', value: 'x'.repeat(2 * MB) }])).toBe('no error');
    expect(put(fixture, [{ name: 'c', value: 'x'.repeat(2 * MB + 1) }])).toBe(
      invalid(
        "The length of attribute column: 'c' exceeds the MaxLength:2097152 with CurrentLength:2097153.",
      ),
    );
  });

  it('of a request have at most 4 MB together, to the byte', () => {
    const fixture = withTable();
    const head = 'id'.length + 8 + 3;
    const cells = (last: number): CellInput[] => [
      { name: 'a', value: 'x'.repeat(2 * MB) },
      { name: 'b', value: 'x'.repeat(2 * MB - head - last) },
      { name: 'c', value: 'x'.repeat(last) },
    ];
    expect(put(fixture, cells(8))).toBe('no error');
    expect(put(fixture, [...cells(8), { name: '', value: 'x' }])).toMatch(/Invalid column name/);
    const over = [...cells(8).slice(0, 2), { name: 'c', value: 'x'.repeat(9) }];
    expect(put(fixture, over)).toMatch(/^400 OTSParameterInvalid .*limit size: 4194304, data size: 4194305/);
  });

  it('are at most 200 in a batch that writes, and 100 in one that reads', () => {
    const fixture = withTable();
    const rowChange = (n: number): Buffer => encodeRow({ primaryKey: id(BigInt(n)) });
    const rows = (
      count: number,
    ): { type: number; rowChange: Buffer; condition: { rowExistence: number } }[] =>
      Array.from({ length: count }, (_, n) => ({
        type: 1,
        rowChange: rowChange(n),
        condition: { rowExistence: 0 },
      }));
    const write = (count: number): string =>
      fixture.failure(
        'BatchWriteRow',
        BatchWriteRowRequest.encode({ tables: [{ tableName: 't', rows: rows(count) }] }),
      );
    const bulk = (count: number): string =>
      fixture.failure('BulkImport', BulkImportRequest.encode({ tableName: 't', rows: rows(count) }));
    const read = (count: number): string =>
      fixture.failure(
        'BatchGetRow',
        BatchGetRowRequest.encode({
          tables: [
            {
              tableName: 't',
              primaryKey: rows(count).map((row) => row.rowChange),
              token: [],
              columnsToGet: [],
              maxVersions: 1,
            },
          ],
        }),
      );
    expect([write(200), bulk(200), read(100)]).toEqual(['no error', 'no error', 'no error']);
    expect([write(201), bulk(201)]).toEqual([
      invalid('Rows count exceeds the upper limit: 200.'),
      invalid('Rows count exceeds the upper limit: 200.'),
    ]);
    expect(read(101)).toBe(invalid('Rows count exceeds the upper limit: 100.'));
    expect([write(0), bulk(0)]).toEqual([
      invalid("No operation is specified for table: 't'."),
      invalid("No operation is specified for table: 't'."),
    ]);
  });

  it('of a range come in pages of 5,000', () => {
    const fixture = withTable();
    for (let first = 0; first < 5200; first += 200) {
      const rows = Array.from({ length: 200 }, (_, n) => ({
        type: 1,
        rowChange: encodeRow({ primaryKey: id(BigInt(first + n)) }),
      }));
      fixture.run('BulkImport', BulkImportRequest.encode({ tableName: 't', rows }));
    }
    const page = fixture.getRange('t', [['id', 'INF_MIN']], [['id', 'INF_MAX']]);
    expect(page.rows).toHaveLength(5000);
    expect(page.next!.primaryKey).toEqual([['id', 5000n]]);
  });

  it('have versions within a day of the clock, unless the table says otherwise', () => {
    const fixture = withTable({}, { deviationCellVersionInSec: 86400n });
    const at = (ms: number): string =>
      put(fixture, [{ name: 'c', value: 1n, timestamp: BigInt(fixture.nowMs + ms) }]);
    const day = 86_400_000;
    expect([at(-day), at(day - 1)]).toEqual(['no error', 'no error']);
    expect([at(-day - 1), at(day)].map((text) => text.slice(0, 23))).toEqual([
      '400 OTSParameterInvalid',
      '400 OTSParameterInvalid',
    ]);
  });
});

describe('tables', () => {
  it('have names of letters, digits and underscores', () => {
    const fixture = new ServiceFixture();
    for (const tableName of ['', '1a', 'a-b', 'ä', 'a'.repeat(256)]) {
      expect(create(fixture, { tableName })).toBe(invalid(`Invalid table name: '${tableName}'.`));
    }
    expect(create(fixture, { tableName: `_${'a'.repeat(254)}` })).toBe('no error');
  });

  it('keep rows for ever or at least for a day, and at most 32 columns are defined', () => {
    const fixture = new ServiceFixture();
    const live = (timeToLive: number): string =>
      create(
        fixture,
        { tableName: `t${Math.abs(timeToLive)}` },
        { tableOptions: { timeToLive, maxVersions: 1 } },
      );
    expect([live(86399), live(0)].map((text) => text.slice(0, 3))).toEqual(['400', '400']);
    expect([live(-1), live(86400)]).toEqual(['no error', 'no error']);
    const columns = (count: number): object[] =>
      Array.from({ length: count }, (_, n) => ({ name: `c${n}`, type: 4 }));
    expect(create(fixture, { definedColumn: columns(33) })).toMatch(/^400 .*defined columns/);
    expect(create(fixture, { definedColumn: columns(32) })).toBe('no error');
  });
});

describe('the switches', () => {
  it('are off unless asked for', () => {
    const fixture = new ServiceFixture();
    for (let n = 0; n < 70; n++) expect(create(fixture, { tableName: `t${n}` })).toBe('no error');
    expect(put(fixture, [], id(1n), 't69')).toBe('no error');
  });

  it('hold an instance to 64 tables', () => {
    const fixture = new ServiceFixture({ tables: serviceLimits.tables! });
    for (let n = 0; n < 64; n++) expect(create(fixture, { tableName: `t${n}` })).toBe('no error');
    expect(create(fixture)).toBe('403 OTSQuotaExhausted Number of tables exceeds the quota:64.');
    expect(create(fixture, { tableName: 't1' })).toMatch(/^409 OTSObjectAlreadyExist/);
    fixture.run('DeleteTable', TableNameRequest.encode({ tableName: 't1' }));
    expect(create(fixture)).toBe('no error');
  });

  it('hold an instance to ten table operations a second', () => {
    const fixture = new ServiceFixture({
      tableOperationsPerSecond: serviceLimits.tableOperationsPerSecond!,
    });
    for (let n = 0; n < 10; n++) expect(create(fixture, { tableName: `t${n}` })).toBe('no error');
    expect(create(fixture)).toBe('403 OTSQuotaExhausted Too frequent table operations.');
    fixture.nowMs += 1000;
    expect(create(fixture)).toBe('no error');
  });

  it('make a new table wait, for rows and not for DescribeTable', () => {
    const fixture = withTable({ tableNotReadyMs: 3000 });
    expect(put(fixture, [])).toBe('404 OTSTableNotReady The table is not ready.');
    expect(fixture.failure('DescribeTable', TableNameRequest.encode({ tableName: 't' }))).toBe('no error');
    const batch = BatchWriteRowRequest.encode({
      tables: [
        {
          tableName: 't',
          rows: [{ type: 1, rowChange: encodeRow({ primaryKey: id(1n) }), condition: { rowExistence: 0 } }],
        },
      ],
    });
    const outcome = BatchResponse.decode(fixture.run('BatchWriteRow', batch)).tables[0]!.rows[0]!;
    expect(outcome.error?.code).toBe('OTSTableNotReady');
    fixture.nowMs += 3000;
    expect(put(fixture, [])).toBe('no error');
  });

  it('hold changes of reserved throughput two minutes apart', () => {
    const fixture = withTable({ throughputChangeSeconds: 120 });
    const body = UpdateTableRequest.encode({
      tableName: 't',
      reservedThroughput: { capacityUnit: { read: 1, write: 1 } },
    });
    expect(fixture.failure('UpdateTable', body)).toMatch(/^403 OTSTooFrequentReservedThroughputAdjustment/);
    fixture.nowMs += 121_000;
    expect(fixture.failure('UpdateTable', body)).toBe('no error');
    expect(fixture.failure('UpdateTable', body)).toMatch(/^403 OTSTooFrequentReservedThroughputAdjustment/);
  });

  it('hold a table to so many rows a second', () => {
    const fixture = withTable({ rowsPerSecond: 3 });
    const outcomes = [1, 2, 3, 4].map(() => put(fixture, []));
    expect(outcomes.slice(0, 3)).toEqual(['no error', 'no error', 'no error']);
    expect(outcomes[3]).toBe('403 OTSNotEnoughCapacityUnit Remaining capacity unit is not enough.');
    fixture.nowMs += 1000;
    expect(put(fixture, [])).toBe('no error');
  });
});
