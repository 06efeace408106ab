import { describe, expect, it } from 'vitest';
import type { ChangePlan } from '../../../src/shared/change-plan.js';
import { applyAtOnce, changedAtOnce, changedSettings } from '../../../src/shared/changed-settings.js';
import { connectionsDigest, settingsDigest } from '../../../src/shared/settings-digest.js';
import { shellWord } from '../../../src/shared/shell-word.js';
import { taskSchema, type ResolvedTask, type Task } from '../../../src/shared/task.js';

const task = (change: object = {}): Task =>
  taskSchema.parse({
    id: 't-n',
    source: { host: 'h', user: 'u', password: '${env:PW}' },
    destination: { endpoint: 'https://e', instance: 'ins', accessKeyId: 'k', accessKeySecret: 's' },
    objects: [{ database: 'd' }],
    ...change,
  });
const none: ChangePlan = { added: [], changed: [], removed: [], atNextStart: [], problems: [] };

describe('what differs between a file and its running task', () => {
  const running = { state: 'running', settings: settingsDigest(task()) } as const;

  it('settings by what the engine says, connections by what they were at the start, where that is known', () => {
    expect(changedSettings(task(), running)).toEqual([]);
    const elsewhere = task({
      source: { host: 'other', user: 'u', password: '${env:PW}' },
      dirtyData: 'skip',
    });
    expect(changedSettings(elsewhere, running)).toEqual(['dirtyData']);
    expect(changedSettings(elsewhere, running, connectionsDigest(task()))).toEqual(['dirtyData', 'source']);
  });

  it('nothing of a task that does not run, or is about to end', () => {
    const changed = task({ dirtyData: 'skip' });
    expect(changedSettings(changed, undefined)).toEqual([]);
    expect(changedSettings(undefined, running)).toEqual([]);
    for (const state of ['stopped', 'stopping', 'blocked'] as const)
      expect(changedSettings(changed, { ...running, state })).toEqual([]);
  });
});

it('what needs a restart is not taken at once, though its key can be tuned', () => {
  const changed = ['objects', 'throttle', 'write', 'source'];
  expect(changedAtOnce({ ...none, atNextStart: ['write', 'source'] }, changed)).toEqual([
    'objects',
    'throttle',
  ]);
});

it('tunes and changes only what was changed, and what the plan told of', async () => {
  const applied = async (plan: ChangePlan, changed: string[]) => {
    const calls: string[] = [];
    const engine = {
      tune: () => Promise.resolve(void calls.push('tune')),
      applyChanges: () => {
        calls.push('applyChanges');
        return Promise.resolve(plan);
      },
    };
    await applyAtOnce(engine, task() as ResolvedTask, plan, changed);
    return calls;
  };
  expect(await applied(none, ['source'])).toEqual([]);
  expect(await applied(none, ['throttle'])).toEqual(['tune']);
  // Other words for the same tables: the run goes by those of the file from then on.
  expect(await applied(none, ['objects'])).toEqual(['applyChanges']);
  const removed = { ...none, removed: [{ source: 'd.t', destination: 't' }] };
  expect(await applied(removed, ['class'])).toEqual(['tune', 'applyChanges']);
});

it.each([
  ['/srv/a.rowferry.json', false, '/srv/a.rowferry.json'],
  ["/srv/it's here/a.json", false, `'/srv/it'\\''s here/a.json'`],
  ['C:\\Tasks\\a b.json', true, '"C:\\Tasks\\a b.json"'],
])('%s is one word for a shell', (path, isWindows, word) => {
  expect(shellWord(path, isWindows)).toBe(word);
});
