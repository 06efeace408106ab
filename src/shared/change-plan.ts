/** What of a table's mapping is another one than before. */
export type MappingChange = 'table' | 'filter' | 'key' | 'columns' | 'transformation';

/** What a changed selection means for a task that was running with another one. */
export interface ChangePlan {
  /** Created, loaded, and followed from then on, beside the others. */
  added: { source: string; destination: string; estimatedRows: number }[];
  /** Loaded anew, and rows that they do not give any more deleted. */
  changed: { source: string; destination: string; estimatedRows: number; what: MappingChange[] }[];
  /** Not followed any more; the destination table stays as it is. */
  removed: { source: string; destination: string }[];
  /** Tables that cannot be taken in, with the reason: they stop, each alone. */
  unfit?: { source: string; message: string }[];
  /** Keys of the file that changed as well and hold from the next start only. */
  atNextStart: string[];
  /** Tables of which these keys change what is loaded already: the next start loads them again. */
  reloadedAtNextStart?: string[];
  /** Why it cannot be carried out. */
  problems: string[];
}

export function isEmptyPlan({ added, changed, removed, unfit = [], problems }: ChangePlan): boolean {
  return added.length + changed.length + removed.length + unfit.length + problems.length === 0;
}
