import {
  formatCount,
  formatDuration,
  formatShort,
  loadPercent,
  tablePercent,
  type Translate,
} from './format.js';
import type { TableProgress, TaskSnapshot, AuditView } from './snapshot.js';
import { isEveryTableStopped, isStopped, stoppedTables } from './stopped-tables.js';
import { isRunning, offers } from './task-actions.js';

/** How a task looks in the tree and the status bar. Pure: what goes in is a snapshot, what comes out is text. */

export interface TaskLook {
  /** Codicon id. */
  icon: string;
  /** Theme colour of the icon. */
  color?: string;
  description: string;
  canStart: boolean;
  canStop: boolean;
}

/** Before anything is known of a task: after a reload of the window its engine has to be found first. */
export function loadingLook(t: Translate): TaskLook {
  return { icon: 'loading~spin', description: t('Loading…'), canStart: false, canStop: false };
}

export function taskLook(
  snapshot: TaskSnapshot | undefined,
  valid: boolean,
  t: Translate,
  locale?: string,
): TaskLook {
  if (!snapshot) {
    if (!valid)
      return {
        icon: 'error',
        color: 'list.errorForeground',
        description: t('not valid'),
        canStart: false,
        canStop: false,
      };
    return { icon: 'circle-large-outline', description: t('not started'), canStart: true, canStop: false };
  }
  const { state } = snapshot;
  const stopped = stoppedWords(snapshot, t, locale);
  const look = (icon: string, color: string | undefined, description: string): TaskLook => ({
    icon,
    ...(color === undefined ? {} : { color }),
    description,
    canStart: offers(state, 'start') && valid,
    canStop: offers(state, 'stop'),
  });
  /** What would be well, were it not for the tables that have stopped. */
  const ledByStopped = (icon: string, color: string | undefined, ...said: string[]): TaskLook => {
    const description = joined(stopped, ...said);
    if (stopped === '') return look(icon, color, description);
    const { icon: trouble, color: itsColor } = isEveryTableStopped(snapshot) ? allStopped : someStopped;
    return look(trouble, itsColor, description);
  };
  const dirty = snapshot.dirty > 0 ? t('{0} dirty', formatCount(snapshot.dirty, locale)) : '';
  // Rows that were skipped are not at the destination: not all is well.
  const wellColor = snapshot.dirty > 0 ? 'charts.yellow' : 'charts.green';
  switch (state) {
    case 'starting':
      return look(
        'loading~spin',
        undefined,
        joined(stopped, phaseWords(snapshot, t, locale) || t('starting')),
      );
    case 'running': {
      const loading = snapshot.phase !== 'incremental';
      return ledByStopped(
        loading ? 'sync~spin' : 'pulse',
        wellColor,
        phaseWords(snapshot, t, locale),
        rateWords(snapshot, t, locale),
        dirty,
      );
    }
    case 'retrying': {
      const attempt = t('retrying, attempt {0}', snapshot.retry?.attempt ?? 1);
      return ledByStopped('debug-reverse-continue', 'charts.yellow', attempt, dirty);
    }
    case 'paused':
      return ledByStopped('debug-pause', 'charts.blue', t('paused'), dirty);
    case 'blocked':
      return look('warning', 'list.warningForeground', joined(t('blocked'), dirty, stopped));
    case 'stopping':
      return look('loading~spin', undefined, joined(stopped, t('stopping')));
    case 'failed':
      return look('error', 'list.errorForeground', joined(t('failed'), dirty, stopped));
    case 'completed':
      return ledByStopped('pass', wellColor, t('completed'), rowsWords(snapshot, t, locale), dirty);
    case 'waiting-for-credentials':
      return look('key', 'charts.yellow', joined(stopped, t('waiting for credentials')));
    case 'stopped': {
      const rests = stopped === '' ? t('stopped') : t('not running');
      return ledByStopped('circle-large-outline', undefined, rests, dirty);
    }
  }
}

const someStopped = { icon: 'warning', color: 'list.warningForeground' };
const allStopped = { icon: 'error', color: 'list.errorForeground' };

/** `2 tables stopped`, or that all of them are; nothing when none is. */
export function stoppedWords(snapshot: Pick<TaskSnapshot, 'tables'>, t: Translate, locale?: string): string {
  const { length } = stoppedTables(snapshot);
  if (length === 0) return '';
  return length > 1 && isEveryTableStopped(snapshot)
    ? t('all {0} tables stopped', formatCount(length, locale))
    : stoppedCount(length, t, locale);
}

function stoppedCount(count: number, t: Translate, locale?: string): string {
  return count === 1 ? t('1 table stopped') : t('{0} tables stopped', formatCount(count, locale));
}

/** A task that runs, or has run to its end, and does not get on with all of its work without a person. */
export function needsPerson(snapshot: Pick<TaskSnapshot, 'state' | 'tables'>): boolean {
  const { state } = snapshot;
  if (state === 'failed' || state === 'blocked' || state === 'waiting-for-credentials') return true;
  return state !== 'stopped' && stoppedTables(snapshot).length > 0;
}

/** Why a table stopped, to be read behind its name: without what repeats that at its beginning. */
export function reasonWords({ source, problem }: TableProgress, t: Translate): string {
  if (!problem) return t('stopped');
  const { message } = problem;
  const said = [`${source} stopped: `, `${source} `].find((beginning) => message.startsWith(beginning));
  return said === undefined ? message : message.slice(said.length);
}

/** `Full load 64%`, `live, 0.3 s behind`. */
export function phaseWords(snapshot: TaskSnapshot, t: Translate, locale?: string): string {
  switch (snapshot.phase) {
    case 'none':
      return '';
    case 'precheck':
      return t('precheck');
    case 'schema':
      return t('creating tables');
    case 'full': {
      const percent = loadPercent(snapshot);
      return percent === null ? t('full load') : t('full load {0}%', percent);
    }
    case 'incremental':
      return isEveryTableStopped(snapshot)
        ? ''
        : t('live · {0}', latencyWords(snapshot.latencyMs, t, locale));
    case 'verify':
      return t('verifying');
  }
}

/** The delay between commit at the source and its row at the destination. */
export function latencyWords(latencyMs: number | null, t: Translate, locale?: string): string {
  if (latencyMs === null) return t('latency unknown');
  if (latencyMs === 0) return t('caught up');
  return t('{0} behind', formatDuration(latencyMs, t, locale));
}

/** The same of a task, which is behind in nothing, and caught up with nothing, when it follows no table. */
export function delayWords(
  snapshot: Pick<TaskSnapshot, 'latencyMs' | 'tables'>,
  t: Translate,
  locale?: string,
): string {
  return isEveryTableStopped(snapshot)
    ? t('no table is replicating')
    : latencyWords(snapshot.latencyMs, t, locale);
}

/** Where in the source everything is applied, a fact a line: GTID set, file and offset, commit time. */
export function positionWords(
  position: TaskSnapshot['position'] | undefined,
  t: Translate,
  locale?: string,
): string[] {
  if (!position) return [];
  const { gtidSet, file, offset, commitMicros } = position;
  const lines: string[] = [];
  if (gtidSet !== undefined) lines.push(t('GTID set: {0}', gtidSet));
  if (file !== undefined) lines.push(t('Position: {0}', `${file}:${offset ?? 0}`));
  if (commitMicros !== undefined)
    lines.push(t('Committed: {0}', new Date(commitMicros / 1000).toLocaleString(locale)));
  return lines;
}

export function rateWords(snapshot: TaskSnapshot, t: Translate, locale?: string): string {
  const rate = Math.round(snapshot.rowsPerSecond);
  return rate > 0 ? t('{0} rows/s', formatShort(rate, locale)) : '';
}

/** Rows written since the task was first started. */
export function rowsWords(snapshot: TaskSnapshot, t: Translate, locale?: string): string {
  const { full, inserted, updated, deleted } = snapshot.rows;
  return t('{0} rows', formatCount(full + inserted + updated + deleted, locale));
}

export interface PhaseStep {
  id: 'schema' | 'full' | 'incremental';
  label: string;
  icon: string;
  color?: string;
  description: string;
}

/** The phases of a task in their order, which are behind it, which it is in, and what each has done. */
export function phaseSteps(
  snapshot: TaskSnapshot,
  wanted: Record<PhaseStep['id'], boolean>,
  t: Translate,
  locale?: string,
): PhaseStep[] {
  const order = ['schema', 'full', 'incremental'] as const;
  const labels = { schema: t('Schema'), full: t('Full load'), incremental: t('Incremental') };
  const present = order.findIndex((id) => id === snapshot.phase);
  const runs = isRunning(snapshot.state);
  const count = (value: number) => formatCount(value, locale);
  const { full, inserted, updated, deleted } = snapshot.rows;
  const percent = loadPercent(snapshot);
  const done = {
    schema: t('{0} tables', count(snapshot.tables.length)),
    full: joined(percent === null ? '' : `${percent}%`, t('{0} rows', count(full))),
    incremental: joined(
      runs && snapshot.phase === 'incremental' ? delayWords(snapshot, t, locale) : '',
      t('{0} inserted, {1} updated, {2} deleted', count(inserted), count(updated), count(deleted)),
    ),
  };
  return order
    .filter((id) => wanted[id])
    .map((id): PhaseStep => {
      const at = order.indexOf(id);
      const behind = at < present || snapshot.state === 'completed' || snapshot.phase === 'verify';
      if (behind)
        return { id, label: labels[id], icon: 'pass', color: 'charts.green', description: done[id] };
      if (at !== present)
        return { id, label: labels[id], icon: 'circle-large-outline', description: t('waiting') };
      if (snapshot.state === 'blocked')
        return { id, label: labels[id], ...someStopped, description: done[id] };
      if (!runs) return { id, label: labels[id], icon: 'circle-large-outline', description: done[id] };
      const live = id === 'incremental';
      if (live && isEveryTableStopped(snapshot))
        return { id, label: labels[id], ...allStopped, description: done[id] };
      return {
        id,
        label: labels[id],
        icon: live ? 'pulse' : 'loading~spin',
        ...(live ? { color: snapshot.dirty > 0 ? 'charts.yellow' : 'charts.green' } : {}),
        description: done[id],
      };
    });
}

/** The audit as a line: how far it is, or how many rows differ. */
export function auditLook(
  { differences, lastPass, rows }: AuditView,
  t: Translate,
  locale?: string,
): { label: string; description: string; icon: string; color?: string } {
  const label = t('Audit');
  if (differences > 0) {
    const description =
      differences === 1 ? t('1 row differs') : t('{0} rows differ', formatCount(differences, locale));
    return { label, description, icon: 'warning', color: 'list.warningForeground' };
  }
  const description = lastPass
    ? t('all rows equal on {0}', new Date(lastPass.finishedMs).toLocaleString(locale))
    : t('first pass, {0} rows compared', formatCount(rows, locale));
  return { label, description, icon: 'eye' };
}

export interface TableLook {
  icon: string;
  color?: string;
  description: string;
}

/** `1,200 rows`; where not all of them were written also what became of the others. */
export function tableRowsWords(table: TableProgress, t: Translate, locale?: string): string {
  return joined(t('{0} rows', formatCount(table.rows, locale)), otherRowsWords(table, t, locale));
}

/** What became of the rows of a table that were not written; empty when all were. */
export function otherRowsWords(table: TableProgress, t: Translate, locale?: string): string {
  const { kept = 0, dropped = 0, dirty = 0 } = table;
  const count = (value: number) => formatCount(value, locale);
  return joined(
    kept > 0 ? t('{0} kept', count(kept)) : '',
    dropped > 0 ? t('{0} dropped', count(dropped)) : '',
    dirty > 0 ? t('{0} dirty', count(dirty)) : '',
  );
}

export function tableLook(table: TableProgress, t: Translate, locale?: string): TableLook {
  const rows = tableRowsWords(table, t, locale);
  switch (isStopped(table) ? 'stopped' : table.phase) {
    case 'waiting':
      return { icon: 'circle-large-outline', description: t('waiting') };
    case 'schema':
      return { icon: 'loading~spin', description: t('creating the table') };
    case 'full': {
      const percent = tablePercent(table);
      return { icon: 'loading~spin', description: joined(percent === null ? '' : `${percent}%`, rows) };
    }
    case 'incremental':
      return { icon: 'pulse', color: 'charts.green', description: rows };
    case 'stopped':
      return { ...allStopped, description: reasonWords(table, t) };
    case 'done':
      return { icon: 'pass', color: 'charts.green', description: rows };
  }
}

/**
 * One status-bar item for all tasks: the one task by name, several by number, the worst state first. Undefined when
 * there is nothing to say.
 */
export function statusWords(
  snapshots: readonly TaskSnapshot[],
  t: Translate,
  locale?: string,
): { text: string; severity: 'none' | 'warning' | 'error'; lines: string[] } | undefined {
  const shown = snapshots.filter((s) => isRunning(s.state) || needsPerson(s));
  if (shown.length === 0) return undefined;
  // `$(…)` in a name would be drawn as an icon.
  const plain = (name: string) => name.replaceAll('$(', '$\u200b(');
  const line = (s: TaskSnapshot) => `${plain(s.name)}: ${taskLook(s, true, t, locale).description}`;
  const lines = shown.flatMap((s) => [line(s), ...stoppedLines(s, t, locale).map(plain)]);
  const failed = shown.filter((s) => s.state === 'failed');
  const waiting = shown.filter((s) => s.state === 'blocked' || s.state === 'waiting-for-credentials');
  const stopped = shown.reduce((sum, s) => sum + stoppedTables(s).length, 0);
  const none = shown.filter(isEveryTableStopped);
  const severity =
    failed.length + none.length > 0 ? 'error' : waiting.length + stopped > 0 ? 'warning' : 'none';
  const worst = mostUrgentFirst(shown)[0]!;
  const { icon } = taskLook(worst, true, t, locale);
  if (shown.length === 1) return { text: `$(${icon}) ${lines[0]}`, severity, lines };
  const counts = joined(
    failed.length > 0 ? t('{0} failed', failed.length) : '',
    waiting.length > 0 ? t('{0} waiting for you', waiting.length) : '',
    stopped > 0 ? stoppedCount(stopped, t, locale) : '',
    t('{0} tasks', shown.length),
  );
  return { text: `$(${icon}) ${counts}`, severity, lines };
}

/** Tasks that run or need a person, those first that need one most. */
export function mostUrgentFirst(snapshots: readonly TaskSnapshot[]): TaskSnapshot[] {
  const urgency = (s: TaskSnapshot) => {
    if (s.state === 'failed') return 0;
    if (isEveryTableStopped(s)) return 1;
    if (s.state === 'blocked' || s.state === 'waiting-for-credentials') return 2;
    return needsPerson(s) ? 3 : 4;
  };
  return snapshots
    .filter((s) => isRunning(s.state) || needsPerson(s))
    .sort((a, b) => urgency(a) - urgency(b));
}

const shownReasons = 3;

/** The first tables that have stopped, each with its reason, for a tooltip. */
export function stoppedLines(
  snapshot: Pick<TaskSnapshot, 'tables'>,
  t: Translate,
  locale?: string,
): string[] {
  const stopped = stoppedTables(snapshot);
  const more = stopped.length - shownReasons;
  return [
    ...stopped.slice(0, shownReasons).map((table) => `  ${table.source}: ${reasonWords(table, t)}`),
    ...(more > 0 ? [`  ${t('and {0} more', formatCount(more, locale))}`] : []),
  ];
}

function joined(...parts: string[]): string {
  return parts.filter((part) => part !== '').join(' · ');
}
