import { RowferryError } from '../../../shared/errors.js';
import { nearest } from '../../../shared/nearest.js';
import { compileEtl } from '../../etl/compile.js';
import { bad, good, some, type Check } from '../check.js';

export const etlScript: Check = {
  id: 'etl',
  severity: 'failure',
  title: 'The transformation can be used',
  expected: 'a script that parses and reads columns that exist',
  why: 'A script that fails for each row makes every row a dirty record.',
  applies: (task) => task.etl.trim() !== '',
  async run(context) {
    let program;
    try {
      program = compileEtl(context.task.etl);
    } catch (error) {
      if (!(error instanceof RowferryError)) throw error;
      return bad(error.message, 'Correct the script in the task.');
    }
    if (!program) return good('empty');
    // One script serves all tables of a task, so a column has to be in at least one of them.
    const known = [...new Set((await context.tables()).flatMap((t) => t.columns.map((c) => c.name)))];
    const unknown = [...program.reads].filter((name) => !known.includes(name) && !program.writes.has(name));
    if (unknown.length === 0)
      return good(`reads ${program.reads.size} columns, writes ${program.writes.size}`);
    const shown = unknown.map((name) => {
      const meant = nearest(name, known);
      return meant === undefined ? name : `${name} (did you mean ${meant}?)`;
    });
    return bad(`no table has a column ${some(shown)}`, 'Correct the column names; they are case-sensitive.');
  },
};
