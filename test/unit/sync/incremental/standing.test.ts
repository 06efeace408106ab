import { describe, expect, it } from 'vitest';
import { isCaughtUp, isDone, latencyMs, type Standing } from '../../../../src/sync/incremental/standing.js';
import { at } from './kept.js';

/** When the incremental phase says that it is caught up, that it is through, and how far it is behind. */
const standing: Standing = {
  isStreaming: true,
  checkpoint: at(100),
  isIdle: true,
  end: at(100),
  syncs: { isEmpty: true, isSettled: true },
  isCompared: true,
};

describe('caught up', () => {
  it('where everything is at the destination that the source had', () => {
    expect(isCaughtUp(standing)).toBe(true);
    expect(isCaughtUp({ ...standing, checkpoint: at(120) })).toBe(true);
  });

  it.each<[string, Partial<Standing>]>([
    ['before the source has let the stream begin', { isStreaming: false }],
    ['while the end of the binlog is not known', { end: null }],
    ['behind that end', { checkpoint: at(99) }],
    ['with rows on their way', { isIdle: false }],
    ['while a table is loaded beside the stream', { syncs: { isEmpty: false, isSettled: false } }],
  ])('not %s', (_what, but) => {
    expect(isCaughtUp({ ...standing, ...but })).toBe(false);
  });
});

describe('through', () => {
  it('where the checkpoint has reached the goal, and never without one', () => {
    expect(isDone(standing, at(100))).toBe(true);
    expect(isDone({ ...standing, end: at(500), isIdle: false }, at(100))).toBe(true);
    expect(isDone(standing, null)).toBe(false);
  });

  it.each<[string, Partial<Standing>]>([
    ['before the source has let the stream begin', { isStreaming: false }],
    ['before the checkpoint is there', { checkpoint: at(99) }],
    [
      'while rows of a table that was handed over are on their way',
      { syncs: { isEmpty: true, isSettled: false } },
    ],
    ['before the definitions were compared', { isCompared: false }],
  ])('not %s', (_what, but) => {
    expect(isDone({ ...standing, ...but }, at(100))).toBe(false);
  });
});

describe('latency', () => {
  const second = 1_000_000;
  const checkpoint = { ...at(100), commitMicros: 10 * second };

  it('is the age of the oldest change on its way', () => {
    expect(latencyMs(30 * second, 25 * second, checkpoint, 5 * second)).toBe(5000);
  });

  it('with none, counts from the last commit or from when it was caught up, whichever came later', () => {
    expect(latencyMs(30 * second, null, checkpoint, 29 * second)).toBe(1000);
    expect(latencyMs(30 * second, null, checkpoint, 5 * second)).toBe(20_000);
    expect(latencyMs(30 * second, null, checkpoint, null)).toBe(20_000);
  });

  it('is never below zero, and null where nothing is known', () => {
    expect(latencyMs(1 * second, 2 * second, checkpoint, null)).toBe(0);
    expect(latencyMs(30 * second, null, at(100), null)).toBeNull();
  });
});
