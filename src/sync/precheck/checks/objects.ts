import { bad, good, some, type Check } from '../check.js';
import { excluding, placeOf } from '../fixes.js';
import { nearest } from '../../../shared/nearest.js';
import { sourceName, type SourceTable } from '../../../shared/source-name.js';
import { listDatabases } from '../../../mysql/catalog.js';

export const objects: Check = {
  id: 'objects',
  severity: 'failure',
  stopsTables: true,
  title: 'The selected objects exist',
  expected: 'every database, table and column named in the task',
  why: 'A misspelled name would silently leave a table out.',
  async run(context) {
    const databases = await listDatabases(await context.source());
    const tables = await context.tables();
    // The server folds names where its file system does; so does the comparison then.
    const folds = (await context.facts()).lowerCaseTableNames !== 0;
    const same = (a: string, b: string) => (folds ? a.toLowerCase() === b.toLowerCase() : a === b);
    const missing: string[] = [];
    const absent: SourceTable[] = [];
    let at: string | undefined;
    const hint = (name: string, known: readonly string[]) => {
      const meant = nearest(name, known);
      return meant === undefined ? '' : ` (did you mean ${meant}?)`;
    };
    for (const object of context.task.objects) {
      const found = databases.find((d) => same(d, object.database));
      if (found === undefined) {
        at ??= placeOf(context.task, { database: object.database, name: '' });
        missing.push(`database ${object.database}${hint(object.database, databases)}`);
        continue;
      }
      const there = tables.filter((t) => same(t.database, found));
      if (!object.tables && there.length === 0) missing.push(`${found} has no tables to select`);
      for (const mapping of object.tables ?? []) {
        const table = there.find((t) => same(t.name, mapping.name));
        if (!table) {
          const named = { database: object.database, name: mapping.name };
          at ??= placeOf(context.task, named);
          absent.push(named);
          missing.push(`table ${sourceName({ database: found, name: mapping.name })}`);
          continue;
        }
        const names = table.columns.map((c) => c.name);
        for (const column of [...(mapping.primaryKey ?? []), ...Object.keys(mapping.columns ?? {})]) {
          const exists = names.some((n) => n.toLowerCase() === column.toLowerCase());
          if (exists) continue;
          at ??= placeOf(context.task, table);
          missing.push(`column ${sourceName(table)}.${column}${hint(column, names)}`);
        }
      }
    }
    if (missing.length === 0) return good(`${tables.length} ${tables.length === 1 ? 'table' : 'tables'}`);
    return bad(
      `missing: ${some(missing)}`,
      'Correct the names in the task, or grant the account SELECT on the objects. The account sees only what it can read.',
      { fixes: excluding(absent, [...absent, ...tables]), ...(at !== undefined && { at }) },
    );
  },
};
