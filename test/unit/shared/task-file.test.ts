import { describe, expect, it } from 'vitest';
import { noConnections, type Connections } from '../../../src/shared/connections.js';
import { RowferryError } from '../../../src/shared/errors.js';
import {
  issueError,
  parseConnections,
  parseTask,
  resolveTask,
  withTaskId,
} from '../../../src/shared/task-file.js';
import { taskJsonSchema } from '../../../src/shared/task-json-schema.js';

const good = `{
  // a comment that stays
  "version": 1,
  "name": "orders",
  "source": { "host": "127.0.0.1", "user": "dts", "password": "\${env:PW}" },
  "destination": {
    "endpoint": "\${env:ENDPOINT}", "instance": "local",
    "accessKeyId": "\${env:KEY}", "accessKeySecret": "\${env:SECRET}",
  },
  "objects": [{ "database": "shop" }]
}
`;

const environment: Record<string, string> = {
  PW: 'p$&w',
  ENDPOINT: 'http://127.0.0.1:8087',
  KEY: 'k',
  SECRET: 's',
};
const context = {
  file: 'orders.rowferry.json',
  fallbackName: 'orders',
  connections: noConnections,
  environment: (name: string) => environment[name],
};

function first(text: string) {
  const { issues } = parseTask(text);
  expect(issues.length).toBeGreaterThan(0);
  return issues[0]!;
}

describe('parseTask', () => {
  it('fills every default in', () => {
    const { value, issues } = parseTask(good);
    expect(issues).toEqual([]);
    expect(value).toMatchObject({
      conflict: 'report',
      dirtyData: { policy: 'block', keepDays: 30 },
      write: { batch: 'bulk-import', concurrency: 10 },
      retry: { connectionMinutes: 720, otherMinutes: 10 },
      synchronization: { schema: true, full: true, incremental: true },
      destination: { tables: { timeToLive: -1 }, tableLimit: 64 },
    });
  });

  it('takes dirtyData as a word', () => {
    expect(
      parseTask(good.replace('"version": 1', '"version": 1, "dirtyData": "skip"')).value?.dirtyData.policy,
    ).toBe('skip');
  });

  it.each([
    [
      '"version": 1',
      '"version": 1, "sorce": 1',
      { line: 3, key: 'sorce', message: 'unknown key; did you mean "source"?' },
    ],
    ['"host"', '"hots"', { line: 5, key: 'source.hots', message: /did you mean "hosts?"/ }],
    [
      '"shop"',
      '"shop", "tables": [{ "name": "a", "columns": { "x": { "renam": "y" } } }]',
      {
        line: 10,
        key: 'objects[0].tables[0].columns.x.renam',
        message: 'unknown key; did you mean "rename"?',
      },
    ],
    ['"user": "dts"', '"user": 5', { line: 5, key: 'source.user', message: 'must be a string' }],
    ['"user": "dts", ', '', { line: 5, key: 'source.user', message: 'missing; it must be a string' }],
    [
      '"version": 1',
      '"version": 1, "conflict": "ask"',
      { line: 3, key: 'conflict', message: 'must be "report" or "ignore"' },
    ],
    [
      '"version": 1',
      '"version": 1, "write": { "concurrency": 5, "buckets": 6 }',
      { line: 3, key: 'write.buckets', message: 'must be at most concurrency' },
    ],
    [
      '"version": 1',
      '"version": 1, "retry": { "connectionMinutes": 9, "otherMinutes": 5 }',
      { line: 3, key: 'retry.connectionMinutes', message: 'must be at least 10' },
    ],
    [
      '"version": 1',
      '"version": 1, "retry": { "connectionMinutes": 1441 }',
      { line: 3, key: 'retry.connectionMinutes', message: 'must be at most 1440' },
    ],
    [
      '"version": 1',
      '"version": 1, "retry": { "connectionMinutes": 30, "otherMinutes": 30 }',
      { line: 3, key: 'retry.otherMinutes', message: 'must be less than connectionMinutes' },
    ],
    [
      '"version": 1',
      '"version": 1, "dirtyData": "drop"',
      { line: 3, key: 'dirtyData', message: 'must be "block" or "skip" or an object' },
    ],
    ['[{ "database": "shop" }]', '[]', { line: 10, key: 'objects', message: 'must have at least 1 entry' }],
    [
      '"name": "orders"',
      '"name": "orders", "name": "other"',
      { line: 4, key: 'name', message: 'duplicate key' },
    ],
    [
      '"name": "orders",',
      '"name": "orders"',
      { line: 5, key: '', message: 'not valid JSON: comma expected' },
    ],
    [
      '"${env:ENDPOINT}"',
      '"ftp://x"',
      { line: 7, key: 'destination.endpoint', message: 'must be an http:// or https:// address' },
    ],
  ])('%s -> %s is located and explained', (from, to, expected) => {
    const text = good.replace(from, to);
    expect(text).not.toBe(good);
    const issue = first(text);
    expect(issue).toMatchObject({ line: expected.line, key: expected.key });
    if (expected.message instanceof RegExp) expect(issue.message).toMatch(expected.message);
    else expect(issue.message).toBe(expected.message);
  });

  it('reports every issue, in the order of the text', () => {
    const { issues } = parseTask('{ "objects": [{ "databse": "x" }], "nmae": 1 }');
    expect(issues.map((i) => i.key)).toEqual(
      expect.arrayContaining(['source', 'destination', 'objects[0].databse', 'nmae']),
    );
    expect(issues.map((i) => i.offset)).toEqual(issues.map((i) => i.offset).sort((a, b) => a - b));
  });

  it('names file, line and key in the error', () => {
    const error = issueError('a.rowferry.json', parseTask(good.replace('"user"', '"usr"')).issues);
    expect(error).toBeInstanceOf(RowferryError);
    expect(error.exitCode).toBe(2);
    expect(error.message).toMatch(/^a\.rowferry\.json:5:\d+: source/);
  });
});

describe('withTaskId', () => {
  it('adds an id behind the version and keeps the comments', () => {
    const { text, id, added } = withTaskId(good, () => 't-1');
    expect({ id, added }).toEqual({ id: 't-1', added: true });
    expect(text).toBe(good.replace('"version": 1,\n', '"version": 1,\n  "id": "t-1",\n'));
    expect(parseTask(text).value?.id).toBe('t-1');
  });

  it('leaves a text with an id alone', () => {
    const text = withTaskId(good, () => 't-1').text;
    expect(withTaskId(text, () => 't-2')).toEqual({ text, id: 't-1', added: false });
  });

  it('makes ids that the schema takes and that differ', () => {
    const made = new Set(Array.from({ length: 50 }, () => withTaskId(good).id));
    expect(made.size).toBe(50);
    for (const id of made) expect(parseTask(withTaskId(good, () => id).text).issues).toEqual([]);
  });
});

describe('resolveTask', () => {
  const task = { ...parseTask(good).value!, id: 't-1' };

  it('resolves variables, special characters included', () => {
    const resolved = resolveTask(task, context);
    expect(resolved.source.password).toBe('p$&w');
    expect(resolved.destination.endpoint).toBe('http://127.0.0.1:8087');
  });

  it('names key and variable when one is missing', () => {
    expect(() =>
      resolveTask(task, { ...context, environment: (n) => (n === 'SECRET' ? undefined : environment[n]) }),
    ).toThrow(
      expect.objectContaining({
        code: 'ROW-T103',
        message: expect.stringMatching(/destination\.accessKeySecret.*SECRET/),
      }),
    );
  });

  it('checks what a variable gave, without showing it', () => {
    const failure = () =>
      resolveTask(task, { ...context, environment: (n) => (n === 'ENDPOINT' ? 'hunter2' : environment[n]) });
    expect(failure).toThrow(
      expect.objectContaining({ code: 'ROW-T102', message: expect.stringContaining('destination.endpoint') }),
    );
    expect(failure).not.toThrow(/hunter2/);
  });

  it('looks connections up and keeps the table options of the task', () => {
    const connections: Connections = parseConnections(
      `{ "sources": { "Shop": { "user": "u", "password": "\${env:PW}" } },
         "destinations": { "Prod": { "endpoint": "http://h", "instance": "inst", "accessKeyId": "k", "accessKeySecret": "\${env:SECRET}", "tables": { "maxVersions": 3 } } } }`,
    ).value!;
    const named = parseTask(
      `{ "id": "x", "source": { "connection": "Shop" }, "destination": { "connection": "Prod", "tableLimit": 100 }, "objects": [{ "database": "d" }] }`,
    ).value!;
    const resolved = resolveTask({ ...named, id: 'x' }, { ...context, connections });
    expect(resolved.source).toMatchObject({ host: '127.0.0.1', password: 'p$&w' });
    expect(resolved.destination).toMatchObject({
      instance: 'inst',
      tableLimit: 100,
      accessKeySecret: 's',
      tables: { maxVersions: 3 },
    });
    expect(() =>
      resolveTask({ ...named, id: 'x', source: { connection: 'Shp' } }, { ...context, connections }),
    ).toThrow(expect.objectContaining({ code: 'ROW-T105', remedy: 'Use one of: Shop.' }));
  });
});

describe('taskJsonSchema', () => {
  it('knows every key with help, and forbids others', () => {
    const schema = taskJsonSchema();
    expect(schema.additionalProperties).toBe(false);
    expect(Object.keys(schema.properties!)).toEqual(
      expect.arrayContaining(['source', 'destination', 'objects', 'dirtyData', 'retry']),
    );
    expect(schema.properties!['write']!.properties!['buckets']!.description).toBeTruthy();
    expect(schema['required']).toEqual(['source', 'destination', 'objects']);
  });
});

describe('what is no task file at all (E9)', () => {
  it.each([
    ['nested lists', '['.repeat(100_000), /nested more than 100 levels deep/],
    ['nested lists, closed', '['.repeat(100_000) + ']'.repeat(100_000), /nested more than 100 levels deep/],
    ['nested objects', '{"a":'.repeat(50_000), /nested more than 100 levels deep/],
    ['nested below a key', good.replace('"shop"', '['.repeat(10_000)), /nested more than 100 levels deep/],
    ['100 MB', ' '.repeat(100_000_000), /longer than/],
    ['UTF-16 read as UTF-8', Buffer.from(good, 'utf16le').toString('utf8'), /UTF-8/],
    ['NUL', good.replace('orders', 'or\0ders'), /UTF-8/],
  ])('%s: one sentence', (_, text, message) => {
    for (const parse of [parseTask, parseConnections]) {
      const { value, issues } = parse(text);
      expect(value).toBeUndefined();
      expect(issues).toMatchObject([{ message: expect.stringMatching(message) as string }]);
    }
  });

  it('brackets in strings and comments are no nesting', () => {
    const text = good.replace('a comment', '['.repeat(500)).replace('"shop"', `"${'{'.repeat(200)}"`);
    expect(parseTask(text).issues.filter(({ message }) => message.includes('nested'))).toEqual([]);
  });
});
