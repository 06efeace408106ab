import { OtsError } from '../../../src/local-tablestore/base/errors.js';
import { Faults } from '../../../src/local-tablestore/base/faults.js';
import { runOperation } from '../../../src/local-tablestore/operations/index.js';
import { Service, type ServiceLimits } from '../../../src/local-tablestore/operations/service.js';
import { Store } from '../../../src/local-tablestore/storage/store.js';
import type { Message } from '../../../src/tablestore/wire/codec.js';
import {
  CreateTableRequest,
  Direction,
  GetRangeRequest,
  GetRangeResponse,
  GetRowRequest,
  GetRowResponse,
  PutRowRequest,
  WriteRowResponse,
} from '../../../src/tablestore/wire/messages.js';
import { decodeRows, type DecodedRow } from '../../../src/tablestore/wire/plainbuffer.js';
import { encodeRow, type CellInput, type KeyPart } from '../../support/plainbuffer-encoder.js';

export type Key = readonly (readonly [string, KeyPart])[];

/** The operations without HTTP: a service in memory with a clock that a test sets. */
export class ServiceFixture {
  nowMs = 1_700_000_000_000;
  readonly store = Store.open(':memory:', 'local');
  readonly service: Service;

  constructor(limits: ServiceLimits = {}) {
    this.service = new Service(this.store, limits, false, new Faults([]), () => this.nowMs);
  }

  run(operation: string, body: Buffer): Buffer {
    // A copy, as the answer would leave over the network: later requests use the same memory again.
    return Buffer.from(runOperation(this.service, operation, Buffer.from(body)));
  }

  /** The code and message with which an operation fails. */
  failure(operation: string, body: Buffer): string {
    try {
      this.run(operation, body);
    } catch (error) {
      if (error instanceof OtsError) return `${error.status} ${error.code} ${error.message}`;
      throw error;
    }
    return 'no error';
  }

  createTable(
    tableName: string,
    primaryKey: { name: string; type: number; option?: number }[],
    options: Message<typeof CreateTableRequest>['tableOptions'] = {},
    rest: Partial<Message<typeof CreateTableRequest>> = {},
  ): void {
    this.run(
      'CreateTable',
      CreateTableRequest.encode({
        tableMeta: { tableName, primaryKey, definedColumn: [] },
        reservedThroughput: { capacityUnit: { read: 0, write: 0 } },
        tableOptions: { timeToLive: -1, maxVersions: 1, deviationCellVersionInSec: 1n << 40n, ...options },
        partitions: [],
        indexMetas: [],
        ...rest,
      }),
    );
  }

  write(
    operation: 'PutRow' | 'UpdateRow' | 'DeleteRow',
    tableName: string,
    primaryKey: Key,
    cells: readonly CellInput[] = [],
    rest: Partial<Message<typeof PutRowRequest>> = {},
  ): Message<typeof WriteRowResponse> {
    return WriteRowResponse.decode(
      this.run(operation, this.writeBody(operation, tableName, primaryKey, cells, rest)),
    );
  }

  writeBody(
    operation: string,
    tableName: string,
    primaryKey: Key,
    cells: readonly CellInput[] = [],
    rest: Partial<Message<typeof PutRowRequest>> = {},
  ): Buffer {
    const row = encodeRow({ primaryKey, cells, deleteMarker: operation === 'DeleteRow' });
    return PutRowRequest.encode({ tableName, row, condition: { rowExistence: 0 }, ...rest });
  }

  getRow(
    tableName: string,
    primaryKey: Key,
    rest: Partial<Message<typeof GetRowRequest>> = { maxVersions: 1 },
  ): DecodedRow | undefined {
    const body = GetRowRequest.encode({
      tableName,
      primaryKey: encodeRow({ primaryKey }),
      columnsToGet: [],
      ...rest,
    });
    return decodeRows(GetRowResponse.decode(this.run('GetRow', body)).row)[0];
  }

  getRange(
    tableName: string,
    start: Key,
    end: Key,
    rest: Partial<Message<typeof GetRangeRequest>> = {},
  ): { rows: DecodedRow[]; next: DecodedRow | undefined } {
    const response = GetRangeResponse.decode(
      this.run('GetRange', this.rangeBody(tableName, start, end, rest)),
    );
    return {
      rows: decodeRows(response.rows),
      next: response.nextStartPrimaryKey && decodeRows(response.nextStartPrimaryKey)[0],
    };
  }

  rangeBody(
    tableName: string,
    start: Key,
    end: Key,
    rest: Partial<Message<typeof GetRangeRequest>> = {},
  ): Buffer {
    return GetRangeRequest.encode({
      tableName,
      direction: Direction.FORWARD,
      columnsToGet: [],
      maxVersions: 1,
      inclusiveStartPrimaryKey: encodeRow({ primaryKey: start }),
      exclusiveEndPrimaryKey: encodeRow({ primaryKey: end }),
      ...rest,
    });
  }
}
