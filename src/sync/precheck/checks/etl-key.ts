import { compileEtl } from '../../etl/compile.js';
import { bad, good, some, type Check } from '../check.js';
import { sourceName } from '../../../shared/source-name.js';

export const etlKey: Check = {
  id: 'etl-key',
  severity: 'warning',
  title: 'The transformation does not change the key',
  expected: 'a script that sets no key column',
  why: 'Source keys are unique; keys set by a script may not be, and rows with the same key silently overwrite each other. Verify and reload also cannot look up a row by its key and must read the whole table.',
  applies: (task) => task.etl.trim() !== '',
  async run(context) {
    let writes: ReadonlySet<string>;
    try {
      writes = compileEtl(context.task.etl)?.writes ?? new Set();
    } catch {
      // That it cannot be used is said by another check.
      return good('unknown: the script is not valid');
    }
    const set = new Set([...writes].map((name) => name.toLowerCase()));
    const written = (await context.planned()).flatMap(({ table, keyColumns }) =>
      keyColumns.filter((name) => set.has(name.toLowerCase())).map((name) => `${sourceName(table)}.${name}`),
    );
    if (written.length === 0) return good('none is set');
    return bad(
      `the script sets ${some(written)}`,
      'Set another column instead, or accept this if no two rows can get the same key.',
      { at: 'etl' },
    );
  },
};
