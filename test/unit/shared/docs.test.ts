import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { errorCodes, type ErrorCode } from '../../../src/shared/errors.js';
import { taskSchema } from '../../../src/shared/task.js';
import { checks } from '../../../src/sync/precheck/registry.js';

/** The pages are made from the definitions; after a change of those: `npx vitest run test/unit/shared/docs -u`. */
const docs = join(import.meta.dirname, '../../../docs');

const groups: Record<string, string> = {
  S: 'Source (MySQL)',
  D: 'Destination (Tablestore)',
  T: 'Task file and command line',
  E: 'Engine and store',
  V: 'Values and dirty data',
};

it('docs/errors.md lists every code', async () => {
  const lines = [
    '# Error codes',
    '',
    'Every error has a code, a message that says what happened, and a remedy. The exit code is that of the command line:',
    '1 a check failed or rows differ, 2 invalid command line or task file, 3 the source or destination is unreachable or',
    'refused access, 4 blocked by dirty data, 5 interrupted before it finished. A message is often more specific than the',
    'cause listed here.',
  ];
  for (const [letter, title] of Object.entries(groups)) {
    lines.push('', `## ${title}`, '', '| Code | Cause | What to do | Exit |', '| --- | --- | --- | --- |');
    for (const code of Object.keys(errorCodes) as ErrorCode[]) {
      if (!code.startsWith(`ROW-${letter}`)) continue;
      const { cause, remedy, exit } = errorCodes[code];
      lines.push(`| \`${code}\` | ${cause} | ${remedy} | ${exit} |`);
    }
  }
  expect(Object.keys(errorCodes).filter((code) => !(code[4]! in groups))).toEqual([]);
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(join(docs, 'errors.md'));
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

it('README tells every setting of a task', () => {
  const rows = readFileSync(join(docs, '../README.md'), 'utf8').matchAll(
    /^\| (`\w+`(?:, `\w+`)*) \| .+ \|$/gm,
  );
  const told = [...rows].flatMap(([, keys]) => keys!.replaceAll('`', '').split(', '));
  const settings = Object.keys(taskSchema.shape).filter((key) => key !== '$schema');
  expect(told.sort()).toEqual(settings.sort());
});
