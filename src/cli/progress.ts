import type { SourcePosition } from '../shared/position.js';
import { rowsDealtWith } from '../shared/format.js';
import { leftOutReason } from '../shared/left-out-words.js';
import { isEveryTableStopped, stoppedTables } from '../shared/stopped-tables.js';
import type {
  AuditView,
  SourceStrain,
  TaskSnapshot,
  TableProgress,
  TaskState,
  ThrottleInForce,
} from '../shared/snapshot.js';
import { bytes, count, duration } from './figures.js';
import { clip, displayWidth, pad, type Style, type Terminal } from './terminal.js';
import { retell, t } from './words.js';

/** A bar of `width` columns; a share of null is a dotted line: the end is unknown. */
export function bar(share: number | null, width: number, style: Style): string {
  if (share === null) return style.dim('·'.repeat(width));
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return style.green('━'.repeat(full)) + style.dim('─'.repeat(width - full));
}

const stateColour: Record<TaskState, keyof Style> = {
  stopped: 'dim',
  starting: 'cyan',
  running: 'green',
  retrying: 'yellow',
  paused: 'yellow',
  blocked: 'red',
  stopping: 'cyan',
  failed: 'red',
  completed: 'green',
  'waiting-for-credentials': 'yellow',
};

export function latency(snapshot: TaskSnapshot): string {
  const { latencyMs, lagTransactions: lag } = snapshot;
  if (isEveryTableStopped(snapshot)) return t('no table is replicating');
  if (latencyMs === null) return t('latency unknown');
  if (latencyMs === 0) return t('caught up');
  const late = t('latency {0}', duration(latencyMs));
  if (!lag) return late;
  return `${late}, ${lag === 1 ? t('1 transaction behind') : t('{0} transactions behind', count(lag))}`;
}

/** `limited to 5,000 rows/s, 2 MB/s`. */
export function throttleText({
  rowsPerSecond,
  megabytesPerSecond,
  queriesPerSecond,
}: ThrottleInForce): string {
  const limits = [
    rowsPerSecond === null ? '' : t('{0} rows/s', count(rowsPerSecond)),
    megabytesPerSecond === null ? '' : `${megabytesPerSecond} MB/s`,
    queriesPerSecond === null || queriesPerSecond === undefined
      ? ''
      : t('{0} queries/s', count(queriesPerSecond)),
  ];
  return t('limited to {0}', limits.filter((limit) => limit !== '').join(', '));
}

export function strainText({ what, actual, limit }: SourceStrain): string {
  return what === 'threads-running'
    ? t('load paused: the source runs {0} threads (limit {1})', count(actual), count(limit))
    : t('load paused: the source lags by {0} s (limit {1} s)', count(actual), limit);
}

export function retryText({ atMs }: TaskSnapshot, retry: NonNullable<TaskSnapshot['retry']>): string {
  const left = duration(Math.max(0, retry.untilMs - atMs));
  const { message, remedy } = retry.error;
  const what = retell(/[.!?]$/.test(message) ? message : `${message}.`);
  return `${t('retrying (attempt {0}, gives up in {1})', retry.attempt, left)}: ${what} ${retell(remedy)}`;
}

/** Rows and latency mean something only while a task works. */
export function isWorking(snapshot: TaskSnapshot): boolean {
  return snapshot.state === 'running' || snapshot.state === 'retrying' || snapshot.state === 'stopping';
}

/** `GTID set · binlog.000003:1234 · committed 2026-01-02 03:04:05.123`, or a dash. */
export function positionText(position: SourcePosition | null): string {
  if (!position) return '-';
  const parts = [
    position.gtidSet,
    position.file === undefined ? undefined : `${position.file}:${position.offset}`,
    position.commitMicros === undefined
      ? undefined
      : t(
          'committed {0}',
          new Date(position.commitMicros / 1000).toISOString().replace('T', ' ').replace('Z', ' UTC'),
        ),
  ].filter((part) => part !== undefined && part !== '');
  return parts.length === 0 ? '-' : parts.join(' · ');
}

/** A task as a block of lines, no wider and (unless `every`) no higher than the terminal. */
export function snapshotLines(
  snapshot: TaskSnapshot,
  terminal: Terminal,
  options: { every?: boolean } = {},
): string[] {
  const { style } = terminal;
  const state = style[stateColour[snapshot.state]](t(snapshot.state));
  const phase = snapshot.phase === 'none' ? '' : ` · ${t(snapshot.phase)}`;
  const followed = snapshot.rows.inserted + snapshot.rows.updated + snapshot.rows.deleted;
  const lines = [
    `${style.bold(snapshot.name)} ${state}${phase}` +
      (isWorking(snapshot)
        ? ` · ${t('{0} rows/s', count(snapshot.rowsPerSecond))} · ${bytes(snapshot.bytesPerSecond)}/s` +
          (snapshot.phase === 'incremental' ? ` · ${latency(snapshot)}` : '')
        : ''),
    [
      loadedText(snapshot),
      t('inserted {0}', count(snapshot.rows.inserted)),
      t('updated {0}', count(snapshot.rows.updated)),
      t('deleted {0}', count(snapshot.rows.deleted)),
    ].join(' · ') + (snapshot.dirty > 0 ? style.red(` · ${t('dirty {0}', count(snapshot.dirty))}`) : ''),
  ];
  if (options.every || followed > 0)
    lines.push(style.dim(t('position {0}', positionText(snapshot.position))));
  if (snapshot.audit) lines.push(...auditLines(snapshot, snapshot.audit, style));
  if (options.every) lines.push(...leftOutLines(snapshot, style));
  if (snapshot.throttle) lines.push(style.dim(throttleText(snapshot.throttle)));
  if (snapshot.strain) lines.push(style.yellow(strainText(snapshot.strain)));
  if (snapshot.retry) lines.push(style.yellow(retryText(snapshot, snapshot.retry)));
  if (snapshot.error)
    lines.push(
      style.red(`${snapshot.error.code} ${retell(snapshot.error.message)}`),
      retell(snapshot.error.remedy),
    );
  lines.splice(1, 0, ...stoppedLines(snapshot, terminal));
  const room = options.every ? Infinity : terminal.height - lines.length - 2;
  const tables = mostTelling(snapshot.tables, room);
  const width = Math.max(0, ...tables.map((t) => displayWidth(title(t))));
  for (const table of tables)
    lines.push(tableLine(table, Math.min(width, Math.floor(terminal.width / 2)), terminal));
  const hidden = snapshot.tables.length - tables.length;
  if (hidden > 0) lines.push(style.dim(`  ${t('and {0} more tables', count(hidden))}`));
  return lines;
}

/** Tables of whole databases that are not replicated, and why. */
function leftOutLines({ leftOut = [] }: TaskSnapshot, style: Style): string[] {
  return leftOut.map((table) => style.dim(t('left out {0}: {1}', table.source, leftOutReason(table, t))));
}

/** How far the audit is, and the rows that it found. */
function auditLines({ tables, atMs }: TaskSnapshot, audit: AuditView, style: Style): string[] {
  const { rows, lastPass, differences, repaired } = audit;
  const pass = lastPass
    ? t(
        'last pass {0} ago ({1} rows in {2})',
        duration(Math.max(0, atMs - lastPass.finishedMs)),
        count(lastPass.rows),
        duration(lastPass.tookMs),
      )
    : t('first pass in progress');
  const waits = audit.waits && audit.waits !== 'pause' ? ` · ${t('waiting ({0})', t(audit.waits))}` : '';
  const mended = repaired > 0 ? ` · ${t('{0} repaired', count(repaired))}` : '';
  const head = `${t('audit {0} rows', count(rows))}, ${pass}${mended}${waits} · `;
  const figure = t('{0} differing', count(differences));
  const lines = [style.dim(head) + (differences > 0 ? style.red(figure) : style.dim(figure))];
  for (const { source, audit: own } of tables) {
    if (!own) continue;
    for (const { kind, key, rows: several } of own.first) {
      if (lines.length > shownDifferences) return lines;
      const named = several ? `: ${t('source rows {0}', several.map((row) => `(${row})`).join(', '))}` : '';
      lines.push(style.red(`  ${source}: ${t(kind)}: ${key}${named}`));
    }
    if (own.problem)
      lines.push(style.yellow(`  ${t('{0} is not audited: {1}', source, retell(own.problem.message))}`));
  }
  return lines;
}

/** Rows named under a task; --json has more. */
const shownDifferences = 10;

/** How many tables have stopped; when there is room for all that follows, each with its reason and remedy. */
export function stoppedLines(snapshot: TaskSnapshot, { style }: Terminal): string[] {
  const stopped = stoppedTables(snapshot);
  if (stopped.length === 0) return [];
  const shown = stopped.slice(0, 10);
  const more = stopped.length - shown.length;
  return [
    style.red(t('{0} (no longer kept up to date):', stoppedText(snapshot))),
    ...shown.flatMap(({ source, problem }) => [
      style.red(`  ${source}${problem ? `: ${problem.code} ${retell(problem.message)}` : ''}`),
      ...(problem ? [`    ${retell(problem.remedy)}`] : []),
    ]),
    ...(more > 0 ? [style.red(`  ${t('and {0} more', count(more))}`)] : []),
  ];
}

/** `1 table is stopped`, `3 tables are stopped`. */
export function stoppedText(snapshot: TaskSnapshot): string {
  const { length } = stoppedTables(snapshot);
  return length === 1 ? t('1 table has stopped') : t('{0} tables have stopped', count(length));
}

/** For scripts: which tables have stopped, and why. */
export function stoppedObjects(snapshot: TaskSnapshot): Record<string, unknown>[] {
  return stoppedTables(snapshot).map(({ source, problem }) => ({ table: source, ...problem }));
}

/** `loaded 3`, or `loaded 3, kept 2`: what was there and stays is not loaded. */
export function loadedText({ rows, tables }: TaskSnapshot): string {
  const kept = keptRows(tables);
  const loaded = t('loaded {0}', count(rows.full));
  return kept > 0 ? `${loaded}, ${t('kept {0}', count(kept))}` : loaded;
}

const keptRows = (tables: readonly TableProgress[]) => tables.reduce((sum, { kept = 0 }) => sum + kept, 0);

const title = (table: TableProgress) => `${table.source} → ${table.destination}`;

/** When there is not room for all: those with a problem, those being loaded, those that wait, the rest. */
function mostTelling(tables: readonly TableProgress[], room: number): readonly TableProgress[] {
  if (tables.length <= room) return tables;
  const rank = (t: TableProgress) =>
    t.problem ? 0 : t.phase === 'full' ? 1 : t.phase === 'schema' ? 2 : t.phase === 'waiting' ? 3 : 4;
  return [...tables].sort((a, b) => rank(a) - rank(b)).slice(0, Math.max(1, room - 1));
}

function tableLine(table: TableProgress, width: number, terminal: Terminal): string {
  const { style } = terminal;
  const loaded = table.phase === 'incremental' || table.phase === 'done';
  const share = loaded
    ? 1
    : table.estimatedRows === null
      ? table.phase === 'full'
        ? null
        : 0
      : table.estimatedRows === 0
        ? 0
        : Math.min(0.99, rowsDealtWith(table) / table.estimatedRows);
  const of =
    loaded || table.estimatedRows === null
      ? ''
      : style.dim(` ${t('of about {0}', count(table.estimatedRows))}`);
  const problem = table.problem ? style.red(` ${retell(table.problem.message)}`) : '';
  const bars = terminal.width >= width + 45 ? `${bar(share, 20, style)} ` : '';
  return `  ${pad(clip(title(table), width), width)}  ${bars}${pad(t(table.phase), 11)} ${count(table.rows)}${of}${othersText(table)}${problem}`;
}

/** What became of the rows that were not written: `, kept 2, dropped 1, dirty 3`. */
function othersText({ kept = 0, dropped = 0, dirty = 0 }: TableProgress): string {
  return [
    kept > 0 ? `, ${t('kept {0}', count(kept))}` : '',
    dropped > 0 ? `, ${t('dropped {0}', count(dropped))}` : '',
    dirty > 0 ? `, ${t('dirty {0}', count(dirty))}` : '',
  ].join('');
}

/** The `status` line of `--json`: the snapshot, with the figures that scripts want at the top level. */
export function statusObject(snapshot: TaskSnapshot): Record<string, unknown> {
  const { rows, ...rest } = snapshot;
  return {
    type: 'status',
    ...rest,
    rows: rows.full + rows.inserted + rows.updated + rows.deleted,
    loaded: rows.full,
    kept: keptRows(snapshot.tables),
    inserted: rows.inserted,
    updated: rows.updated,
    deleted: rows.deleted,
  };
}
