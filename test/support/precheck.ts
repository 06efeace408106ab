import { noConnections } from '../../src/shared/connections.js';
import type { CheckReport } from '../../src/shared/check-report.js';
import type { ResolvedTask } from '../../src/shared/task.js';
import { parseTask, resolveTask } from '../../src/shared/task-file.js';
import type { LocalTablestore } from '../../src/local-tablestore/index.js';

/** A task from a test's source to its embedded Tablestore, every default filled in. */
export function taskBetween(
  mysql: { port: number },
  store: Pick<LocalTablestore, 'url' | 'accessKeyId' | 'accessKeySecret'>,
  change: (task: ResolvedTask) => unknown = () => {},
): ResolvedTask {
  const text = JSON.stringify({
    source: { host: '127.0.0.1', port: mysql.port, user: 'root' },
    destination: {
      endpoint: store.url,
      instance: 'local',
      accessKeyId: store.accessKeyId,
      accessKeySecret: store.accessKeySecret,
    },
    objects: [{ database: 'shop' }],
  });
  const task = resolveTask(
    { ...parseTask(text).value!, id: 't-1' },
    { file: 'x', fallbackName: 'x', connections: noConnections, environment: () => undefined },
  );
  change(task);
  return task;
}

/** Ids of the items that are not as expected, `warning:` in front of those that are only that. */
export function openItems(report: CheckReport): string[] {
  return report.results
    .filter((r) => r.status === 'fail' || r.status === 'warning')
    .map((r) => (r.status === 'warning' ? `warning:${r.id}` : r.id));
}
