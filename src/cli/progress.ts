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
  if (isEveryTableStopped(snapshot)) return 'no table is replicating';
  if (latencyMs === null) return 'latency unknown';
  const behind = lag ? `, ${count(lag)} ${lag === 1 ? 'transaction' : 'transactions'} behind` : '';
  return latencyMs === 0 ? 'caught up' : `latency ${duration(latencyMs)}${behind}`;
}

/** `limited to 5,000 rows/s, 2 MB/s`. */
export function throttleText({
  rowsPerSecond,
  megabytesPerSecond,
  queriesPerSecond,
}: ThrottleInForce): string {
  const limits = [
    rowsPerSecond === null ? '' : `${count(rowsPerSecond)} rows/s`,
    megabytesPerSecond === null ? '' : `${megabytesPerSecond} MB/s`,
    queriesPerSecond === null || queriesPerSecond === undefined ? '' : `${count(queriesPerSecond)} queries/s`,
  ];
  return `limited to ${limits.filter((limit) => limit !== '').join(', ')}`;
}

export function strainText({ what, actual, limit }: SourceStrain): string {
  return what === 'threads-running'
    ? `load paused: the source runs ${count(actual)} threads (limit ${count(limit)})`
    : `load paused: the source lags by ${count(actual)} s (limit ${limit} s)`;
}

export function retryText({ atMs }: TaskSnapshot, retry: NonNullable<TaskSnapshot['retry']>): string {
  const left = duration(Math.max(0, retry.untilMs - atMs));
  const { message, remedy } = retry.error;
  return `retrying (attempt ${retry.attempt}, gives up in ${left}): ${message}${/[.!?]$/.test(message) ? '' : '.'} ${remedy}`;
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
      : `committed ${new Date(position.commitMicros / 1000).toISOString().replace('T', ' ').replace('Z', ' UTC')}`,
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
  const state = style[stateColour[snapshot.state]](snapshot.state);
  const phase = snapshot.phase === 'none' ? '' : ` · ${snapshot.phase}`;
  const followed = snapshot.rows.inserted + snapshot.rows.updated + snapshot.rows.deleted;
  const lines = [
    `${style.bold(snapshot.name)} ${state}${phase}` +
      (isWorking(snapshot)
        ? ` · ${count(snapshot.rowsPerSecond)} rows/s · ${bytes(snapshot.bytesPerSecond)}/s` +
          (snapshot.phase === 'incremental' ? ` · ${latency(snapshot)}` : '')
        : ''),
    `${loadedText(snapshot)} · inserted ${count(snapshot.rows.inserted)} · updated ${count(snapshot.rows.updated)} · deleted ${count(snapshot.rows.deleted)}` +
      (snapshot.dirty > 0 ? style.red(` · dirty ${count(snapshot.dirty)}`) : ''),
  ];
  if (options.every || followed > 0) lines.push(style.dim(`position ${positionText(snapshot.position)}`));
  if (snapshot.audit) lines.push(...auditLines(snapshot, snapshot.audit, style));
  if (options.every) lines.push(...leftOutLines(snapshot, style));
  if (snapshot.throttle) lines.push(style.dim(throttleText(snapshot.throttle)));
  if (snapshot.strain) lines.push(style.yellow(strainText(snapshot.strain)));
  if (snapshot.retry) lines.push(style.yellow(retryText(snapshot, snapshot.retry)));
  if (snapshot.error)
    lines.push(style.red(`${snapshot.error.code} ${snapshot.error.message}`), snapshot.error.remedy);
  lines.splice(1, 0, ...stoppedLines(snapshot, terminal));
  const room = options.every ? Infinity : terminal.height - lines.length - 2;
  const tables = mostTelling(snapshot.tables, room);
  const width = Math.max(0, ...tables.map((t) => displayWidth(title(t))));
  for (const table of tables)
    lines.push(tableLine(table, Math.min(width, Math.floor(terminal.width / 2)), terminal));
  const hidden = snapshot.tables.length - tables.length;
  if (hidden > 0) lines.push(style.dim(`  and ${count(hidden)} more tables`));
  return lines;
}

/** Tables of whole databases that are not replicated, and why. */
function leftOutLines({ leftOut = [] }: TaskSnapshot, style: Style): string[] {
  return leftOut.map((table) => style.dim(`left out ${table.source}: ${leftOutReason(table)}`));
}

/** How far the audit is, and the rows that it found. */
function auditLines({ tables, atMs }: TaskSnapshot, audit: AuditView, style: Style): string[] {
  const { rows, lastPass, differences, repaired } = audit;
  const pass = lastPass
    ? `last pass ${duration(Math.max(0, atMs - lastPass.finishedMs))} ago (${count(lastPass.rows)} rows in ${duration(lastPass.tookMs)})`
    : 'first pass in progress';
  const waits = audit.waits && audit.waits !== 'pause' ? ` · waiting (${audit.waits})` : '';
  const mended = repaired > 0 ? ` · ${count(repaired)} repaired` : '';
  const head = `audit ${count(rows)} rows, ${pass}${mended}${waits} · `;
  const figure = `${count(differences)} differing`;
  const lines = [style.dim(head) + (differences > 0 ? style.red(figure) : style.dim(figure))];
  for (const { source, audit: own } of tables) {
    if (!own) continue;
    for (const { kind, key, rows: several } of own.first) {
      if (lines.length > shownDifferences) return lines;
      const named = several ? `: source rows ${several.map((row) => `(${row})`).join(', ')}` : '';
      lines.push(style.red(`  ${source}: ${kind}: ${key}${named}`));
    }
    if (own.problem) lines.push(style.yellow(`  ${source} is not audited: ${own.problem.message}`));
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
    style.red(`${stoppedText(snapshot)} (no longer kept up to date):`),
    ...shown.flatMap(({ source, problem }) => [
      style.red(`  ${source}${problem ? `: ${problem.code} ${problem.message}` : ''}`),
      ...(problem ? [`    ${problem.remedy}`] : []),
    ]),
    ...(more > 0 ? [style.red(`  and ${count(more)} more`)] : []),
  ];
}

/** `1 table is stopped`, `3 tables are stopped`. */
export function stoppedText(snapshot: TaskSnapshot): string {
  const { length } = stoppedTables(snapshot);
  return length === 1 ? '1 table has stopped' : `${count(length)} tables have stopped`;
}

/** For scripts: which tables have stopped, and why. */
export function stoppedObjects(snapshot: TaskSnapshot): Record<string, unknown>[] {
  return stoppedTables(snapshot).map(({ source, problem }) => ({ table: source, ...problem }));
}

/** `loaded 3`, or `loaded 3, kept 2`: what was there and stays is not loaded. */
export function loadedText({ rows, tables }: TaskSnapshot): string {
  const kept = keptRows(tables);
  return `loaded ${count(rows.full)}${kept > 0 ? `, kept ${count(kept)}` : ''}`;
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
    loaded || table.estimatedRows === null ? '' : style.dim(` of about ${count(table.estimatedRows)}`);
  const problem = table.problem ? style.red(` ${table.problem.message}`) : '';
  const bars = terminal.width >= width + 45 ? `${bar(share, 20, style)} ` : '';
  return `  ${pad(clip(title(table), width), width)}  ${bars}${pad(table.phase, 11)} ${count(table.rows)}${of}${othersText(table)}${problem}`;
}

/** What became of the rows that were not written: `, kept 2, dropped 1, dirty 3`. */
function othersText({ kept = 0, dropped = 0, dirty = 0 }: TableProgress): string {
  return [
    kept > 0 ? `, kept ${count(kept)}` : '',
    dropped > 0 ? `, dropped ${count(dropped)}` : '',
    dirty > 0 ? `, dirty ${count(dirty)}` : '',
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
