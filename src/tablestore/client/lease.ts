/**
 * The right to write to a destination, which somebody else gives and may take away (correctness rule 12). It is looked
 * at before every request that writes, and once more before the last byte of it leaves.
 */
export interface Lease {
  /** It was confirmed so lately that nobody else can have it. */
  isFresh(): boolean;
  /** Settles when it is confirmed anew. Rejects when it is lost, with what ends the writer. */
  confirmed(): Promise<void>;
}
