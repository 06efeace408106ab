/** A row change on its way to Tablestore, fully encoded. */
export interface RowChange {
  readonly table: string;
  op: 'put' | 'update' | 'delete';
  /** The ROW_PK cells of `row` as a latin1 string: identity of the key, compared by bytes (correctness rule 7). */
  readonly key: string;
  /** The whole PlainBuffer row, header included, as BatchWriteRow and BulkImport carry it. */
  row: Buffer;
  /** The size Tablestore counts (tablestore.md §3), for the 4 MB limits. */
  dataBytes: number;
  /** Told once what became of it. Composition calls every owner of the composed changes. */
  readonly owner: ChangeOwner;
  /** Whatever the owner needs to recognise the change: row number in its transaction, say. */
  readonly tag: number;
}

export interface ChangeOwner {
  acknowledged(change: RowChange): void;
  /** Refused for good, never retried. The owner decides: skip → return 'drop', block → return 'hold' and later release it. */
  rejected(change: RowChange, error: { code: string; message: string }): void;
}
