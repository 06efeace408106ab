import type { PlainError } from './errors.js';

/** One column of a row that differs, by its name in Tablestore; null: the row, or this cell of it, is not there. */
export interface VerifyCell {
  name: string;
  /** As the source's row would be written. */
  source: string | null;
  destination: string | null;
  differs: boolean;
}

export interface VerifyDifference {
  /** 'duplicate': several rows of the source have this one key, and only one of them can be at the destination. */
  kind: 'missing' | 'extra' | 'different' | 'duplicate';
  /** `name=value, …` as dirty records have it. */
  key: string;
  cells: VerifyCell[];
  /** Of a duplicate: its rows at the source, each by its own key there, `name=value, …`; the first ten. */
  rows?: string[];
}

export interface VerifyTable {
  source: string;
  destination: string;
  /** Of a quick verification: how many rows each side has. */
  counts?: { source: number; destination: number };
  /** Of a quick verification: a transformation may drop rows, so that counts which agree say nothing. */
  uncounted?: boolean;
  compared: number;
  missing: number;
  extra: number;
  different: number;
  /** Keys that several rows of the source have. */
  duplicate: number;
  suspended: number;
  kept: number;
  dirty: number;
  /** Rows of which the operation or the time of their last change decides whether a transformation dropped them. */
  notComparable: number;
  /** The first rows that differ; the counts know of all. Values of masked columns are not told. */
  differences: VerifyDifference[];
  /** Rows that were put right. */
  repaired: number;
  /** Why the table does not count as equal whatever was found: it stopped, or could not be compared (to its end). */
  problem?: PlainError;
}

export interface VerifyChoice {
  repair?: boolean;
  quick?: boolean;
  /** Waits for a side that cannot be reached, for as long as the task would; else some seconds. */
  wait?: boolean;
  /** What its client calls it, to cancel this one. */
  call?: string;
}

export interface VerifyReport {
  tables: VerifyTable[];
  compared: number;
  differing: number;
  repaired: number;
  /** Tables with a problem. */
  problems: number;
  /** No row differs, and no table has a problem. */
  equal: boolean;
  sourceRows: number;
  destinationRows: number;
}

export interface VerifyProgress {
  table: string;
  compared: number;
  estimatedRows: number | null;
  /** Rows of the source are looked up, rows of Tablestore are, what seemed to differ is looked at again, or put right. */
  stage: 'source' | 'destination' | 'again' | 'repair';
  /** In the stage 'repair': rows put right so far, of how many. */
  repair?: { done: number; all: number };
  /** Rows that seem to differ so far; those in flight among them will agree later. */
  suspects: number;
}
