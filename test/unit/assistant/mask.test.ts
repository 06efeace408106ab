import { expect, it } from 'vitest';
import * as z from 'zod';
import { Assistant } from '../../../src/assistant/assistant.js';
import { maskError, maskRow, maskValue, withoutSecrets } from '../../../src/assistant/base/mask.js';
import { defineTool, type KnownTask, type ToolHost } from '../../../src/assistant/base/tool.js';
import { Confirmations } from '../../../src/assistant/confirmations.js';
import { tools } from '../../../src/assistant/tools/index.js';
import { RowferryError } from '../../../src/shared/errors.js';
import { plainWords } from '../../../src/shared/format.js';
import type { TaskSnapshot } from '../../../src/shared/snapshot.js';
import { taskSchema, type ResolvedTask } from '../../../src/shared/task.js';

it.each([
  [null, 'NULL'],
  ['', 'empty text'],
  ['***', 'masked by the task'],
  ['0xdeadbeef', 'binary, 4 bytes'],
  ['-42', 'integer, 2 digits'],
  ['3.25', 'number, 4 characters'],
  ['2026-01-02 03:04:05.678', 'date or time'],
  ['2026-01-02', 'date or time'],
  ['a', 'text, 1 character'],
  ['🚢 by sea', 'text, 8 characters'],
])('of %s only kind and length are told', (value, masked) => {
  expect(maskValue(value)).toBe(masked);
});

it('columns keep their names', () => {
  expect(maskRow({ id: '7', name: 'Ada' })).toEqual({ id: 'integer, 1 digit', name: 'text, 3 characters' });
});

const error = (code: string, message: string) => ({ code, message, remedy: 'Do it.' });
const row = { id: '77', mail: 'ada@example.com', n: '18446744073709551615', status: 'mail' };

it.each([
  [
    'ROW-V102',
    'Column mail: the value is longer than 16 MB.',
    'Column mail: the value is longer than 16 MB.',
  ],
  ['ROW-V107', "Incorrect DATE value: 'ada@example.com'", "Incorrect DATE value: '…'"],
  ['ROW-V107', "Truncated 'it''s mine' and \"this too\"", 'Truncated \'…\' and "…"'],
  ['ROW-V101', 'The value 18446744073709551615 of n, of ada@example.com', 'The value … of n, of …'],
  ['ROW-V101', 'row 77 of 770 has 77', 'row … of 770 has …'],
  ['ROW-V107', "Incorrect DATE value: 'O'Brien, 4 Elm St' for column 'born'", "Incorrect DATE value: '…'"],
  ['ROW-S111', "Incorrect DATE value: 'C:\\' for x", "Incorrect DATE value: '…' for x"],
  ['ROW-S111', "Value of 'a' is 'a secret that is cut …", "Value of '…'"],
  ['ROW-V106', '154.5 is not a whole number', '… is not a whole number'],
  ['ROW-V101', "Unknown column 'mail'", "Unknown column 'mail'"],
])('the message of a dirty row loses the values of the row: %s %s', (code, message, masked) => {
  expect(maskError(error(code, message), row).message).toBe(masked);
});

it('a message without its row: of a row’s problem the meaning, of a server’s words what is not quoted', () => {
  expect(maskError(error('ROW-V105', 'A row could not be written: ada')).message).toBe(
    'The task is waiting for a decision on dirty records (rows that could not be written).',
  );
  expect(maskError(error('ROW-V999', 'ada')).message).toBe('A row has a problem.');
  expect(maskError(error('ROW-S111', "Truncated incorrect DOUBLE value: 'ada'")).message).toBe(
    "Truncated incorrect DOUBLE value: '…'",
  );
  expect(maskError(error('ROW-S102', "Access denied for user 'dts'@'host'")).message).toContain(
    "'dts'@'host'",
  );
});

it('secrets are taken out of every text, the longest first', () => {
  expect(withoutSecrets({ a: ['x tok-1 y', 5, null], b: { c: 'tok-12' } }, ['tok-1', 'tok-12'])).toEqual({
    a: ['x (hidden) y', 5, null],
    b: { c: '(hidden)' },
  });
});

const known: KnownTask = { name: 'n', file: '/n', shown: 'n' };
const task = {
  name: 'n',
  ...taskSchema.parse({
    id: 't-n',
    source: { host: 'h', user: 'u', password: 'quoted"9d/x' },
    destination: {
      endpoint: 'https://e',
      instance: 'ins',
      accessKeyId: 'the-key',
      accessKeySecret: 'the-secret',
    },
    objects: [{ database: 'd' }],
    alerts: { webhook: 'https://hook/private', webhookSecret: 'hook-secret' },
  }),
} as ResolvedTask;
const host: ToolHost = {
  t: plainWords,
  tasks: () => Promise.resolve({ tasks: [known] }),
  resolve: () => Promise.resolve(task),
  engine: () => Promise.reject(new RowferryError('ROW-E104', 'no engine')),
  differences: () => [],
  start: () => Promise.resolve(),
  retryDirty: () => Promise.resolve(0),
  onVerifyProgress: () => () => {},
};
const call = { signal: new AbortController().signal, progress: () => {} };

it('a tool that tells what it was given tells no secret: the net is below all of them', async () => {
  const careless = defineTool({
    name: 'tell_all',
    title: '',
    hint: '',
    description: '',
    parameters: z.object({ fail: z.boolean() }),
    effect: 'reads',
    async run(given, { fail }) {
      const resolved = await given.resolve(known);
      if (fail) throw new RowferryError('ROW-S101', JSON.stringify(resolved));
      return { summary: JSON.stringify(resolved), data: { resolved }, next: [JSON.stringify(resolved)] };
    },
  });
  const assistant = new Assistant(host);
  for (const fail of [false, true]) {
    const { isError, content } = await assistant.call(careless, { fail }, call);
    expect(isError).toBe(fail);
    const text = JSON.stringify(content);
    expect(text).toContain('(hidden)');
    for (const secret of ['the-key', 'the-secret', 'https://hook/private', 'hook-secret'])
      expect(text).not.toContain(secret);
  }
  const { content } = await assistant.call(careless, { fail: false }, call);
  expect((content['resolved'] as ResolvedTask).source.password).toBe('(hidden)');
  expect(JSON.stringify(content)).not.toContain('9d');
});

it('parameters that do not fit, and defects, are answers too', async () => {
  const assistant = new Assistant(host);
  const [status] = tools.filter(({ name }) => name === 'task_status');
  expect(await assistant.call(status!, {}, call)).toMatchObject({
    isError: true,
    content: { error: { code: 'ROW-T104', message: expect.stringContaining('task') as unknown } },
  });
  expect(await assistant.call(status!, { task: 'n' }, call)).toMatchObject({
    isError: true,
    content: { error: { code: 'ROW-E104' } },
  });
});

it('a confirmation is good once, for the same plan of the same call, for a while', () => {
  let now = 0;
  const confirmations = new Confirmations(() => now);
  const reload = tools.find(({ name }) => name === 'reload_table')!;
  const given = { task: 'a', table: 'b.c' };
  expect(confirmations.take(reload, given, 'x')).toBe(false);
  confirmations.told(reload, { table: 'b.c', task: 'a' }, 'x');
  expect(confirmations.take(reload, given, 'x')).toBe(true);
  expect(confirmations.take(reload, given, 'x')).toBe(false);
  confirmations.told(reload, given, 'x');
  expect(confirmations.take(reload, { ...given, table: 'b.d' }, 'x')).toBe(false);
  expect(confirmations.take(reload, given, 'y')).toBe(false);
  expect(confirmations.take(reload, given, 'x')).toBe(false);
  confirmations.told(reload, given, 'x');
  now = 15 * 60_000 + 1;
  expect(confirmations.take(reload, given, 'x')).toBe(false);
});

it('apply_changes changes nothing, not even what could be tuned, when the rest cannot be taken', async () => {
  const called: string[] = [];
  const snapshot = { id: 't-n', file: '/n', state: 'running', tables: [] } as unknown as TaskSnapshot;
  const engine = {
    snapshots: () => Promise.resolve([snapshot]),
    planChanges: () =>
      Promise.resolve({ added: [], changed: [], removed: [], atNextStart: [], problems: ['Not this key.'] }),
    tune: () => Promise.resolve(void called.push('tune')),
    applyChanges: () => Promise.resolve(void called.push('applyChanges')),
  };
  const assistant = new Assistant({
    ...host,
    engine: () => Promise.resolve(engine as unknown as Awaited<ReturnType<ToolHost['engine']>>),
    differences: () => ['objects', 'throttle'],
  });
  const apply = tools.find(({ name }) => name === 'apply_changes')!;
  expect(await assistant.call(apply, { task: 'n' }, call)).toMatchObject({
    isError: true,
    content: { error: { code: 'ROW-T106', message: 'Not this key.' } },
  });
  expect(called).toEqual([]);
});
