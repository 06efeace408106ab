/**
 * Times and sizes that no task file sets. They are in one place so that a test can shorten them: a rule whose wait is
 * a minute could not be seen to hold otherwise.
 */
export const timing = {
  /** How often a load looks whether the place where the stream will begin is still there (correctness rule 6), ms. */
  startWatchMs: 60_000,
  /** How long a start waits for a lock that another session holds (correctness rule 12), ms. */
  lockPatienceMs: 20_000,
  /** Bytes of a chunk of the full load as the source stores them, and its bounds in rows (correctness rule 4). */
  chunk: { bytes: 8 * 1024 * 1024, leastRows: 500, mostRows: 20_000 },
  /** How often a row that differs is looked at again before it counts, while the task runs (correctness rule 23), ms apart. */
  verifyLooksMs: [300, 700, 1500, 3000, 5000] as readonly number[],
  /** Without GTIDs, how long a commit that the binlog has sent may take to be seen, ms: longer than any, save one that waits for a replica. */
  unseenCommitMs: 3000,
  /** How often the definitions of followed tables are compared with the catalog (correctness rule 13), ms. */
  definitionsMs: 60_000,
  /** How long a table that a schema change may have made waits for what proves it, before it is taken in, ms. */
  toolTableMs: 5000,
  /**
   * The audit: how long it rests between two passes of a table, how often it looks at differences that are known, behind
   * how much latency it waits, and how long between the two looks that make a difference count, ms.
   */
  audit: { restMs: 5000, knownMs: 10_000, lagMs: 3000, lookMs: 500 },
};
