import { RowferryError } from '../../../shared/errors.js';
import { nearest } from '../../../shared/nearest.js';
import { compileEtl } from '../../etl/compile.js';
import { isValidName } from '../../../tablestore/client/limits.js';
import { bad, good, some, type Check } from '../check.js';
import type { PlannedTable } from '../selection.js';
import { sourceName } from '../../../shared/source-name.js';

export const etlScript: Check = {
  id: 'etl',
  severity: 'failure',
  title: 'The transformation is valid',
  expected: 'a script that parses and reads only existing columns',
  why: 'If the script fails on every row, every row becomes a dirty record.',
  applies: (task) => task.etl.trim() !== '',
  async run(context) {
    let program;
    try {
      program = compileEtl(context.task.etl);
    } catch (error) {
      if (!(error instanceof RowferryError)) throw error;
      return bad(error.message, 'Correct the script in the task.', { at: 'etl' });
    }
    if (!program) return good('empty');
    // One script serves all tables of a task, so a column has to be in at least one of them.
    const known = [...new Set((await context.tables()).flatMap((t) => t.columns.map((c) => c.name)))];
    const unknown = [...program.reads].filter((name) => !known.includes(name) && !program.writes.has(name));
    if (unknown.length === 0) {
      const wrong = wrongNames(program.writes, await context.planned());
      if (wrong.length > 0)
        return bad(
          some(wrong, 3),
          'Set another column name in the script, or rename the column of the table.',
          { at: 'etl' },
        );
      return good(`reads ${program.reads.size} columns, writes ${program.writes.size}`);
    }
    const shown = unknown.map((name) => {
      const meant = nearest(name, known);
      return meant === undefined ? name : `${name} (did you mean ${meant}?)`;
    });
    return bad(`no table has a column ${some(shown)}`, 'Correct the column names; they are case-sensitive.', {
      at: 'etl',
    });
  },
};

/** What a script sets beside the columns of a table becomes a column of its own in Tablestore, by the name that it says. */
function wrongNames(writes: ReadonlySet<string>, planned: readonly PlannedTable[]): string[] {
  const wrong = new Set<string>();
  for (const { table, keys, attributes } of planned) {
    const own = new Set(table.columns.map((column) => column.name.toLowerCase()));
    const taken = new Set([...keys.map((key) => key.name), ...attributes]);
    for (const name of writes) {
      if (own.has(name.toLowerCase())) continue;
      if (!isValidName(name)) wrong.add(`it sets ${name}, which is not a valid Tablestore name`);
      else if (taken.has(name))
        wrong.add(`it sets ${name}, which is the name of another column of ${sourceName(table)}`);
    }
  }
  return [...wrong];
}
