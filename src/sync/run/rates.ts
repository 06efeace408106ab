/** Rows and bytes a second over the last few seconds, from counters that only grow. */
export class RateMeter {
  private samples: { atMs: number; rows: number; bytes: number }[] = [];

  constructor(private readonly windowMs = 5000) {}

  /** Notes the counters and gives the rates since the oldest sample of the window. */
  measure(
    rows: number,
    bytes: number,
    nowMs = Date.now(),
  ): { rowsPerSecond: number; bytesPerSecond: number } {
    this.samples.push({ atMs: nowMs, rows, bytes });
    while (this.samples.length > 2 && this.samples[0]!.atMs < nowMs - this.windowMs) this.samples.shift();
    const first = this.samples[0]!;
    const seconds = (nowMs - first.atMs) / 1000;
    if (seconds <= 0) return { rowsPerSecond: 0, bytesPerSecond: 0 };
    return { rowsPerSecond: (rows - first.rows) / seconds, bytesPerSecond: (bytes - first.bytes) / seconds };
  }
}
