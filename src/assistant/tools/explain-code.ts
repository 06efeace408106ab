import * as z from 'zod';
import { errorGroups, groupOf, isErrorCode } from '../../shared/error-pages.js';
import { errorCodes, RowferryError } from '../../shared/errors.js';
import { nearest } from '../../shared/nearest.js';
import { defineTool } from '../base/tool.js';

const nextByGroup: Record<string, string> = {
  S: 'precheck_task examines the source and prints the statements that fix what is missing.',
  D: 'precheck_task examines the destination.',
  T: 'Correct the task file, then call precheck_task.',
  E: 'task_status shows how the task is now.',
  V: 'list_dirty_rows shows the rows; after a change of the mapping, retry_dirty_rows writes them.',
};

export const explainCode = defineTool({
  name: 'explain_code',
  title: 'Explain an error code',
  hint: 'Says what a ROW code means and what to do.',
  description:
    'Explains a Rowferry error code such as ROW-S104: what it means, the cause, the remedy, and the exit code of the command line. Works without any connection. Use it whenever a message, log or alert has a code that starts with ROW-.',
  parameters: z.object({ code: z.string().min(1).describe('The error code, for example ROW-S104.') }),
  effect: 'reads',
  run(_host, parameters) {
    const code = `ROW-${parameters.code
      .trim()
      .toUpperCase()
      .replace(/^ROW[-_ ]?/, '')}`;
    if (!isErrorCode(code)) {
      const meant = nearest(code, Object.keys(errorCodes));
      throw new RowferryError('ROW-T104', `There is no error code ${code}.`, {
        remedy: meant ? `Did you mean ${meant}?` : 'Codes look like ROW-S104.',
      });
    }
    const { cause, remedy, exit } = errorCodes[code];
    const group = groupOf(code);
    return Promise.resolve({
      summary: `${code}: ${cause} ${remedy}`,
      data: { code, about: errorGroups[group], cause, remedy, exitCode: exit, page: 'docs/errors.md' },
      next: [nextByGroup[group] ?? ''],
    });
  },
});
