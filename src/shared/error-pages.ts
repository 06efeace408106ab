import { errorCodes, type ErrorCode } from './errors.js';
import { asItIs, type Retell } from './retelling.js';

/** What is known of error codes as Markdown: docs/errors.md, and the pages that the editor opens. */

/** What the codes of a letter are about. */
export const errorGroups: Readonly<Record<string, string>> = {
  S: 'Source (MySQL)',
  D: 'Destination (Tablestore)',
  T: 'Task file and command line',
  E: 'Engine and store',
  V: 'Values and dirty data',
};

export const groupOf = (code: string): string => code.charAt('ROW-'.length);

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorCodes, text);
}

export function allErrorsPage(retell: Retell = asItIs): string {
  const lines = ['# Error codes', '', introduction].map(retell);
  for (const [letter, title] of Object.entries(errorGroups))
    lines.push('', `## ${retell(title)}`, '', ...table(codesOf(letter), retell));
  return `${lines.join('\n')}\n`;
}

const introduction =
  'Every error has a code, a message that says what happened, and a remedy. The exit code is that of the command line:\n' +
  '1 a check failed or rows differ, 2 invalid command line or task file, 3 the source or destination is unreachable or\n' +
  'refused access, 4 blocked by dirty data, 5 interrupted before it finished. A message is often more specific than the\n' +
  'cause listed here.';

/** One code, and those that are about the same below it. */
export function errorPage(code: ErrorCode, retell: Retell = asItIs): string {
  const { cause, remedy, exit } = errorCodes[code];
  const letter = groupOf(code);
  const others = codesOf(letter).filter((one) => one !== code);
  const lines = [
    `# ${code}`,
    '',
    retell(cause),
    '',
    `**${retell('What to do:')}** ${retell(remedy)}`,
    '',
    retell(`The message of the error is often more specific. Exit code of the command line: ${exit}.`),
    '',
    retell(`## ${errorGroups[letter] ?? ''}: other codes`),
    '',
    ...table(others, retell),
  ];
  return `${lines.join('\n')}\n`;
}

function codesOf(letter: string): ErrorCode[] {
  return (Object.keys(errorCodes) as ErrorCode[]).filter((code) => groupOf(code) === letter);
}

function table(codes: readonly ErrorCode[], retell: Retell): string[] {
  return [
    retell('| Code | Cause | What to do | Exit |'),
    '| --- | --- | --- | --- |',
    ...codes.map((code) => {
      const { cause, remedy, exit } = errorCodes[code];
      return `| \`${code}\` | ${retell(cause)} | ${retell(remedy)} | ${exit} |`;
    }),
  ];
}
