import type { StatementEvent, TableDefinition } from '../../mysql/model.js';
import { isOfTemporary, mayTouch } from '../../mysql/statement.js';
import { foldName } from '../../shared/source-name.js';
import { isSameName, isSameTable } from '../mapping/plan.js';
import type { TableRecord } from '../state/task-store.js';
import { parseDdl } from '../ddl/parse.js';
import type { TableName } from '../ddl/cursor.js';
import { unknownTextDefaults } from '../ddl/text-defaults.js';

/**
 * What a statement says of a table. `made`: it has none of the rows that it had under its name before. `rows`: it was
 * emptied. `keys`: its columns are what they were.
 */
export type Said = 'made' | 'altered' | 'rows' | 'keys';

const ofKeys = new Set(['add-key', 'drop-key', 'rename-key']);

/** Which of these tables a statement is about, as far as it says; one that is not understood may be about each. */
export function alteredBy(
  event: StatementEvent,
  records: readonly TableRecord[],
): { source: string; said: Said }[] {
  const statement = parseDdl(event, () => unknownTextDefaults);
  const about = (said: Said, isMeant: (definition: TableDefinition) => boolean) =>
    records.flatMap(({ source, definition }) => (isMeant(definition) ? [{ source, said }] : []));
  const isAnyOf = (names: readonly TableName[], definition: TableDefinition) =>
    names.some(({ database, table }) => isSameTable({ database, name: table }, definition));
  const named = (said: Said, names: readonly TableName[]) =>
    about(said, (definition) => isAnyOf(names, definition));
  switch (statement.kind) {
    case 'none':
    case 'maintain':
    case 'rows':
    case 'create-trigger':
    case 'drop-trigger':
      return [];
    case 'alter': {
      const { actions, table } = statement;
      const isOfKeys = actions.every((action) => ofKeys.has(action.do));
      return [
        ...named(isOfKeys ? 'keys' : 'altered', [table]),
        ...actions.flatMap((action) =>
          action.do === 'rename-table'
            ? named('made', [action.to])
            : action.do === 'exchange'
              ? named('altered', [action.with])
              : [],
        ),
      ];
    }
    case 'truncate':
      return named('rows', [statement.table]);
    case 'create':
      // One that may have found the table there waited for no transaction. Where it made the table, all rows come after it.
      return statement.mayExist ? [] : named('made', [statement.table]);
    case 'drop':
      return named('altered', statement.tables);
    case 'rename':
      return statement.pairs.flatMap(({ from, to }) => [...named('altered', [from]), ...named('made', [to])]);
    case 'drop-database':
    case 'create-database':
      return about('altered', ({ database, caseSensitive = false }) =>
        isSameName(database, statement.database, caseSensitive),
      );
    case 'unreadable':
      return statement.isWhole
        ? about(
            'altered',
            (definition) =>
              !(statement.mayBeTemporary && isOfTemporary(event, definition.engine)) &&
              isAnyOf(statement.tables, definition),
          )
        : about('altered', ({ database }) =>
            mayTouch(event, (name) => foldName(name) === foldName(database)),
          );
  }
}
