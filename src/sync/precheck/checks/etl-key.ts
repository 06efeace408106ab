import { compileEtl } from '../../etl/compile.js';
import { bad, good, some, type Check } from '../check.js';
import { sourceName } from '../../../shared/source-name.js';

export const etlKey: Check = {
  id: 'etl-key',
  severity: 'warning',
  title: 'The transformation leaves the key alone',
  expected: 'a script that sets no key column',
  why: 'The keys of the source are different for each row, those that a script makes need not be: rows with one key overwrite each other in silence. And a verification or reload can look no row up by its key, but reads the whole table.',
  applies: (task) => task.etl.trim() !== '',
  async run(context) {
    let writes: ReadonlySet<string>;
    try {
      writes = compileEtl(context.task.etl)?.writes ?? new Set();
    } catch {
      // That it cannot be used is said by another check.
      return good('not known: the script cannot be used');
    }
    const set = new Set([...writes].map((name) => name.toLowerCase()));
    const written = (await context.planned()).flatMap(({ table, keyColumns }) =>
      keyColumns.filter((name) => set.has(name.toLowerCase())).map((name) => `${sourceName(table)}.${name}`),
    );
    if (written.length === 0) return good('it sets none');
    return bad(
      `it sets ${some(written)}`,
      'Set another column, or accept this when no two rows can come to have one key.',
    );
  },
};
