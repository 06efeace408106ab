import type { RowImage } from '../../mysql/model.js';

/** The image is only good until the callback returns; what waits has a copy of its own. */
export function copyOf(image: RowImage): RowImage {
  let from = Infinity;
  let to = 0;
  for (let i = 0; i < image.starts.length; i++) {
    if (image.starts[i]! < 0) continue;
    from = Math.min(from, image.starts[i]!);
    to = Math.max(to, image.ends[i]!);
  }
  if (to === 0) from = 0;
  const shift = (value: number) => (value < 0 ? value : value - from);
  return {
    bytes: Buffer.from(image.bytes.subarray(from, to)),
    starts: image.starts.map(shift),
    ends: image.ends.map((end) => end - from),
  };
}
