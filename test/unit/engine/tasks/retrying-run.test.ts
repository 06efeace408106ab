import { describe, expect, it } from 'vitest';
import { RetryingRun } from '../../../../src/engine/tasks/retrying-run.js';
import type { ReplicationRun, RunView } from '../../../../src/engine/tasks/run.js';
import { RowferryError, type ErrorCode } from '../../../../src/shared/errors.js';
import type { RunOutcome } from '../../../../src/shared/engine-api.js';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const view: RunView = {
  state: 'failed',
  phase: 'incremental',
  tables: [],
  rows: { full: 0, inserted: 0, updated: 0, deleted: 0 },
  rowsPerSecond: 0,
  bytesPerSecond: 0,
  latencyMs: null,
  position: null,
  caughtUp: false,
  dirty: 0,
};
const failed = (code: ErrorCode): RunOutcome => ({
  state: 'failed',
  error: new RowferryError(code, 'gone').toPlain(),
});

function attempts(
  outcomes: RunOutcome[],
  windows = { connectionMs: 60_000, otherMs: 60_000 },
  phase: RunView['phase'] = 'incremental',
) {
  let made = 0;
  const make = (): ReplicationRun => {
    const outcome = outcomes[Math.min(made++, outcomes.length - 1)]!;
    return {
      run: () => Promise.resolve(outcome),
      stop: () => Promise.resolve(),
      view: () => ({ ...view, phase }),
      pause() {},
      resume() {},
      tune() {},
      retryWithin() {},
      planChanges: () => Promise.reject(new Error('not asked')),
      change: () => Promise.reject(new Error('not asked')),
      reload: () => Promise.reject(new Error('not asked')),
      settled: () => Promise.resolve(),
      known: null,
      paused: false,
      runningWriter: null,
      over: false,
    };
  };
  return { work: new RetryingRun(make, () => windows, log, { id: 't', name: 't' }), made: () => made };
}

describe('attempts', () => {
  it('begins again after what passes', async () => {
    const { work, made } = attempts([failed('ROW-S107'), failed('ROW-S101'), { state: 'completed' }]);
    expect(await work.run()).toEqual({ state: 'completed' });
    expect(made()).toBe(3);
  });

  it('does not after what does not', async () => {
    for (const code of ['ROW-S104', 'ROW-D109', 'ROW-V105'] as const) {
      const { work, made } = attempts([failed(code)]);
      expect((await work.run()).error?.code).toBe(code);
      expect(made()).toBe(1);
    }
  });

  it.each([
    ['ROW-S102', 'none', 1],
    ['ROW-S110', 'none', 1],
    ['ROW-S103', 'full', 1],
    ['ROW-S102', 'full', 2],
    ['ROW-S110', 'incremental', 2],
    ['ROW-S103', 'incremental', 2],
    ['ROW-D102', 'schema', 1],
    ['ROW-D102', 'full', 2],
  ] as const)('%s in phase %s takes %i attempts: who was let in waits', async (code, phase, expected) => {
    const { work, made } = attempts([failed(code), { state: 'completed' }], undefined, phase);
    await work.run();
    expect(made()).toBe(expected);
  });

  it('gives up past the window, with the window that belongs to the failure', async () => {
    const { work, made } = attempts([failed('ROW-S111')], { connectionMs: 3_600_000, otherMs: 400 });
    const outcome = await work.run();
    expect(outcome).toMatchObject({
      state: 'failed',
      error: { code: 'ROW-S111', message: /Gave up after \d+ attempts/ },
    } as never);
    expect(made()).toBeGreaterThan(1);
  });

  it('says that it retries, and until when; a stop ends the waiting', async () => {
    const { work } = attempts([failed('ROW-S107')]);
    const running = work.run();
    await new Promise((r) => setTimeout(r, 50));
    expect(work.view()).toMatchObject({
      state: 'retrying',
      retry: { attempt: 1, error: { code: 'ROW-S107' } },
    });
    await work.stop();
    expect(await running).toEqual({ state: 'stopped' });
  });
});
