import type { PlainError } from './errors.js';

/** Something that people want to be woken for; told once when it begins and once when it is over. */
export interface Alert {
  kind: 'failed' | 'blocked' | 'latency' | 'difference' | 'stopped-table';
  /** Of a stopped table, which one; `error` has reason and remedy. Each stop is an incident of its own. */
  table?: { source: string; destination: string };
  state: 'open' | 'over';
  task: { id: string; name: string };
  atMs: number;
  /** With state "over": when it began. */
  openedMs?: number;
  message: string;
  error?: PlainError;
  latencyMs: number | null;
}
