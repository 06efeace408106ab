/** Changes of string cells as a model sees them, and the same encoded: for tests of what writing leaves behind. */
import type { ChangeOwner, RowChange } from '../../src/tablestore/client/model.js';
import { RowWriter, prepareName } from '../../src/tablestore/wire/row-writer.js';

export interface ModelChange {
  op: RowChange['op'];
  /** null deletes the column; only in updates. */
  cells: Record<string, string | null>;
}
/** Columns of a row; null when there is none. */
export type ModelRow = Record<string, string> | null;

/** What a change leaves (docs/tablestore.md §4); an update without cells is a put of the key alone. */
export function applyChange(row: ModelRow, change: ModelChange): ModelRow {
  if (change.op === 'delete') return null;
  const result: Record<string, string> = {};
  if (change.op === 'update' && Object.keys(change.cells).length > 0) Object.assign(result, row);
  for (const [name, value] of Object.entries(change.cells)) {
    if (value === null) delete result[name];
    else result[name] = value;
  }
  return result;
}

const silent: ChangeOwner = { acknowledged: () => undefined, rejected: () => undefined };
const id = prepareName('id');
const names = new Map<string, ReturnType<typeof prepareName>>();
const writer = new RowWriter();

export function encodeChange(
  table: string,
  key: number,
  change: ModelChange,
  owner: ChangeOwner = silent,
  extra: Partial<RowChange> = {},
): RowChange {
  writer.beginRow();
  writer.key(id).integer(key);
  for (const [column, value] of Object.entries(change.cells)) {
    let name = names.get(column);
    if (name === undefined) names.set(column, (name = prepareName(column)));
    if (value === null) writer.deleteAllVersions(name);
    else writer.attribute(name).text(value);
  }
  writer.endRow(change.op === 'delete');
  const { dataBytes } = writer;
  const encoded = {
    table,
    op: change.op,
    key: writer.rowKey(),
    row: writer.copyRow(),
    dataBytes,
    owner,
    tag: 0,
  };
  writer.reset();
  return { ...encoded, ...extra };
}
