import type { TableDefinition } from '../../../mysql/model.js';
import { sourceName } from '../../../shared/source-name.js';
import { compileEtl } from '../../etl/compile.js';
import { columnReader } from '../../etl/reads.js';
import { bad, good, some, type Check } from '../check.js';
import { excluding } from '../fixes.js';

export const etlColumns: Check = {
  id: 'etl-columns',
  severity: 'failure',
  stopsTables: true,
  title: 'Each table has the columns that the transformation reads',
  expected: 'every column that the script reads, on each table that it reads it for',
  why: 'A table without such a column stops at its first row.',
  applies: (task) => task.etl.trim() !== '',
  async run(context) {
    const { etl } = context.task;
    let writes: ReadonlySet<string>;
    try {
      writes = compileEtl(etl)?.writes ?? new Set();
    } catch {
      // That it cannot be used is said by another check.
      return good('unknown: the script is not valid');
    }
    const tables = await context.tables();
    const namesOf = ({ columns }: TableDefinition) => columns.map(({ name }) => name.toLowerCase());
    const known = new Set(tables.flatMap(namesOf));
    const columnsRead = columnReader(etl);
    const missing = tables.flatMap((table) => {
      const own = new Set(namesOf(table));
      const read = new Set(columnsRead(table).map(({ name }) => name));
      // What no table has is a wrong name, and said by the check of the script.
      return [...read]
        .filter((name) => known.has(name.toLowerCase()) && !own.has(name.toLowerCase()) && !writes.has(name))
        .map((name) => ({ table, name }));
    });
    if (missing.length === 0) return good(`${tables.length} ${tables.length === 1 ? 'table' : 'tables'}`);
    return bad(
      some(missing.map(({ table, name }) => `${sourceName(table)} has no column ${name}`)),
      "Read the column only where it exists, such as e_if(op_eq(__TB__, 'orders'), …), or move the table to another task.",
      { fixes: excluding([...new Set(missing.map(({ table }) => table))], tables), at: 'etl' },
    );
  },
};
