import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { allErrorsPage, errorGroups, groupOf } from '../../../src/shared/error-pages.js';
import { errorCodes } from '../../../src/shared/errors.js';
import { allSettingsPage, settings } from '../../../src/shared/setting-pages.js';
import { taskSchema } from '../../../src/shared/task.js';
import { checks } from '../../../src/sync/precheck/registry.js';

/** The pages are made from the definitions; after a change of those: `npx vitest run test/unit/shared/docs -u`. */
const docs = join(import.meta.dirname, '../../../docs');

it('docs/errors.md lists every code', async () => {
  expect(Object.keys(errorCodes).filter((code) => !(groupOf(code) in errorGroups))).toEqual([]);
  await expect(allErrorsPage()).toMatchFileSnapshot(join(docs, 'errors.md'));
});

it('docs/settings.md lists every setting of a task, with what it is for', async () => {
  const untold = [...settings().values()].filter(({ description }) => description === '');
  expect(untold.map(({ path }) => path)).toEqual([]);
  await expect(allSettingsPage()).toMatchFileSnapshot(join(docs, 'settings.md'));
});

it.each([
  ['objects', '**required**; list of at least 1'],
  ['objects[].database', '**required**; string'],
  ['source.user', '**required** in this form; string'],
  ['source.port', 'integer from 1 to 65535; default `3306`'],
  ['source.serverId', 'integer from 1 to 4294967295 or null; default `null`'],
  ['objects[].tables[].primaryKey', 'list of 1 to 4'],
  ['write.threads', 'integer from 0 to 64; default `4`'],
  ['dirtyData.maxMegabytes', 'number above 0; default `1024`'],
  ['conflict', '`"report"`, `"ignore"`; default `"report"`'],
])('settings.md says whether %s is required, and its bounds', (path, facts) => {
  const [, told] = allSettingsPage().split(`# \`${path}\`\n\n`);
  expect(told!.split('\n')[0]).toContain(`(${facts}`);
});

it('docs/prechecks.md lists every check', async () => {
  const intro = [
    '# Prechecks',
    '',
    '`rowferry check TASK`, the editor and every start check the source, the destination and the task at the same time and',
    'change nothing. A task starts only at 100 %.',
    '',
    '- **failure**: the task cannot start. Fix it; it cannot be ignored.',
    '- **warning**: data is at risk. Fix it, or accept it for this task by its ID: `"ignoredChecks": ["engines"]`.',
    '- **information**: worth knowing; never lowers the rate.',
    '',
    'A check that samples rows has a short time limit, uses an index where one exists, and otherwise reports _not verified_,',
    'which does not lower the rate. When the source or the destination is unreachable, that one check fails and the checks',
    'that need it are skipped. A plain MySQL 9 with default settings and a fresh Tablestore reach 100 % with nothing ignored.',
    '',
    'A task that has passed and not changed since continues from its checkpoint without a new precheck: its source may be',
    'down at that moment, and the retry window covers that. A changed task file is checked again automatically. Problems of',
    'single tables do not hold up a task that continues: those tables report them, and the others continue. These checks are',
    `${checks.flatMap(({ id, stopsTables }) => (stopsTables ? [`\`${id}\``] : [])).join(', ')}.`,
  ];
  const table = (severity: string) => [
    '',
    `## ${severity[0]!.toUpperCase()}${severity.slice(1)}`,
    '',
    '| Id | Expected | Why |',
    '| --- | --- | --- |',
    ...checks.filter((c) => c.severity === severity).map((c) => `| \`${c.id}\` | ${c.expected} | ${c.why} |`),
  ];
  expect(new Set(checks.map((c) => c.id)).size).toBe(checks.length);
  const text = [...intro, ...['failure', 'warning', 'information'].flatMap(table)].join('\n');
  await expect(`${text}\n`).toMatchFileSnapshot(join(docs, 'prechecks.md'));
});

it.each(['README.md', 'README.zh-cn.md'])('%s tells every setting of a task', (name) => {
  const rows = readFileSync(join(docs, '..', name), 'utf8').matchAll(
    /^\| (`\w+`(?:(?:, |、)`\w+`)*) \| .+ \|$/gm,
  );
  const told = [...rows].flatMap(([, keys]) => keys!.replaceAll('`', '').split(/, |、/));
  const settings = Object.keys(taskSchema.shape).filter((key) => key !== '$schema');
  expect(told.sort()).toEqual(settings.sort());
});

it('README.zh-cn.md has the headings, examples and links of README.md', () => {
  const parts = (name: string) => {
    const text = readFileSync(join(docs, '..', name), 'utf8');
    return {
      headings: [...text.matchAll(/^#+ /gm)].map(String),
      // Comments of commands are in the language of the page.
      examples: [...text.matchAll(/^```[^]*?^```/gm)].map((part) => String(part).replace(/ +# .*/g, '')),
      links: [...text.matchAll(/\]\((?!http|README)([^)]+)\)/g)].map(([, link]) =>
        link!.replace('-zh-cn', ''),
      ),
    };
  };
  expect(parts('README.zh-cn.md')).toEqual(parts('README.md'));
});
