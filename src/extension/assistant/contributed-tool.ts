/** A tool as package.json has it, in the reader's language. */
export interface ContributedTool {
  name: string;
  displayName: string;
}
