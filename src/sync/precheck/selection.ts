import type { TableDefinition } from '../../mysql/model.js';

export interface PlannedTable {
  readonly table: TableDefinition;
  /** Name in Tablestore. */
  readonly destination: string;
  /** Source columns in key order. */
  readonly keyColumns: readonly string[];
  /** The key in Tablestore. */
  readonly keys: readonly { name: string; type: 'INTEGER' | 'STRING' | 'BINARY' }[];
  /** Attribute names in Tablestore. */
  readonly attributes: readonly string[];
}
