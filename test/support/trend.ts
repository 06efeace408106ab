/** Over the second half of the samples of one figure. */
export interface Trend {
  readonly mean: number;
  /** By a line through the means of ten stretches, for an hour; and half of its 95 % interval. */
  readonly perHour: number;
  readonly uncertainty: number;
  readonly verdict: 'flat' | 'growing' | 'not decided';
}

const stretches = 10;
/** Student's t for 95 % and stretches − 2 degrees of freedom. */
const t95 = 2.306;
/** Growth over the second half that matters, as a share of the mean. */
const matters = 0.05;

/**
 * Does a figure grow? The first half is warming up. Samples that follow each other are alike, which would make the line look
 * surer than it is: so the line goes through the means of stretches. Growing: the slope is above zero by more than its
 * uncertainty, and what it adds over the second half matters. Flat: even its upper bound does not matter. Else not decided:
 * a longer run tells. Throws when there are fewer than 20 samples.
 */
export function trend(samples: readonly { readonly atMs: number; readonly value: number }[]): Trend {
  const late = samples.slice(Math.floor(samples.length / 2));
  if (late.length < stretches)
    throw new Error(`too few samples: ${samples.length}, at least ${2 * stretches}`);
  const points = Array.from({ length: stretches }, (_, n) => {
    const own = late.slice(
      Math.floor((n * late.length) / stretches),
      Math.floor(((n + 1) * late.length) / stretches),
    );
    return { x: average(own.map(({ atMs }) => atMs / 3_600_000)), y: average(own.map(({ value }) => value)) };
  });
  const meanX = average(points.map(({ x }) => x));
  const mean = average(points.map(({ y }) => y));
  const spread = sum(points.map(({ x }) => (x - meanX) ** 2));
  const perHour = sum(points.map(({ x, y }) => (x - meanX) * (y - mean))) / spread;
  const rest = sum(points.map(({ x, y }) => (y - mean - perHour * (x - meanX)) ** 2));
  const uncertainty = t95 * Math.sqrt(rest / (stretches - 2) / spread);
  const hours = (late.at(-1)!.atMs - late[0]!.atMs) / 3_600_000;
  const share = (slope: number) => (slope * hours) / Math.max(Math.abs(mean), Number.MIN_VALUE);
  const verdict =
    perHour - uncertainty > 0 && share(perHour) > matters
      ? 'growing'
      : share(perHour + uncertainty) <= matters
        ? 'flat'
        : 'not decided';
  return { mean, perHour, uncertainty, verdict };
}

const sum = (values: number[]) => values.reduce((all, one) => all + one, 0);
const average = (values: number[]) => sum(values) / values.length;
