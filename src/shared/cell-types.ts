/** Types of a Tablestore attribute column. A file of its own, so that a page can have them without the schema. */
export const cellTypes = ['STRING', 'INTEGER', 'DOUBLE', 'BOOLEAN', 'BINARY'] as const;
export type CellType = (typeof cellTypes)[number];
