import { formatCount, formatDuration, formatShort, loadPercent, type Translate } from './format.js';
import type { TableProgress, TaskSnapshot, TaskState, AuditView } from './snapshot.js';

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

const active: ReadonlySet<TaskState> = new Set([
  'starting',
  'running',
  'retrying',
  'paused',
  'blocked',
  'stopping',
]);

export function isRunning(state: TaskState): boolean {
  return active.has(state);
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
  const canStop = isRunning(state) && state !== 'stopping';
  const look = (icon: string, color: string | undefined, description: string): TaskLook => ({
    icon,
    ...(color === undefined ? {} : { color }),
    description,
    canStart: !isRunning(state) && valid,
    canStop,
  });
  const dirty = snapshot.dirty > 0 ? t('{0} dirty', formatCount(snapshot.dirty, locale)) : '';
  switch (state) {
    case 'starting':
      return look('loading~spin', undefined, joined(phaseWords(snapshot, t, locale) || t('starting')));
    case 'running': {
      const loading = snapshot.phase !== 'incremental';
      return look(
        loading ? 'sync~spin' : 'pulse',
        'charts.green',
        joined(phaseWords(snapshot, t, locale), rateWords(snapshot, t, locale), dirty),
      );
    }
    case 'retrying':
      return look(
        'debug-reverse-continue',
        'charts.yellow',
        joined(t('retrying, attempt {0}', snapshot.retry?.attempt ?? 1), dirty),
      );
    case 'paused':
      return look('debug-pause', 'charts.blue', joined(t('paused'), dirty));
    case 'blocked':
      return look('warning', 'list.warningForeground', joined(t('blocked'), dirty));
    case 'stopping':
      return look('loading~spin', undefined, t('stopping'));
    case 'failed':
      return look('error', 'list.errorForeground', joined(t('failed'), dirty));
    case 'completed':
      return look('pass', 'charts.green', joined(t('completed'), rowsWords(snapshot, t, locale), dirty));
    case 'waiting-for-credentials':
      return look('key', 'charts.yellow', t('waiting for credentials'));
    case 'stopped':
      return look('circle-large-outline', undefined, joined(t('stopped'), dirty));
  }
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
      return t('live · {0}', latencyWords(snapshot.latencyMs, t, locale));
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
      runs && snapshot.phase === 'incremental' ? latencyWords(snapshot.latencyMs, t, locale) : '',
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
      if (!runs) return { id, label: labels[id], icon: 'circle-large-outline', description: done[id] };
      const live = id === 'incremental';
      return {
        id,
        label: labels[id],
        icon: live ? 'pulse' : 'loading~spin',
        ...(live ? { color: 'charts.green' } : {}),
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
    ? t('all equal on {0}', new Date(lastPass.finishedMs).toLocaleString(locale))
    : t('first pass, {0} rows compared', formatCount(rows, locale));
  return { label, description, icon: 'eye' };
}

export interface TableLook {
  icon: string;
  color?: string;
  description: string;
}

export function tableLook(table: TableProgress, t: Translate, locale?: string): TableLook {
  const rows = t('{0} rows', formatCount(table.rows, locale));
  if (table.problem)
    return { icon: 'error', color: 'list.errorForeground', description: table.problem.message };
  switch (table.phase) {
    case 'waiting':
      return { icon: 'circle-large-outline', description: t('waiting') };
    case 'schema':
      return { icon: 'loading~spin', description: t('creating the table') };
    case 'full': {
      const percent = table.estimatedRows
        ? `${Math.min(99, Math.floor((table.rows * 100) / table.estimatedRows))}%`
        : '';
      return { icon: 'loading~spin', description: joined(percent, rows) };
    }
    case 'incremental':
      return { icon: 'pulse', color: 'charts.green', description: rows };
    case 'stopped':
      return { icon: 'circle-slash', color: 'list.warningForeground', description: t('stopped') };
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
  const shown = snapshots.filter((s) => s.state !== 'stopped' && s.state !== 'completed');
  if (shown.length === 0) return undefined;
  // `$(…)` in a name would be drawn as an icon.
  const name = (s: TaskSnapshot) => s.name.replaceAll('$(', '$\u200b(');
  const lines = shown.map((s) => `${name(s)}: ${taskLook(s, true, t, locale).description}`);
  const failed = shown.filter((s) => s.state === 'failed');
  const waiting = shown.filter((s) => s.state === 'blocked' || s.state === 'waiting-for-credentials');
  const severity = failed.length > 0 ? 'error' : waiting.length > 0 ? 'warning' : 'none';
  const [worst] = failed.length > 0 ? failed : waiting.length > 0 ? waiting : shown;
  const icon = taskLook(worst, true, t, locale).icon;
  if (shown.length === 1) return { text: `$(${icon}) ${lines[0]}`, severity, lines };
  const counts = joined(
    failed.length > 0 ? t('{0} failed', failed.length) : '',
    waiting.length > 0 ? t('{0} waiting for you', waiting.length) : '',
    t('{0} tasks', shown.length),
  );
  return { text: `$(${icon}) ${counts}`, severity, lines };
}

function joined(...parts: string[]): string {
  return parts.filter((part) => part !== '').join(' · ');
}
