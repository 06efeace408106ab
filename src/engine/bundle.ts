import { existsSync, readFileSync } from 'node:fs';
import { platform, release, totalmem } from 'node:os';
import type { TaskSnapshot } from '../shared/snapshot.js';
import type { ResolvedTask } from '../shared/task.js';
import type { EngineStore } from './store/engine-store.js';
import type { LogEntry } from './base/log.js';
import type { StatePaths } from './base/paths.js';

const logBytes = 512 * 1024;
const hidden = '(hidden)';

/**
 * What somebody who helps wants to see: versions, settings, checks, states, figures, the last of the log. No secret
 * and no row value: dirty records are counted, not shown. Plain JSON.
 */
export function supportBundle(
  task: ResolvedTask,
  store: EngineStore,
  paths: StatePaths,
  state: TaskSnapshot | undefined,
): Record<string, unknown> {
  const { database } = store;
  const known = store.known().find((one) => one.id === task.id);
  return {
    type: 'rowferry.bundle',
    version: 1,
    madeAt: new Date().toISOString(),
    versions: {
      node: process.version,
      sqlite: database.get<{ v: string }>('SELECT sqlite_version() AS v')?.v,
      system: `${platform()} ${release()} ${process.arch}`,
      memoryBytes: totalmem(),
    },
    task: withoutSecrets(task),
    state: state ?? null,
    check: known?.report ?? null,
    history: store.history(task.id, Date.now() - 24 * 3600 * 1000),
    chunks: database.all(
      'SELECT source, COUNT(*) AS chunks, SUM(done) AS done, SUM(row_count) AS rows FROM chunk WHERE task = ? GROUP BY source',
      task.id,
    ),
    dirty: database.all(
      'SELECT source, operation, code, COUNT(*) AS records, MIN(at_ms) AS firstMs, MAX(at_ms) AS lastMs FROM dirty WHERE task = ? GROUP BY source, operation, code',
      task.id,
    ),
    log: [...tail(`${paths.log}.1`, logBytes / 2), ...tail(paths.log, logBytes)].map(entryOf),
    output: tail(paths.output, 64 * 1024),
  };
}

/** The task as it may be shown to strangers. */
export function withoutSecrets(task: ResolvedTask): ResolvedTask {
  const { alerts } = task;
  return {
    ...task,
    source: { ...task.source, password: hidden },
    destination: {
      ...task.destination,
      accessKeyId: hidden,
      accessKeySecret: hidden,
      securityToken: task.destination.securityToken === null ? null : hidden,
    },
    // The address of a webhook often is a secret by itself.
    alerts: {
      ...alerts,
      webhook: alerts.webhook === null ? null : hidden,
      ...(alerts.webhookSecret !== undefined && { webhookSecret: hidden }),
    },
  };
}

/** A line of the log; as text when it is cut, or of a version that wrote text. */
function entryOf(line: string): LogEntry | string {
  try {
    return JSON.parse(line) as LogEntry;
  } catch {
    return line;
  }
}

function tail(file: string, bytes: number): string[] {
  if (!existsSync(file)) return [];
  const text = readFileSync(file).subarray(-bytes).toString('utf8');
  return text.split('\n').filter((line) => line !== '');
}
