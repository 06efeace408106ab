import type { Translate } from '../../src/shared/format.js';
import { loadPercent } from '../../src/shared/format.js';
import { stoppedWords } from '../../src/shared/snapshot-words.js';
import type { Phase, TaskSnapshot } from '../../src/shared/snapshot.js';
import { isEveryTableStopped } from '../../src/shared/stopped-tables.js';
import { isRunning } from '../../src/shared/task-actions.js';

export interface Step {
  phase: Phase;
  title: string;
  state: 'done' | 'now' | 'waiting';
  /** Of the phase that it is in; empty when there is nothing to say. */
  detail: string;
  /** It is in this phase, and nothing comes of it. */
  idle?: true;
}

/** What a task goes through, as far as its settings have it, and where it is. */
export function stepsOf(
  snapshot: Pick<TaskSnapshot, 'phase' | 'state' | 'tables'>,
  synchronization: { schema: boolean; full: boolean; incremental: boolean } | null,
  t: Translate,
): Step[] {
  const wanted: [Phase, string, boolean][] = [
    ['precheck', t('Precheck'), true],
    ['schema', t('Tables created'), synchronization?.schema ?? true],
    ['full', t('Full load'), synchronization?.full ?? true],
    ['incremental', t('Incremental'), synchronization?.incremental ?? true],
  ];
  const order: Phase[] = ['none', 'precheck', 'schema', 'full', 'incremental', 'verify'];
  const at = order.indexOf(snapshot.phase);
  const over = snapshot.state === 'completed';
  const isWithin = isRunning(snapshot.state) || snapshot.state === 'blocked';
  return wanted
    .filter(([, , on]) => on)
    .map(([phase, title]) => {
      const place = order.indexOf(phase);
      const state = over || place < at ? 'done' : place === at && isWithin ? 'now' : 'waiting';
      const percent = phase === 'full' && state === 'now' ? loadPercent(snapshot) : null;
      const idle = phase === 'incremental' && state === 'now' && isEveryTableStopped(snapshot);
      const detail = percent === null ? '' : t('{0}%', percent);
      return { phase, title, state, detail, ...(idle && { idle }) };
    });
}

/** The state in a word or two, without figures: what a screen reader is told when it changes. */
export function stateWords(snapshot: Pick<TaskSnapshot, 'state' | 'phase' | 'tables'>, t: Translate): string {
  const { state, phase } = snapshot;
  switch (state) {
    case 'running':
      if (isEveryTableStopped(snapshot)) return stoppedWords(snapshot, t);
      return phase === 'incremental' ? t('live') : phase === 'full' ? t('full load') : t('starting');
    case 'starting':
      return t('starting');
    case 'retrying':
      return t('retrying');
    case 'paused':
      return t('paused');
    case 'blocked':
      return t('blocked');
    case 'stopping':
      return t('stopping');
    case 'stopped':
      return t('stopped');
    case 'failed':
      return t('failed');
    case 'completed':
      return t('completed');
    case 'waiting-for-credentials':
      return t('waiting for credentials');
  }
}
