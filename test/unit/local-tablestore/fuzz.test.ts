import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { OtsError } from '../../../src/local-tablestore/base/errors.js';
import {
  AddDefinedColumnRequest,
  BatchGetRowRequest,
  BatchWriteRowRequest,
  BulkExportRequest,
  BulkImportRequest,
  ComputeSplitPointsBySizeRequest,
  CreateTableRequest,
  DeleteDefinedColumnRequest,
  Filter,
  FilterType,
  GetRowRequest,
  SingleColumnValueFilter,
  StartLocalTransactionRequest,
  TableNameRequest,
  TransactionMessage,
  UpdateTableRequest,
} from '../../../src/tablestore/wire/messages.js';
import { decodeRows } from '../../../src/tablestore/wire/plainbuffer.js';
import { WireFormatError } from '../../../src/tablestore/wire/protobuf.js';
import { encodeRow, variantOf, type CellInput } from '../../support/plainbuffer-encoder.js';
import { ServiceFixture, type Key } from './service-fixture.js';

/**
 * Whatever bytes come in, the answer is an error of the protocol, never another one, and the next request is
 * served. Bodies are damaged copies of good ones, because random bytes rarely get beyond the first field.
 */
let fixture: ServiceFixture;
let bodies: [operation: string, body: Buffer][];

const key = (id: bigint): Key => [
  ['a', id],
  ['b', { text: 'k' }],
];
const cells: CellInput[] = [
  { name: 'text', value: 'x'.repeat(40) },
  { name: 'blob', value: Buffer.from([0, 255]), timestamp: 5n },
  { name: 'number', value: 7n },
];
const change: CellInput[] = [
  { name: 'text', op: 1 },
  { name: 'blob', op: 3, timestamp: 5n },
  { name: 'number', value: 2n, op: 4 },
];

beforeAll(() => {
  fixture = new ServiceFixture();
  ensureTable();
  const filter = Filter.encode({
    type: FilterType.SINGLE_COLUMN_VALUE,
    filter: SingleColumnValueFilter.encode({
      comparator: 1,
      columnName: 'text',
      columnValue: variantOf('7'),
      filterIfMissing: true,
      latestVersionOnly: true,
      valueTransRule: { regex: 'x([0-9]+)', castType: 3 },
    }),
  });
  const row = encodeRow({ primaryKey: key(1n), cells });
  const update = encodeRow({ primaryKey: key(1n), cells: change });
  const only = encodeRow({ primaryKey: key(1n) });
  const start = encodeRow({
    primaryKey: [
      ['a', 'INF_MIN'],
      ['b', 'INF_MIN'],
    ],
  });
  const end = encodeRow({
    primaryKey: [
      ['a', 'INF_MAX'],
      ['b', 'INF_MAX'],
    ],
  });
  const condition = { rowExistence: 0, columnCondition: filter };
  const tableMeta = {
    tableName: 'u',
    primaryKey: [
      { name: 'a', type: 1 },
      { name: 'b', type: 1, option: 1 },
    ],
    definedColumn: [{ name: 'c', type: 4 }],
  };
  bodies = [
    [
      'CreateTable',
      CreateTableRequest.encode({
        tableMeta,
        reservedThroughput: { capacityUnit: { read: 0, write: 0 } },
        tableOptions: { timeToLive: -1, maxVersions: 1 },
        partitions: [
          { begin: variantOf(1n), end: variantOf(2n) },
          { begin: variantOf(2n), end: variantOf(3n) },
        ],
        indexMetas: [],
      }),
    ],
    ['UpdateTable', UpdateTableRequest.encode({ tableName: 't', tableOptions: { maxVersions: 2 } })],
    ['DescribeTable', TableNameRequest.encode({ tableName: 't' })],
    ['DeleteTable', TableNameRequest.encode({ tableName: 'u' })],
    ['ListTable', Buffer.alloc(0)],
    [
      'AddDefinedColumn',
      AddDefinedColumnRequest.encode({ tableName: 't', columns: [{ name: 'd', type: 4 }] }),
    ],
    ['DeleteDefinedColumn', DeleteDefinedColumnRequest.encode({ tableName: 't', columns: ['d'] })],
    ['PutRow', fixture.writeBody('PutRow', 't', key(1n), cells, { condition })],
    ['UpdateRow', fixture.writeBody('UpdateRow', 't', key(1n), change)],
    ['DeleteRow', fixture.writeBody('DeleteRow', 't', key(2n))],
    [
      'GetRow',
      GetRowRequest.encode({
        tableName: 't',
        primaryKey: only,
        columnsToGet: ['text'],
        timeRange: { startTime: 0n, endTime: 9n },
        filter,
      }),
    ],
    [
      'BatchGetRow',
      BatchGetRowRequest.encode({
        tables: [{ tableName: 't', primaryKey: [only], token: [], columnsToGet: [], maxVersions: 1, filter }],
      }),
    ],
    [
      'GetRange',
      fixture.rangeBody(
        't',
        [
          ['a', 'INF_MIN'],
          ['b', 'INF_MIN'],
        ],
        [
          ['a', 'INF_MAX'],
          ['b', 'INF_MAX'],
        ],
        { limit: 3, filter, columnsToGet: ['text', 'a'], dataBlockTypeHint: 1 },
      ),
    ],
    [
      'BatchWriteRow',
      BatchWriteRowRequest.encode({
        tables: [
          {
            tableName: 't',
            rows: [
              { type: 1, rowChange: row, condition },
              {
                type: 2,
                rowChange: update,
                condition: { rowExistence: 0 },
                returnContent: { returnType: 2, returnColumnNames: ['number'] },
              },
            ],
          },
        ],
        isAtomic: true,
      }),
    ],
    [
      'BulkImport',
      BulkImportRequest.encode({
        tableName: 't',
        rows: [
          { type: 1, rowChange: row },
          { type: 2, rowChange: update },
        ],
      }),
    ],
    [
      'BulkExport',
      BulkExportRequest.encode({
        tableName: 't',
        columnsToGet: ['a', 'text'],
        inclusiveStartPrimaryKey: start,
        exclusiveEndPrimaryKey: end,
      }),
    ],
    ['ComputeSplitPointsBySize', ComputeSplitPointsBySizeRequest.encode({ tableName: 't', splitSize: 1n })],
    [
      'StartLocalTransaction',
      StartLocalTransactionRequest.encode({ tableName: 't', key: encodeRow({ primaryKey: [['a', 77n]] }) }),
    ],
    ['CommitTransaction', TransactionMessage.encode({ transactionId: 'f'.repeat(32) })],
    ['AbortTransaction', TransactionMessage.encode({ transactionId: 'f'.repeat(32) })],
  ].map(([operation, body]) => [operation as string, Buffer.from(body as Buffer)]);
});

/** A damaged request may have deleted it. */
function ensureTable(): void {
  if (fixture.store.tables.has('t')) return;
  fixture.createTable('t', [
    { name: 'a', type: 1 },
    { name: 'b', type: 2 },
  ]);
}

/** Runs the operation; anything that is not an error of the protocol fails the test. */
function attempt(operation: string, body: Buffer): string {
  try {
    fixture.run(operation, body);
    return 'ok';
  } catch (error) {
    if (error instanceof OtsError) return error.code;
    if (error instanceof WireFormatError) return 'malformed';
    throw error;
  }
}

const damage = fc.record({
  at: fc.nat(),
  byte: fc.integer({ min: 0, max: 255 }),
  kind: fc.constantFrom('set', 'flip', 'cut', 'insert', 'repeat', 'grow'),
});

function damaged(body: Buffer, steps: readonly { at: number; byte: number; kind: string }[]): Buffer {
  let bytes = Buffer.from(body);
  for (const { at: anywhere, byte, kind } of steps) {
    const at = bytes.length === 0 ? 0 : anywhere % bytes.length;
    switch (kind) {
      case 'set':
        if (at < bytes.length) bytes[at] = byte;
        break;
      case 'flip':
        if (at < bytes.length) bytes[at]! ^= 1 << (byte & 7);
        break;
      case 'cut':
        bytes = bytes.subarray(0, at);
        break;
      case 'insert':
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([byte]), bytes.subarray(at)]);
        break;
      case 'repeat':
        bytes = Buffer.concat([bytes, bytes.subarray(at)]);
        break;
      default:
        // A length that reaches far beyond the end.
        if (at + 4 <= bytes.length) bytes.writeUInt32LE(0xffff_fff0, at);
    }
  }
  return bytes;
}

describe('the operations', () => {
  it('take the undamaged bodies', () => {
    const outcomes = bodies.map(([operation, body]) => `${operation} ${attempt(operation, body)}`);
    expect(outcomes).toEqual(
      bodies.map(([operation]) =>
        operation === 'PutRow'
          ? 'PutRow OTSConditionCheckFail'
          : `${operation} ${/^(Commit|Abort)/.test(operation) ? 'OTSSessionNotExist' : 'ok'}`,
      ),
    );
  });

  it('answer every cut with an error or a result', () => {
    for (const [operation, body] of bodies) {
      for (let length = 0; length < body.length; length++) attempt(operation, body.subarray(0, length));
    }
  });

  it('answer damaged bodies with errors of the protocol alone, and go on', () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(damage, { minLength: 1, maxLength: 6 }), (which, steps) => {
        ensureTable();
        const [operation, body] = bodies[which % bodies.length]!;
        attempt(operation, damaged(body, steps));
      }),
      { numRuns: 20_000 },
    );
    fixture.createTable('after', [{ name: 'a', type: 1 }]);
    fixture.write('PutRow', 'after', [['a', 1n]], [{ name: 'x', value: 'y' }]);
    expect(fixture.getRow('after', [['a', 1n]])!.cells[0]).toMatchObject({ name: 'x', value: 'y' });
  });

  it('answer random bytes with errors of the protocol alone', () => {
    fc.assert(
      fc.property(fc.nat(), fc.uint8Array({ maxLength: 200 }), (which, bytes) => {
        attempt(bodies[which % bodies.length]![0], Buffer.from(bytes));
      }),
      { numRuns: 5000 },
    );
  });
});

it('the decoder of rows takes any bytes, and a wrong checksum is never overlooked', () => {
  const good = encodeRow({ primaryKey: key(1n), cells });
  fc.assert(
    fc.property(fc.array(damage, { minLength: 1, maxLength: 4 }), (steps) => {
      try {
        decodeRows(damaged(good, steps));
      } catch (error) {
        expect(error).toBeInstanceOf(WireFormatError);
      }
    }),
    { numRuns: 5000 },
  );
  // CRC-8 finds every single bit that is turned: none may pass as another row.
  for (let bit = 32; bit < good.length * 8; bit++) {
    const bytes = Buffer.from(good);
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    expect(() => decodeRows(bytes), `bit ${bit}`).toThrow(WireFormatError);
  }
});
