import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import * as z from 'zod';
import { tools } from '../../../src/assistant/tools/index.js';
import { toolPrefix } from '../../../src/assistant/names.js';

const root = join(import.meta.dirname, '../../..');
const read = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8')) as Record<string, unknown>;

/** Of a tool's parameters, as models get it. */
function schemaOf(parameters: z.ZodObject) {
  const { $schema: _, ...schema } = z.toJSONSchema(parameters, { io: 'input' });
  return schema as { properties: Record<string, { description?: string }> };
}

describe('every tool', () => {
  it('has a name, a purpose and parameters that a model can make something of', () => {
    expect(new Set(tools.map(({ name }) => name)).size).toBe(tools.length);
    for (const { name, title, hint, description, parameters } of tools) {
      expect(name).toMatch(/^[a-z]+(_[a-z]+)+$/);
      expect(title.length, name).toBeLessThan(40);
      expect(hint.length, name).toBeLessThan(100);
      expect(description.length, name).toBeGreaterThan(100);
      expect(description.length, name).toBeLessThan(600);
      for (const [parameter, { description: told }] of Object.entries(schemaOf(parameters).properties))
        expect(told, `${name}.${parameter}`).toMatch(/^[A-Z].{15,}\.$/s);
    }
  });

  it('that changes something says so, and has a plan to be confirmed', () => {
    for (const { name, effect, plan, description, hint } of tools) {
      const changes = effect !== 'reads';
      expect(plan !== undefined, name).toBe(changes);
      expect(description.includes('Needs confirmation by a person.'), name).toBe(changes);
      expect(hint.includes('after your confirmation'), name).toBe(changes);
    }
    expect(tools.filter(({ effect }) => effect === 'reads').map(({ name }) => name)).toEqual([
      'list_tasks',
      'task_status',
      'precheck_task',
      'explain_code',
      'list_dirty_rows',
      'preview_rows',
      'verify_rows',
    ]);
  });

  it('names only tools that there are', () => {
    const texts = tools.flatMap(({ description, parameters }) => [
      description,
      ...Object.values(schemaOf(parameters).properties).map(({ description: told }) => told ?? ''),
    ]);
    const named = texts.flatMap((text) => text.match(/\b[a-z]+_[a-z_]+\b/g) ?? []);
    const known = new Set(tools.map(({ name }) => name));
    expect(named.filter((name) => !known.has(name))).toEqual([]);
    expect(named.length).toBeGreaterThan(3);
  });
});

/** package.json is written from the tools: `npx vitest run --project unit test/unit/assistant/tools.test.ts -u`. */
test('package.json contributes exactly these tools', async () => {
  const manifest = read('package.json') as { contributes: Record<string, unknown> };
  const camel = (name: string) => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const languageModelTools = tools.map(({ name, description, parameters, effect }) => ({
    name: `${toolPrefix}${name}`,
    tags: ['rowferry', 'mysql', 'tablestore'],
    toolReferenceName: camel(`rowferry_${name}`),
    displayName: `%tool.${name}.title%`,
    userDescription: `%tool.${name}.hint%`,
    modelDescription: description,
    icon: effect === 'reads' ? '$(search)' : '$(tools)',
    canBeReferencedInPrompt: true,
    inputSchema: schemaOf(parameters),
  }));
  const contributes = { ...manifest.contributes, languageModelTools };
  await expect(`${JSON.stringify({ ...manifest, contributes }, null, 2)}\n`).toMatchFileSnapshot(
    join(root, 'package.json'),
  );
  const english = read('package.nls.json');
  for (const { name, title, hint } of tools) {
    expect(english[`tool.${name}.title`]).toBe(title);
    expect(english[`tool.${name}.hint`]).toBe(hint);
  }
});

test('docs/assistant.md tells every tool, and which of them change something', () => {
  const page = readFileSync(join(root, 'docs/assistant.md'), 'utf8');
  const told = [...page.matchAll(/^\| `([a-z_]+)` \| (.+) \| (.+) \|$/gm)].map(([, ...row]) => row);
  const effects = { reads: 'no', changes: 'yes', destroys: 'yes, can delete rows' };
  expect(told).toEqual(tools.map(({ name, hint, effect }) => [name, hint, effects[effect]]));
});

/**
 * Which tool a question is for. Without a model: tools are ranked by the words that they share with the question, a word
 * weighing more the fewer tools have it. A tool whose text does not tell it apart from the others does not come first.
 */
const questions: [string, string][] = [
  ['Which sync tasks do I have in this workspace?', 'list_tasks'],
  ['Do any of my tasks need attention?', 'list_tasks'],
  ['How far is the full load of the orders task?', 'task_status'],
  ['What is the replication latency right now?', 'task_status'],
  ['Is orders caught up with MySQL, or does it lag behind?', 'task_status'],
  ['Why did the task fail tonight? Show me the last error.', 'task_status'],
  ['Can this task start, or what would go wrong?', 'precheck_task'],
  ['Does the MySQL account have all the privileges it needs?', 'precheck_task'],
  ['Is binlog_format of the server set correctly?', 'precheck_task'],
  ['What does ROW-S104 mean?', 'explain_code'],
  ['The log says ROW-D106. What is the cause and the remedy of this error code?', 'explain_code'],
  ['Which rows were rejected by Tablestore, and why?', 'list_dirty_rows'],
  ['The task is blocked. Which rows does not fit?', 'list_dirty_rows'],
  ['How would the column types and the primary key look in Tablestore with this mapping?', 'preview_rows'],
  ['Show me the first rows after the ETL transformation, without writing anything.', 'preview_rows'],
  ['Are both sides identical? Compare every row.', 'verify_rows'],
  ['Count the rows on both sides.', 'verify_rows'],
  ['Please start replicating orders.', 'start_task'],
  ['Resume the task from its checkpoint.', 'start_task'],
  ['Halt the orders task for the maintenance tonight.', 'stop_task'],
  ['I edited the task file and added a table; make the running task use it.', 'apply_changes'],
  ['Lower the throttle of the running task to what the file says.', 'apply_changes'],
  ['I corrected the column type. Write the dirty rows again.', 'retry_dirty_rows'],
  ['shop.items stopped after an ALTER. Load the table again from the beginning.', 'reload_table'],
  ['Fix the differences: delete surplus rows and write the missing ones.', 'repair_rows'],
];

const empty = new Set(
  'the a an of in on and or is are do does did it its this that what which why how i my me have has by with for to be not all any at as please show would can will there'.split(
    ' ',
  ),
);
function wordsOf(text: string): string[] {
  const words = text.toLowerCase().match(/[a-z]+/g) ?? [];
  return words
    .filter((word) => !empty.has(word))
    .map((word) => word.replace(/(?<=\w{3})(ing|ied|ies|ed|es|e|y|s)$/, ''));
}

describe('a question finds its tool by words alone', () => {
  const bags = tools.map(({ name, title, description }) => ({
    name,
    head: new Set(wordsOf(`${name.replaceAll('_', ' ')} ${title}`)),
    words: new Set(wordsOf(`${name.replaceAll('_', ' ')} ${title} ${description}`)),
  }));
  const weight = (word: string) =>
    Math.log((1 + bags.length) / (1 + bags.filter(({ words }) => words.has(word)).length));
  const rank = (question: string) => {
    const asked = new Set(wordsOf(question));
    const scores = bags.map(({ name, head, words }) => {
      const shared = [...asked].filter((word) => words.has(word));
      return {
        name,
        score: shared.reduce((sum, word) => sum + weight(word) * (head.has(word) ? 1.5 : 1), 0),
      };
    });
    return scores.sort((a, b) => b.score - a.score);
  };

  it.each(questions)('%s', (question, expected) => {
    const [first, second] = rank(question);
    expect(first!.name, JSON.stringify(rank(question).slice(0, 4))).toBe(expected);
    expect(first!.score).toBeGreaterThan(second!.score);
  });

  it('every tool is asked for', () => {
    expect([...new Set(questions.map(([, name]) => name))].sort()).toEqual(
      tools.map(({ name }) => name).sort(),
    );
  });
});
