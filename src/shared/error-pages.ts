import { errorCodes, type ErrorCode } from './errors.js';

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

export function allErrorsPage(): string {
  const lines = [
    '# Error codes',
    '',
    'Every error has a code, a message that says what happened, and a remedy. The exit code is that of the command line:',
    '1 a check failed or rows differ, 2 invalid command line or task file, 3 the source or destination is unreachable or',
    'refused access, 4 blocked by dirty data, 5 interrupted before it finished. A message is often more specific than the',
    'cause listed here.',
  ];
  for (const [letter, title] of Object.entries(errorGroups))
    lines.push('', `## ${title}`, '', ...table(codesOf(letter)));
  return `${lines.join('\n')}\n`;
}

/** One code, and those that are about the same below it. */
export function errorPage(code: ErrorCode): string {
  const { cause, remedy, exit } = errorCodes[code];
  const letter = groupOf(code);
  const others = codesOf(letter).filter((one) => one !== code);
  const lines = [
    `# ${code}`,
    '',
    cause,
    '',
    `**What to do:** ${remedy}`,
    '',
    `The message of the error is often more specific. Exit code of the command line: ${exit}.`,
    '',
    `## ${errorGroups[letter] ?? ''}: other codes`,
    '',
    ...table(others),
  ];
  return `${lines.join('\n')}\n`;
}

function codesOf(letter: string): ErrorCode[] {
  return (Object.keys(errorCodes) as ErrorCode[]).filter((code) => groupOf(code) === letter);
}

function table(codes: readonly ErrorCode[]): string[] {
  return [
    '| Code | Cause | What to do | Exit |',
    '| --- | --- | --- | --- |',
    ...codes.map((code) => {
      const { cause, remedy, exit } = errorCodes[code];
      return `| \`${code}\` | ${cause} | ${remedy} | ${exit} |`;
    }),
  ];
}
