/**
 * Times and sizes that no task file sets. A run is given them: a test makes them shorter, because a rule whose wait is a
 * minute could not be seen to hold otherwise.
 */
export interface Timing {
  /** How often a load checks whether the binlog still has its start position (correctness rule 6), ms. */
  readonly startWatchMs: number;
  /** How long a start waits for a lock that another session holds (correctness rule 12), ms. */
  readonly lockPatienceMs: number;
  /** Bytes of a chunk of the full load as the source stores them, and its bounds in rows (correctness rule 4). */
  readonly chunk: { readonly bytes: number; readonly leastRows: number; readonly mostRows: number };
  /** How often a row that differs is looked at again before it counts, while the task runs (correctness rule 23), ms apart. */
  readonly verifyLooksMs: readonly number[];
  /** Without GTIDs, how long a commit that the binlog has sent may take to be seen, ms: longer than any, save one that waits for a replica. */
  readonly unseenCommitMs: number;
  /** How often the definitions of followed tables are compared with the catalog (correctness rule 13), ms. */
  readonly definitionsMs: number;
  /** How long a table that a schema change may have made waits for what proves it, before it is taken in, ms. */
  readonly toolTableMs: number;
  /**
   * The audit: how long it rests between two passes of a table, how often it looks at differences that are known, above
   * how much latency it waits, and how long between the two looks that make a difference count, ms.
   */
  readonly audit: {
    readonly restMs: number;
    readonly knownMs: number;
    readonly lagMs: number;
    readonly lookMs: number;
  };
  /** How long a request that was given up may still be carried out by the service (correctness rule 10), ms. */
  readonly lateWriteMs: number;
}

export const standardTiming: Timing = {
  startWatchMs: 60_000,
  lockPatienceMs: 20_000,
  chunk: { bytes: 8 * 1024 * 1024, leastRows: 500, mostRows: 20_000 },
  verifyLooksMs: [300, 700, 1500, 3000, 5000],
  unseenCommitMs: 3000,
  definitionsMs: 60_000,
  toolTableMs: 5000,
  audit: { restMs: 5000, knownMs: 10_000, lagMs: 3000, lookMs: 500 },
  lateWriteMs: 30_000,
};
