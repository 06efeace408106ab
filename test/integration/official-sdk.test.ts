import TableStore, { type Client, type SdkAnswer } from 'tablestore';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLocalTablestore, type LocalTablestore } from '../../src/local-tablestore/index.js';

/**
 * Every call of the official JavaScript SDK against the embedded Tablestore: what the SDK sends is understood, what
 * it gets back it can read, and what is not there is refused in words.
 */
let server: LocalTablestore;
let client: Client;
/** Names of the calls that were made, to be compared with all that the SDK has. */
const called = new Set<string>();

beforeAll(async () => {
  server = await startLocalTablestore({ data: ':memory:', instance: 'sdk-test' });
  client = connect({});
  await create('rows', [
    ['part', 'STRING'],
    ['id', 'INTEGER'],
  ]);
});
afterAll(() => server.close());

const long = (value: number): object => TableStore.Long.fromNumber(value);
const { SingleColumnCondition, CompositeCondition, ColumnPaginationFilter, Condition } = TableStore;
const { ComparatorType: Compare, LogicalOperator: Logic, RowExistenceExpectation: Existence } = TableStore;
const ignore = new Condition(Existence.IGNORE, null);

function connect(changes: object): Client {
  const sdk = new TableStore.Client({
    accessKeyId: server.accessKeyId,
    secretAccessKey: server.accessKeySecret,
    endpoint: server.url,
    instancename: server.instance,
    maxRetries: 0,
    ...changes,
  });
  return new Proxy(sdk, {
    get(target, name: keyof Client) {
      called.add(name);
      return (request: object) => target[name](request);
    },
  });
}

async function create(tableName: string, key: [string, string, string?][], options = {}): Promise<void> {
  await client.createTable({
    tableMeta: { tableName, primaryKey: key.map(([name, type, option]) => ({ name, type, option })) },
    reservedThroughput: { capacityUnit: { read: 0, write: 0 } },
    tableOptions: { timeToLive: -1, maxVersions: 1, ...options },
  });
}

/** The SDK gives the HTTP status as the code, and the answer's bytes as the message. */
async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = (await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )) as { code: unknown; message: string } | undefined;
  if (!error) return 'no error';
  return `${String(error.code)} ${error.message}`;
}

const key = (part: string, id: number): object[] => [{ part }, { id: long(id) }];
const cellsOf = (row: SdkAnswer): Record<string, unknown> =>
  Object.fromEntries(
    ((row.attributes ?? []) as SdkAnswer[]).map((cell) => [cell.columnName, plain(cell.columnValue)]),
  );
const keyOf = (row: SdkAnswer): unknown[] => (row.primaryKey as SdkAnswer[]).map((part) => plain(part.value));
const plain = (value: SdkAnswer): unknown =>
  typeof value === 'object' && value !== null && 'toNumber' in value && !Buffer.isBuffer(value)
    ? value.toNumber()
    : value;
const put = (part: string, id: number, attributeColumns: object[], rest = {}): Promise<SdkAnswer> =>
  client.putRow({
    tableName: 'rows',
    condition: ignore,
    primaryKey: key(part, id),
    attributeColumns,
    ...rest,
  });
const get = async (part: string, id: number, rest = {}): Promise<Record<string, unknown>> =>
  cellsOf((await client.getRow({ tableName: 'rows', primaryKey: key(part, id), ...rest })).row);

describe('tables', () => {
  it('are made, listed, described, changed and deleted', async () => {
    await create('made', [['id', 'INTEGER']], { maxVersions: 3, maxTimeDeviation: 1000, allowUpdate: false });
    expect((await client.listTable({})).tableNames).toEqual(['made', 'rows']);
    const described = await client.describeTable({ tableName: 'made' });
    expect(described.tableMeta.primaryKey[0]).toMatchObject({ name: 'id', type: 1 });
    expect(described.tableOptions).toMatchObject({ timeToLive: -1, maxVersions: 3, allowUpdate: false });
    expect(described.tableStatus).toBe(1);
    await client.updateTable({
      tableName: 'made',
      tableOptions: { maxVersions: 7, timeToLive: 86400, allowUpdate: true },
    });
    expect((await client.describeTable({ tableName: 'made' })).tableOptions).toMatchObject({
      timeToLive: 86400,
      maxVersions: 7,
      allowUpdate: true,
    });
    await client.deleteTable({ tableName: 'made' });
    expect((await client.listTable({})).tableNames).toEqual(['rows']);
    expect(await refusal(client.describeTable({ tableName: 'made' }))).toMatch(
      /^404 .*OTSObjectNotExist.*Requested table does not exist\./s,
    );
    expect(await refusal(create('rows', [['id', 'INTEGER']]))).toMatch(/^409 .*OTSObjectAlreadyExist/s);
  });
});

describe('rows', () => {
  it('are put, read, updated and deleted, with every type of value', async () => {
    const blob = Buffer.from([0, 1, 254, 255]);
    await put('types', 1, [
      { text: '表格存储 😀' },
      { whole: long(-5) },
      { real: 1.5 },
      { yes: true },
      { bytes: blob },
    ]);
    expect(await get('types', 1)).toEqual({
      text: '表格存储 😀',
      whole: -5,
      real: 1.5,
      yes: true,
      bytes: blob,
    });
    expect(await get('types', 1, { columnsToGet: ['real', 'yes'] })).toEqual({ real: 1.5, yes: true });
    expect(await get('types', 1, { startColumn: 'real', endColumn: 'whole' })).toEqual({
      real: 1.5,
      text: '表格存储 😀',
    });
    await client.updateRow({
      tableName: 'rows',
      condition: new Condition(Existence.EXPECT_EXIST, null),
      primaryKey: key('types', 1),
      updateOfAttributeColumns: [
        { PUT: [{ real: 2.5 }, { more: 'x' }] },
        { DELETE_ALL: ['text', 'yes', 'bytes'] },
      ],
    });
    expect(await get('types', 1)).toEqual({ whole: -5, real: 2.5, more: 'x' });
    await client.deleteRow({ tableName: 'rows', condition: ignore, primaryKey: key('types', 1) });
    expect((await client.getRow({ tableName: 'rows', primaryKey: key('types', 1) })).row).toEqual({});
  });

  it('keep versions, and give those that a time range or a number asks for', async () => {
    await create('versions', [['id', 'INTEGER']], { maxVersions: 3 });
    const now = Date.now();
    const at = (n: number): number => now - 10_000 + n;
    const primaryKey = [{ id: long(1) }];
    for (const n of [1, 2, 3, 4]) {
      await client.updateRow({
        tableName: 'versions',
        condition: ignore,
        primaryKey,
        updateOfAttributeColumns: [{ PUT: [{ a: `v${n}`, timestamp: long(at(n)) }] }],
      });
    }
    const values = async (rest: object): Promise<unknown[]> =>
      (await client.getRow({ tableName: 'versions', primaryKey, ...rest })).row.attributes?.map(
        (cell: SdkAnswer) => cell.columnValue,
      ) ?? [];
    expect(await values({ maxVersions: 10 })).toEqual(['v4', 'v3', 'v2']);
    expect(await values({ maxVersions: 2 })).toEqual(['v4', 'v3']);
    expect(await values({ maxVersions: 10, timeRange: { startTime: at(2), endTime: at(4) } })).toEqual([
      'v3',
      'v2',
    ]);
    await client.updateRow({
      tableName: 'versions',
      condition: ignore,
      primaryKey,
      updateOfAttributeColumns: [{ DELETE: [{ a: long(at(3)) }] }],
    });
    expect(await values({ maxVersions: 10 })).toEqual(['v4', 'v2']);
    await client.deleteTable({ tableName: 'versions' });
  });

  it('count up, and give back what they come to', async () => {
    const increment = (by: number): Promise<SdkAnswer> =>
      client.updateRow({
        tableName: 'rows',
        condition: ignore,
        primaryKey: key('counter', 1),
        updateOfAttributeColumns: [{ INCREMENT: [{ n: long(by) }] }],
        returnContent: { returnType: TableStore.ReturnType.AfterModify, returnColumns: ['n'] },
      });
    expect(cellsOf((await increment(5)).row)).toEqual({ n: 5 });
    expect(cellsOf((await increment(-7)).row)).toEqual({ n: -2 });
    expect(await get('counter', 1)).toEqual({ n: -2 });
  });

  it('get keys of their own where a column counts up by itself', async () => {
    await create('auto', [
      ['part', 'STRING'],
      ['id', 'INTEGER', 'AUTO_INCREMENT'],
    ]);
    const add = async (): Promise<unknown[]> => {
      const answer = await client.putRow({
        tableName: 'auto',
        condition: ignore,
        primaryKey: [{ part: 'a' }, { id: TableStore.PK_AUTO_INCR }],
        attributeColumns: [{ x: 1 }],
        returnContent: { returnType: TableStore.ReturnType.Primarykey },
      });
      return keyOf(answer.row);
    };
    const [first, second] = [await add(), await add()];
    expect(first[0]).toBe('a');
    expect(second[1] as number).toBeGreaterThan(first[1] as number);
    await client.deleteTable({ tableName: 'auto' });
  });

  it('are written under conditions only', async () => {
    await put('condition', 1, [{ a: long(3) }, { b: 'x' }]);
    const attempt = (condition: object): Promise<string> =>
      refusal(put('condition', 1, [{ a: long(3) }, { b: 'x' }], { condition }));
    const a = (value: number, comparator: number, ...rest: boolean[]): object =>
      new SingleColumnCondition('a', long(value), comparator, ...rest);
    const failed = /^403 .*OTSConditionCheckFail.*Condition check failed\./s;
    expect(await attempt(new Condition(Existence.EXPECT_NOT_EXIST, null))).toMatch(failed);
    expect(await attempt(new Condition(Existence.EXPECT_EXIST, null))).toBe('no error');
    expect(await attempt(new Condition(Existence.IGNORE, a(3, Compare.EQUAL)))).toBe('no error');
    expect(await attempt(new Condition(Existence.IGNORE, a(3, Compare.LESS_THAN)))).toMatch(failed);
    const missing = (pass: boolean): object =>
      new Condition(Existence.IGNORE, new SingleColumnCondition('none', 'x', Compare.EQUAL, pass));
    expect(await attempt(missing(true))).toBe('no error');
    expect(await attempt(missing(false))).toMatch(failed);
    const both = new CompositeCondition(Logic.AND);
    both.addSubCondition(a(2, Compare.GREATER_THAN));
    both.addSubCondition(new SingleColumnCondition('b', 'y', Compare.EQUAL));
    expect(await attempt(new Condition(Existence.IGNORE, both))).toMatch(failed);
  });
});

describe('batches', () => {
  it('write and read rows, each with an outcome of its own', async () => {
    await create('other', [['id', 'INTEGER']]);
    const written = await client.batchWriteRow({
      tables: [
        {
          tableName: 'rows',
          rows: [
            { type: 'PUT', condition: ignore, primaryKey: key('batch', 1), attributeColumns: [{ a: 'one' }] },
            {
              type: 'UPDATE',
              condition: ignore,
              primaryKey: key('batch', 2),
              attributeColumns: [{ PUT: [{ a: 'two' }] }],
            },
            {
              type: 'DELETE',
              condition: new Condition(Existence.EXPECT_EXIST, null),
              primaryKey: key('batch', 3),
            },
          ],
        },
        {
          tableName: 'other',
          rows: [{ type: 'PUT', condition: ignore, primaryKey: [{ id: long(9) }], attributeColumns: [] }],
        },
      ],
    });
    expect(written.tables.map((row: SdkAnswer) => [row.tableName, row.isOk, row.errorCode])).toEqual([
      ['rows', true, null],
      ['rows', true, null],
      ['rows', false, 'OTSConditionCheckFail'],
      ['other', true, null],
    ]);
    const read = await client.batchGetRow({
      tables: [
        { tableName: 'rows', primaryKey: [key('batch', 1), key('batch', 2), key('batch', 3)] },
        { tableName: 'other', primaryKey: [[{ id: long(9) }]] },
        { tableName: 'nowhere', primaryKey: [[{ id: long(9) }]] },
      ],
    });
    const [rows, others, nowhere] = read.tables as SdkAnswer[];
    expect(rows.map(cellsOf)).toEqual([{ a: 'one' }, { a: 'two' }, {}]);
    expect(keyOf(others[0])).toEqual([9]);
    expect(nowhere[0]).toMatchObject({ isOk: false, errorCode: 'OTSObjectNotExist' });
    await client.deleteTable({ tableName: 'other' });
  });

  it('are refused as a whole when they are too many, or name a key twice', async () => {
    const row = (id: number): object => ({
      type: 'PUT',
      condition: ignore,
      primaryKey: key('many', id),
      attributeColumns: [{ a: 'x' }],
    });
    const write = (rows: object[]): Promise<unknown> =>
      client.batchWriteRow({ tables: [{ tableName: 'rows', rows }] });
    expect(await refusal(write(Array.from({ length: 200 }, (_, n) => row(n))))).toBe('no error');
    expect(await refusal(write(Array.from({ length: 201 }, (_, n) => row(n))))).toMatch(
      /^400 .*OTSParameterInvalid.*Rows count exceeds the upper limit: 200\./s,
    );
    expect(await refusal(write([row(1), row(1)]))).toMatch(/^400 .*OTSParameterInvalid/s);
    server.setLimits({ repeatedKeys: 'allow' });
    expect(await refusal(write([row(1), row(1)]))).toBe('no error');
    server.setLimits({});
    const primaryKey = Array.from({ length: 101 }, (_, n) => key('many', n));
    expect(await refusal(client.batchGetRow({ tables: [{ tableName: 'rows', primaryKey }] }))).toMatch(
      /^400 .*Rows count exceeds the upper limit: 100\./s,
    );
  });
});

describe('ranges', () => {
  const range = (rest: object): Promise<SdkAnswer> =>
    client.getRange({
      tableName: 'rows',
      direction: TableStore.Direction.FORWARD,
      inclusiveStartPrimaryKey: [{ part: 'range' }, { id: TableStore.INF_MIN }],
      exclusiveEndPrimaryKey: [{ part: 'range' }, { id: TableStore.INF_MAX }],
      ...rest,
    });
  const ids = (answer: SdkAnswer): unknown[] => answer.rows.map((row: SdkAnswer) => keyOf(row)[1]);

  beforeAll(async () => {
    for (let id = -3; id <= 3; id++) {
      await put('range', id, [{ a: long(id) }, { b: id % 2 === 0 ? 'even' : 'odd' }, { c: 'c' }]);
    }
  });

  it('go both ways, in pages', async () => {
    const first = await range({ limit: 4 });
    expect(ids(first)).toEqual([-3, -2, -1, 0]);
    expect((first.nextStartPrimaryKey as SdkAnswer[]).map(({ value }) => plain(value))).toEqual(['range', 1]);
    const second = await range({ inclusiveStartPrimaryKey: key('range', 1), limit: 4 });
    expect(ids(second)).toEqual([1, 2, 3]);
    expect(second.nextStartPrimaryKey).toBeNull();
    const back = await range({
      direction: TableStore.Direction.BACKWARD,
      inclusiveStartPrimaryKey: [{ part: 'range' }, { id: TableStore.INF_MAX }],
      exclusiveEndPrimaryKey: key('range', 0),
    });
    expect(ids(back)).toEqual([3, 2, 1]);
    expect(
      await refusal(
        range({ inclusiveStartPrimaryKey: key('range', 2), exclusiveEndPrimaryKey: key('range', 1) }),
      ),
    ).toMatch(/^400 .*Begin key must less than end key in FORWARD/s);
  });

  it('filter rows and page through columns', async () => {
    const filter = new CompositeCondition(Logic.OR);
    filter.addSubCondition(new SingleColumnCondition('a', long(2), Compare.GREATER_EQUAL));
    filter.addSubCondition(new SingleColumnCondition('a', long(-3), Compare.EQUAL));
    expect(ids(await range({ columnFilter: filter }))).toEqual([-3, 2, 3]);
    const not = new CompositeCondition(Logic.NOT);
    not.addSubCondition(new SingleColumnCondition('b', 'odd', Compare.EQUAL));
    expect(ids(await range({ columnFilter: not }))).toEqual([-2, 0, 2]);
    const page = await range({ columnFilter: new ColumnPaginationFilter(1, 1), limit: 1 });
    expect(cellsOf(page.rows[0])).toEqual({ b: 'odd' });
  });
});

describe('local transactions', () => {
  it('are committed or aborted as a whole', async () => {
    await put('txn', 1, [{ a: 'before' }]);
    const begin = async (): Promise<string> =>
      (await client.startLocalTransaction({ tableName: 'rows', primaryKey: [{ part: 'txn' }] }))
        .transactionId;
    const aborted = await begin();
    await put('txn', 1, [{ a: 'lost' }], { transactionId: aborted });
    expect(await get('txn', 1, { transactionId: aborted })).toEqual({ a: 'lost' });
    expect(await get('txn', 1)).toEqual({ a: 'before' });
    expect(await refusal(put('txn', 1, [{ a: 'other' }]))).toMatch(/^409 .*OTSRowOperationConflict/s);
    await client.abortTransaction({ transactionId: aborted });
    expect(await get('txn', 1)).toEqual({ a: 'before' });
    const committed = await begin();
    await put('txn', 1, [{ a: 'after' }], { transactionId: committed });
    await client.commitTransaction({ transactionId: committed });
    expect(await get('txn', 1)).toEqual({ a: 'after' });
    expect(await refusal(client.commitTransaction({ transactionId: committed }))).toMatch(
      /^404 .*OTSSessionNotExist/s,
    );
  });
});

describe('who may not', () => {
  it('is told why', async () => {
    const as = (changes: object): Promise<string> => refusal(connect(changes).listTable({}));
    expect(await as({ secretAccessKey: 'wrong' })).toMatch(/^403 .*OTSAuthFailed.*Signature mismatch\./s);
    expect(await as({ accessKeyId: 'wrong' })).toMatch(
      /^403 .*OTSAuthFailed.*The AccessKeyID does not exist\./s,
    );
    expect(await as({ instancename: 'wrong' })).toMatch(/^403 .*OTSAuthFailed.*The instance is not found\./s);
    expect(await as({ stsToken: 'a token is accepted, whatever it says' })).toBe('no error');
  });
});

describe('what the embedded Tablestore does not have', () => {
  const query = { queryType: TableStore.QueryType.MATCH_ALL_QUERY };
  const refused: Record<string, object> = {
    createIndex: {
      mainTableName: 'rows',
      indexMeta: { name: 'i', primaryKey: ['id', 'part'], definedColumn: ['a'] },
      includeBaseData: false,
    },
    dropIndex: { mainTableName: 'rows', indexName: 'i' },
    createSearchIndex: { tableName: 'rows', indexName: 'i', schema: { fieldSchemas: [] } },
    describeSearchIndex: { tableName: 'rows', indexName: 'i' },
    updateSearchIndex: { tableName: 'rows', indexName: 'i', timeToLive: -1 },
    deleteSearchIndex: { tableName: 'rows', indexName: 'i' },
    search: {
      tableName: 'rows',
      indexName: 'i',
      searchQuery: { limit: 1, query },
      columnToGet: { returnType: TableStore.ColumnReturnType.RETURN_ALL },
    },
    computeSplits: { tableName: 'rows', searchIndexSplitsOptions: { indexName: 'i' } },
    parallelScan: {
      tableName: 'rows',
      indexName: 'i',
      columnToGet: { returnType: TableStore.ColumnReturnType.RETURN_ALL_INDEX },
      scanQuery: { query, limit: 1, aliveTime: 1, currentParallelId: 0, maxParallel: 1 },
    },
    sqlQuery: { query: 'show tables' },
  };
  it.each(Object.entries(refused))('refuses %s in words', async (name, request) => {
    expect(await refusal(client[name as keyof Client](request))).toMatch(
      /^400 .*OTSUnsupportOperation.*not supported by the embedded Tablestore\./s,
    );
  });

  it('has no search index', async () => {
    expect((await client.listSearchIndex({ tableName: 'rows' })).indices).toEqual([]);
  });

  it('refuses the calls that speak JSON in JSON, and no call of the SDK was left out', async () => {
    const own = ['constructor', 'makeRequest', 'makeJsonRequest'];
    const calls = Object.keys(TableStore.Client.prototype).filter(
      (name) => !own.includes(name) && !/^(setup|populate|build|compute.*Md5|extract|addAll)/.test(name),
    );
    expect(calls.length).toBeGreaterThan(40);
    for (const name of calls.filter((call) => /Knowledge|Document|Chunk|Memor|retrieve/.test(call))) {
      expect(await refusal(client[name as keyof Client]({ name: 'x' })), name).toMatch(
        /^OTSUnsupportOperation .*not supported by the embedded Tablestore\./,
      );
    }
    expect(calls.filter((name) => !called.has(name))).toEqual([]);
  });
});
