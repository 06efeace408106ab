import type { HistoryPoint } from '../../src/shared/task-control-api.js';

/** Where a chart's axes end and where they are labelled: round numbers that stay put while the values move. */

/** The next of 1, 2, 5, 10, 20 … that is not below. */
export function roundTop(most: number): number {
  if (!(most > 1)) return 1;
  const unit = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((n) => n * unit).find((top) => top >= most) ?? most;
}

const durations = [10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000]
  .concat([2, 5, 10, 30, 60, 120, 360, 720, 1440].map((minutes) => minutes * 60_000))
  .concat([2, 5, 10].map((days) => days * 86_400_000));

/** The same for milliseconds: 10 ms, 1 s, 30 s, 5 min … */
export function durationTop(most: number): number {
  return durations.find((top) => top >= most) ?? roundTop(most / 86_400_000) * 86_400_000;
}

const steps = [15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

/**
 * Times to label between `from` and `to` (seconds since 1970): whole ones of the reader's clock, at most `most`.
 * `offset`: seconds by which that clock is ahead of UTC.
 */
export function timeTicks(from: number, to: number, offset: number, most: number): number[] {
  const step = steps.find((one) => (to - from) / one <= most) ?? (to - from) / most;
  const ticks: number[] = [];
  for (let at = Math.ceil((from + offset) / step) * step - offset; at <= to; at += step) ticks.push(at);
  return ticks;
}

/** Pixels between two labels. */
const labelGap = 10;

/**
 * The times to label where `axis` pixels show `from` to `to` and a label is `label` pixels wide: no two labels touch,
 * and none reaches over an end of the axis. `offset` as for timeTicks.
 */
export function fittingTicks(
  from: number,
  to: number,
  offset: number,
  { axis, label }: { axis: number; label: number },
): number[] {
  const most = Math.min(5, Math.floor(axis / (label + labelGap)));
  if (!(most >= 1)) return [];
  const half = ((label / 2) * (to - from)) / axis;
  return timeTicks(from, to, offset, most).filter((at) => at - half >= from && at + half <= to);
}

/** A break in the line where nothing was recorded for longer than `gapMs`. */
export function withGaps(
  points: readonly HistoryPoint[],
  value: (point: HistoryPoint) => number | null,
  gapMs: number,
): [times: number[], values: (number | null)[]] {
  const times: number[] = [];
  const values: (number | null)[] = [];
  let last: number | undefined;
  for (const point of points) {
    if (last !== undefined && point.atMs - last > gapMs) {
      times.push((last + 1) / 1000);
      values.push(null);
    }
    times.push(point.atMs / 1000);
    values.push(value(point));
    last = point.atMs;
  }
  return [times, values];
}

/** The points as rows of a table, newest first: rates on average, the highest latency, `binMs` each. */
export function binned(points: readonly HistoryPoint[], binMs: number): HistoryPoint[] {
  const bins = new Map<number, HistoryPoint[]>();
  for (const point of points) {
    const at = Math.floor(point.atMs / binMs) * binMs;
    bins.set(at, [...(bins.get(at) ?? []), point]);
  }
  const average = (some: HistoryPoint[], of: (point: HistoryPoint) => number) =>
    some.reduce((sum, point) => sum + of(point), 0) / some.length;
  return [...bins]
    .map(([atMs, some]) => {
      const latencies = some.flatMap(({ latencyMs }) => (latencyMs === null ? [] : [latencyMs]));
      return {
        atMs,
        rowsPerSecond: average(some, (point) => point.rowsPerSecond),
        bytesPerSecond: average(some, (point) => point.bytesPerSecond),
        latencyMs: latencies.length === 0 ? null : Math.max(...latencies),
      };
    })
    .sort((a, b) => b.atMs - a.atMs);
}
