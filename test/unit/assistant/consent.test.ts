import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { Assistant } from '../../../src/assistant/assistant.js';
import type { KnownTask, ToolHost } from '../../../src/assistant/base/tool.js';
import { tools } from '../../../src/assistant/tools/index.js';
import { findTasks } from '../../../src/cli/mcp/host.js';
import { plainWords } from '../../../src/shared/format.js';
import { taskSchema, type ResolvedTask } from '../../../src/shared/task.js';

/** What a person agrees to names every server, and what is deleted; what is given up does not begin. */

const folder = mkdtempSync(join(tmpdir(), 'rowferry-consent-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const task = (change: object = {}) =>
  ({
    name: 'n',
    ...taskSchema.parse({
      id: 't-n',
      source: { host: 'db.example', user: 'u' },
      destination: {
        endpoint: 'https://ins.cn-hangzhou.ots.aliyuncs.com',
        instance: 'ins',
        accessKeyId: 'the-key',
        accessKeySecret: 'the-secret',
      },
      objects: [{ database: 'd', tables: [{ name: 'a', filter: 'x > 1' }, { name: 'b' }] }],
      ...change,
    }),
  }) as ResolvedTask;
const known: KnownTask = { name: 'n', file: '/n', shown: 'n', task: task() };

interface Asked {
  verify: unknown[][];
  cancelVerify: unknown[][];
}
function hostOf(resolved: ResolvedTask, asked: Asked = { verify: [], cancelVerify: [] }): ToolHost {
  const engine = {
    snapshots: () => Promise.resolve([]),
    verify: (...given: unknown[]) => {
      asked.verify.push(given);
      return new Promise(() => {});
    },
    cancelVerify: (...given: unknown[]) => Promise.resolve(void asked.cancelVerify.push(given)),
  };
  return {
    t: plainWords,
    tasks: () => Promise.resolve({ tasks: [known] }),
    resolve: () => Promise.resolve(resolved),
    engine: () => Promise.resolve(engine as unknown as Awaited<ReturnType<ToolHost['engine']>>),
    differences: () => [],
    start: () => Promise.resolve(),
    retryDirty: () => Promise.resolve(0),
    onVerifyProgress: () => () => {},
  };
}
const toolOf = (name: string) => tools.find((one) => one.name === name)!;
const says = async (name: string, resolved: ResolvedTask) => {
  const plan = await new Assistant(hostOf(resolved)).plan(toolOf(name), { task: 'n' });
  return 'says' in plan ? plan.says : '';
};

it('a start names both servers and where alerts go, and of the webhook no more than its host', async () => {
  const plain = await says('start_task', task());
  expect(plain).toContain('from MySQL db.example:3306 to Tablestore ins (ins.cn-hangzhou.ots.aliyuncs.com).');
  expect(plain).not.toContain('Alerts');
  const alerting = await says(
    'start_task',
    task({ alerts: { webhook: 'https://hooks.example/services/private' } }),
  );
  expect(alerting).toContain('Alerts go to hooks.example.');
  expect(alerting).not.toContain('private');
});

it('a repair names both servers, and what a filter or a transformation makes it delete', async () => {
  const filtered = await says('repair_rows', task());
  expect(filtered).toContain('db.example:3306');
  expect(filtered).toContain('ins (ins.cn-hangzhou.ots.aliyuncs.com)');
  expect(filtered).toContain('Rows that do not pass their filter are deleted there too: d.a (x > 1).');
  expect(filtered).not.toContain('transformation');
  const whole = await says('repair_rows', task({ objects: [{ database: 'd' }], etl: 'e_drop()' }));
  expect(whole).not.toContain('filter');
  expect(whole).toContain('rows that the transformation drops');
});

it('a comparison that is given up before it begins does not begin', async () => {
  const asked: Asked = { verify: [], cancelVerify: [] };
  const aborting = new AbortController();
  const host = hostOf(task(), asked);
  const slow: ToolHost = {
    ...host,
    resolve: async (one) => {
      aborting.abort();
      return host.resolve(one);
    },
  };
  const call = { signal: aborting.signal, progress: () => {} };
  expect(await new Assistant(slow).call(toolOf('verify_rows'), { task: 'n' }, call)).toMatchObject({
    isError: true,
    content: { error: { code: 'ROW-E111' } },
  });
  expect(asked).toEqual({ verify: [], cancelVerify: [] });
});

it('a comparison that is given up ends itself by its name, and no other', async () => {
  const asked: Asked = { verify: [], cancelVerify: [] };
  const aborting = new AbortController();
  const call = { signal: aborting.signal, progress: () => {} };
  void new Assistant(hostOf(task(), asked)).call(toolOf('verify_rows'), { task: 'n' }, call);
  await expect.poll(() => asked.verify.length).toBe(1);
  aborting.abort();
  const [, choice] = asked.verify[0]! as [unknown, { call: string }];
  expect(choice.call).toBeTypeOf('string');
  expect(asked.cancelVerify).toEqual([['t-n', choice.call]]);
});

it('a search that ends early says so, and what helps', async () => {
  for (const name of ['a', 'b', 'c']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'x.rowferry.json'), '{}');
  const cut = await findTasks([folder], folder, 2);
  expect(cut.tasks).toHaveLength(1);
  expect(cut.cut).toMatch(/^Only the first 2 folders were searched/);
  expect((await findTasks([folder], folder, 4)).cut).toBeUndefined();
  const host = { ...hostOf(task()), tasks: () => Promise.resolve(cut) };
  const call = { signal: new AbortController().signal, progress: () => {} };
  const { content } = await new Assistant(host).call(toolOf('list_tasks'), {}, call);
  expect(content['nextSteps']).toContain(cut.cut);
  const { content: missing } = await new Assistant(host).call(toolOf('verify_rows'), { task: 'y' }, call);
  expect(JSON.stringify(missing)).toContain('Only the first 2 folders');
});
