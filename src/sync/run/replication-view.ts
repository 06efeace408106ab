import type { TableProgress, TaskSnapshot } from '../../shared/snapshot.js';
import type { WriterStats } from '../../tablestore/writer/writer.js';
import type { IncrementalPhase } from '../incremental/incremental.js';
import type { TableRecord } from '../state/task-store.js';

/** What a run tells of itself, whenever asked: a snapshot without what the process around it adds. */
export type ReplicationView = Omit<TaskSnapshot, 'id' | 'name' | 'file' | 'engineRss' | 'atMs'>;

const none: ReadonlySet<string> = new Set();

/** Tables as people see them: `incremental` knows more of them once there is one. */
export function tableViews(
  records: readonly TableRecord[],
  phase: ReplicationView['phase'],
  incremental: IncrementalPhase | null,
  dirty: ReadonlyMap<string, number>,
): TableProgress[] {
  return records.map((record) => {
    const audit = incremental?.audit?.viewOf(record.source);
    const problem = record.phase === 'stopped' ? record.problem : undefined;
    return {
      source: record.source,
      destination: record.destination,
      phase: problem ? 'stopped' : tablePhase(record, phase, incremental?.syncing ?? none),
      rows: record.rows,
      ...(record.kept > 0 && { kept: record.kept }),
      ...((record.droppedRows ?? 0) > 0 && { dropped: record.droppedRows! }),
      ...(dirty.has(record.source) && { dirty: dirty.get(record.source)! }),
      estimatedRows: record.definition.estimatedRows,
      ...(problem && { problem }),
      ...(incremental && { changes: incremental.changesOf(record.source) }),
      ...(audit && { audit }),
    };
  });
}

/** For the log: `1200 rows`, `1200 rows, 3 kept, 2 dropped, 1 dirty`. */
export function loadedWords(
  { rows, kept, droppedRows = 0 }: Pick<TableRecord, 'rows' | 'kept' | 'droppedRows'>,
  dirty = 0,
): string {
  const parts = [`${rows} rows`];
  if (kept > 0) parts.push(`${kept} kept`);
  if (droppedRows > 0) parts.push(`${droppedRows} dropped`);
  if (dirty > 0) parts.push(`${dirty} dirty`);
  return parts.join(', ');
}

function tablePhase(
  { phase, source }: TableRecord,
  now: ReplicationView['phase'],
  joining: ReadonlySet<string>,
): TableProgress['phase'] {
  if (phase === 'stopped') return 'stopped';
  if (joining.has(source)) return phase === 'schema' ? 'schema' : 'full';
  if (phase === 'schema') return now === 'schema' ? 'schema' : 'waiting';
  if (phase === 'full') return now === 'full' ? 'full' : 'waiting';
  return now === 'incremental' ? 'incremental' : 'done';
}

/** The limits of the present phase, when there are any. */
export function limitsInForce(
  phase: ReplicationView['phase'],
  { fullRate, incrementalRate }: WriterStats,
  queriesPerSecond: number | null,
): Pick<ReplicationView, 'throttle'> {
  const loading = phase === 'full';
  if (!loading && phase !== 'incremental') return {};
  const { rowsPerSecond, megabytesPerSecond } = loading ? fullRate : incrementalRate;
  const throttle = { rowsPerSecond, megabytesPerSecond, ...(loading && { queriesPerSecond }) };
  return Object.values(throttle).some((limit) => limit !== null) ? { throttle } : {};
}
