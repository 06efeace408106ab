import { connectSource } from '../../mysql/connection.js';
import { planChunks, readChunk } from '../../mysql/snapshot.js';
import {
  charsetsOf,
  loadCharsetDecoders,
  selectExpression,
  type CharsetDecoders,
} from '../../mysql/types/index.js';
import { RowferryError } from '../../shared/errors.js';
import type { ResolvedTask } from '../../shared/task.js';
import type { PreviewRow, PreviewTable } from '../../shared/catalog-api.js';
import { decodeRows } from '../../tablestore/wire/plainbuffer.js';
import { RowWriter } from '../../tablestore/wire/row-writer.js';
import type { RowImage } from '../../mysql/model.js';
import { isOfValues } from '../filter/answers.js';
import { readAsking } from '../rows/filtered-read.js';
import { dirtyReason, showValue, TableEncoder } from '../mapping/encoder.js';
import { compileEtl } from '../etl/compile.js';
import { ambiguousTable, sourceName, tablesMeant } from '../../shared/source-name.js';
import { planTables, type TablePlan } from '../mapping/plan.js';
import { selectTables } from '../precheck/selection.js';
import { RowTransform } from '../mapping/transform.js';

/** Chunks that are looked through for rows that a strict filter keeps. */
const mostChunks = 20;

/**
 * The first rows of the selected tables as they would land, by the same plan, transformation and encoder as the
 * full load; nothing is written. `table`: one of them only, as `database.table`. Throws RowferryError.
 */
export async function previewTables(
  task: ResolvedTask,
  options: { table?: string; rows: number; before?: boolean },
): Promise<PreviewTable[]> {
  const connection = await connectSource(task.source, 'query');
  try {
    const definitions = await selectTables(connection, task);
    const { table } = options;
    const meant = table === undefined ? null : tablesMeant(table, definitions.map(sourceName));
    if (table !== undefined && meant && meant.length > 1) throw ambiguousTable(table, meant);
    const wanted = definitions.filter((one) => meant === null || meant.includes(sourceName(one)));
    if (wanted.length === 0) {
      throw new RowferryError(
        'ROW-S108',
        `The task selects no table ${options.table ?? ''}.`.replace(' .', '.'),
      );
    }
    const { plans, problems } = planTables(task, wanted);
    const problem = problems.find((p) => wanted.some((d) => sourceName(d) === p.source));
    if (problem) {
      throw new RowferryError(problem.kind === 'no-key' ? 'ROW-S106' : 'ROW-T102', problem.message);
    }
    const charsets = await loadCharsetDecoders(
      (sql) => connection.query(sql),
      charsetsOf(wanted.flatMap((d) => d.columns)),
    );
    const program = compileEtl(task.etl);
    const previews: PreviewTable[] = [];
    for (const plan of plans) {
      previews.push(await previewTable(task, plan, charsets, new RowTransform(plan, program), options));
    }
    return previews;
  } finally {
    await connection.close();
  }
}

async function previewTable(
  task: ResolvedTask,
  plan: TablePlan,
  charsets: CharsetDecoders,
  transform: RowTransform,
  { rows: most, before = false }: { rows: number; before?: boolean },
): Promise<PreviewTable> {
  const columns = [
    ...plan.key.map((cell) => ({ name: cell.name, source: cell.column.name, type: cell.type, key: true })),
    ...plan.attributes.map((cell) => ({
      name: cell.name,
      source: cell.column.name,
      type: cell.type,
      key: false,
    })),
  ];
  const rows: PreviewTable['rows'] = [];
  const encoder = new TableEncoder(plan, plan.definition.columns, 'text', charsets);
  const writer = new RowWriter();
  const sourceColumns = plan.definition.columns.map(({ name }) => name);
  const shown = (image: RowImage): Pick<PreviewRow, 'before'> => {
    if (!before) return {};
    const values = encoder.describe(image);
    return { before: sourceColumns.map((name) => values.get(name) ?? null) };
  };
  const take = (image: RowImage): void => {
    try {
      const overrides = transform.active ? transform.load(encoder, image) : undefined;
      if (overrides === null) {
        if (before) rows.push({ cells: columns.map(() => null), dropped: true, ...shown(image) });
        return;
      }
      encoder.encode(image, 'put', writer, overrides);
      const [row] = decodeRows(writer.copyRow());
      const cells = new Map<string, unknown>([
        ...(row?.primaryKey ?? []),
        ...(row?.cells ?? []).map((cell) => [cell.name, cell.value] as const),
      ]);
      for (const name of cells.keys()) {
        // A transformation may make attributes that the source does not have.
        if (!columns.some((c) => c.name === name))
          columns.push({ name, source: '', type: 'STRING', key: false });
      }
      rows.push({
        cells: columns.map((c) => (cells.has(c.name) ? showValue(cells.get(c.name) as never) : null)),
        ...shown(image),
      });
    } catch (error) {
      dirty(image, error);
    }
  };
  const dirty = (image: RowImage, error: unknown): void => {
    const reason = dirtyReason(error);
    if (!reason) throw error;
    const values = encoder.describe(image);
    rows.push({
      cells: columns.map((c) => values.get(c.source) ?? null),
      problem: new RowferryError(reason.code as never, reason.message).toPlain(),
      ...shown(image),
    });
  };
  const found = (): PreviewTable => ({
    source: plan.source,
    destination: plan.destination,
    columns,
    rows,
    ...(before ? { sourceColumns } : {}),
  });
  if (most === 0) return found();
  const planner = await connectSource(task.source, 'query');
  const reader = await connectSource(task.source, 'snapshot');
  try {
    let chunks = 0;
    const show = (row: () => void): boolean => {
      if (rows.length < most) row();
      return true;
    };
    for await (const chunk of planChunks(planner, plan.definition, { rows: Math.max(most, 100) })) {
      const shownBefore = rows.length;
      const onRow = (image: RowImage) => show(() => take(image));
      try {
        await readChunk(reader, {
          table: plan.definition,
          columns: plan.definition.columns,
          filter: plan.filter,
          chunk,
          select: selectExpression,
          onRow,
        });
      } catch (error) {
        if (plan.filter === null || !isOfValues(error)) throw error;
        rows.length = shownBefore;
        await readAsking(reader, planner, plan, charsets, {
          chunk,
          onRow,
          onUnanswered: (image, why) => show(() => dirty(image, why)),
        });
      }
      if (rows.length >= most || ++chunks >= mostChunks) break;
    }
  } finally {
    await Promise.all([planner.close(), reader.close()]);
  }
  return found();
}
