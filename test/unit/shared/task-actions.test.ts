import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { plainWords as t } from '../../../src/shared/format.js';
import type { TaskSnapshot } from '../../../src/shared/snapshot.js';
import { taskStates } from '../../../src/shared/snapshot.js';
import { taskLook } from '../../../src/shared/snapshot-words.js';
import {
  accepts,
  isRunning,
  knownStates,
  leadsTo,
  offers,
  taskActions,
  taskContext,
} from '../../../src/shared/task-actions.js';

const root = join(import.meta.dirname, '../../..');
const { contributes } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  contributes: { menus: Record<string, { command: string; when: string; group: string }[]> };
};
const items = contributes.menus['view/item/context']!;

/** The commands of a task's menu, as the editor reads their `when` clauses. */
function menuOf(context: string): { command: string; group: string }[] {
  return items.filter(({ when }) => {
    const [view, item, ...more] = when.split(' && ');
    expect(more).toEqual([]);
    if (view !== 'view == rowferry.tasks') return false;
    const pattern = /^viewItem =~ \/(.+)\/$/.exec(item!)?.[1];
    expect(pattern, when).toBeDefined();
    return new RegExp(pattern!).test(context);
  });
}

it('every state of a snapshot is in the table', () => {
  expect(knownStates.filter((state) => state !== 'new').sort()).toEqual([...taskStates].sort());
});

describe.each(knownStates)('%s', (state) => {
  it('has a menu with what is offered, and with nothing else', () => {
    const menu = menuOf(taskContext(state, () => true)).filter(({ group }) => !group.startsWith('inline'));
    const shown = taskActions.filter((action) =>
      menu.some(({ command }) => command === `rowferry.task.${action}`),
    );
    expect(shown).toEqual(taskActions.filter((action) => offers(state, action)));
  });

  it('has in its row no action that its menu lacks', () => {
    const all = menuOf(taskContext(state, () => true));
    const inline = all.filter(({ group }) => group.startsWith('inline')).map(({ command }) => command);
    const menu = all.filter(({ group }) => !group.startsWith('inline')).map(({ command }) => command);
    expect(menu).toEqual(expect.arrayContaining(inline));
  });

  it('offers what cannot be done to nobody', () => {
    expect(menuOf(taskContext(state, () => false)).map(({ command }) => command)).not.toEqual(
      expect.arrayContaining(taskActions.map((action) => `rowferry.task.${action}`)),
    );
    for (const action of taskActions) if (offers(state, action)) expect(accepts(state, action)).toBe(true);
  });

  it('has the buttons of forms and pages by the same table', () => {
    const snapshot =
      state === 'new'
        ? undefined
        : ({ state, phase: 'none', tables: [], rows: {}, dirty: 0 } as unknown as TaskSnapshot);
    const { canStart, canStop } = taskLook(snapshot, true, t);
    expect({ canStart, canStop }).toEqual({
      canStart: offers(state, 'start'),
      canStop: offers(state, 'stop'),
    });
  });

  it('leaves nobody stuck', () => {
    expect(taskActions.some((action) => accepts(state, action))).toBe(true);
    if (state !== 'new') expect(offers(state, 'delete')).toBe(!isRunning(state));
  });
});

it('docs/task-states.md draws the table', async () => {
  const title = (word: string) => word[0]!.toUpperCase() + word.slice(1);
  const cell = (yes: boolean, waits: boolean) => (yes ? 'yes' : waits ? 'waits' : '–');
  const means: Record<(typeof knownStates)[number], string> = {
    new: 'it was never started on this machine',
    starting: 'the precheck runs, tables are created, or it connects',
    running: 'it loads or follows changes',
    retrying: 'a side cannot be reached; it tries again by itself',
    paused: 'it keeps its position and reads and writes nothing',
    blocked: 'rows cannot be written (`"dirtyData": "block"`); it waits for a decision',
    stopping: 'it finishes the writes in progress and saves the checkpoint',
    stopped: 'it rests at its checkpoint',
    failed: 'it ended with an error that a person has to solve',
    completed: 'it has done all that its file asks for',
    'waiting-for-credentials': 'its engine was ended from outside; Start brings the secrets again',
  };
  const lines = [
    '# States of a task, and what can be done in them',
    '',
    'The menus of the tree, the buttons of the form and the monitor, and the engine all follow this one table',
    '(`src/shared/task-actions.ts`). The engine refuses every other action and says why. *waits*: no menu offers it while the',
    'task stops; when asked for it, the engine does it once the task has stopped.',
    '',
    `| State | Means | ${taskActions.map(title).join(' | ')} |`,
    `| --- | --- |${' --- |'.repeat(taskActions.length)}`,
    ...knownStates.map(
      (state) =>
        `| ${state} | ${means[state]} | ${taskActions.map((action) => cell(offers(state, action), accepts(state, action))).join(' | ')} |`,
    ),
    '',
    '| Action | Ends in |',
    '| --- | --- |',
    ...taskActions.map((action) => `| ${title(action)} | ${leadsTo[action]} |`),
    '',
    '- **Start** of a blocked task uses the file as it is now; rows that still cannot be written block it again. *Retry with',
    '  the Current Settings and Continue* writes them first.',
    '- **Stop** of a blocked task, or of one that waits for its credentials, ends the waiting: it continues only when somebody',
    '  starts it.',
    '- **Stop** of a task that has ended already, **Pause** of a paused one and **Resume** of a running one succeed and',
    '  change nothing: a script may ask twice.',
    '- **Reset** deletes position, dirty records and error: the next start loads every table again.',
    '- **Delete** in the editor deletes the task file too. Source and destination keep their rows.',
  ];
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(join(root, 'docs/task-states.md'));
});
