import { loadTables } from '../../../mysql/catalog.js';
import { sourceName } from '../../../shared/source-name.js';
import { leftOutText } from '../../online-change/left-out.js';
import { readParts } from '../../online-change/parts.js';
import { bad, good, some, type Check } from '../check.js';

export const leftOut: Check = {
  id: 'left-out',
  severity: 'information',
  title: 'Tables of online schema changes',
  expected: 'none in the selected databases, or only tables of a running change',
  why: 'gh-ost, pt-online-schema-change and Spirit change a table through a copy of it. When a whole database is selected, Rowferry leaves these tables out while there is proof of a change: the tool’s own tables (_…_ghc, _…_ghk, _…_chkpnt) or triggers (pt_osc_…). A table that only has a matching name is replicated like any other.',
  applies: (task) => task.objects.some((object) => !object.tables),
  async run(context) {
    const { task } = context;
    const connection = await context.source();
    const whole = task.objects.filter((object) => !object.tables);
    const tables = await loadTables(
      connection,
      whole.map(({ database }) => ({ database })),
    );
    const { proven, maybe, named } = await readParts(connection, task, tables, context.leftOut);
    const replicated = some([...maybe, ...named].map(sourceName));
    const also = replicated === '' ? '' : `replicated despite their names: ${replicated}`;
    if (proven.length + maybe.length === 0) return good(also === '' ? 'none' : `none; ${also}`);
    const out = proven.length === 0 ? 'none left out' : `left out: ${some(proven.map(leftOutText))}`;
    const advice = [
      ...(proven.length > 0
        ? [
            'No action needed for tables of a running change. To replicate one of them, select it by name in addition to the whole database: { "database": …, "tables": [{ "name": … }] }.',
          ]
        : []),
      ...(maybe.length > 0
        ? [
            `There is no proof that ${some(maybe.map(sourceName))} ${maybe.length === 1 ? 'is' : 'are'} part of a running change. Drop or exclude the leftovers of earlier changes. Only an account with the TRIGGER privilege can see the triggers of pt-online-schema-change.`,
          ]
        : []),
    ];
    return bad(also === '' ? out : `${out}; ${also}`, advice.join(' '));
  },
};
