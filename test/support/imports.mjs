/**
 * Visitors of a lint rule that give it each import of a file, however it is written.
 * @param {(node: { value: string }) => void} check gets the node of the specifier
 */
export function importVisitors(check) {
  const see = (node) => {
    if (typeof node?.value === 'string') check(node);
  };
  return {
    ImportDeclaration: (node) => see(node.source),
    ExportAllDeclaration: (node) => see(node.source),
    ExportNamedDeclaration: (node) => see(node.source),
    ImportExpression: (node) => see(node.source),
    TSImportType: (node) => see(node.source ?? node.argument?.literal),
  };
}
