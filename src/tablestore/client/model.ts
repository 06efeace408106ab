/** What has to be true of the destination row for a write to happen. Only BatchWriteRow carries it. */
export type RowCondition = 'ignore' | 'exist' | 'not-exist';

/** A row change on its way to Tablestore, fully encoded. */
export interface RowChange {
  readonly table: string;
  /** An update without cells is sent as a put of the key alone (correctness rule 8). */
  readonly op: 'put' | 'update' | 'delete';
  /** The ROW_PK cells of `row` as a latin1 string: identity of the key, compared by bytes (correctness rule 7). */
  readonly key: string;
  /** The whole PlainBuffer row, header included, as BatchWriteRow and BulkImport carry it. */
  readonly row: Buffer;
  /** The size Tablestore counts (docs/tablestore.md §3), for the 4 MB limits. */
  readonly dataBytes: number;
  /** Told once what became of it. A change that was composed with others is told like any other. */
  readonly owner: ChangeOwner;
  /** Whatever the owner needs to recognise the change: row number in its transaction, say. */
  readonly tag: number;
  /** 'ignore' when missing. A condition that does not hold counts as acknowledged: the row stays as it is. */
  readonly condition?: RowCondition;
}

/** Exactly one of the two is called, once, for every change. */
export interface ChangeOwner {
  /** The destination holds the change, or a later one of the same key. */
  acknowledged(change: RowChange): void;
  /**
   * Refused for good, never sent again. When this returns the change is over, unless `hold` was called: then the key
   * stays held and its later changes wait, until the owner releases the hold with a new change or with none.
   */
  rejected(change: RowChange, error: { code: string; message: string }, hold: () => KeyHold): void;
}

/** A key kept to oneself: changes of it that are queued later wait (correctness rules 11 and 22). */
export interface KeyHold {
  /** Ends the hold. `change`, of that same key, goes first; it is told to its owner like any other. */
  release(change?: RowChange): void;
}
