// The lint rule that keeps a table a pair: its name is joined and taken apart in src/shared/source-name.ts alone.

const isDatabase = (text) => /(^|\.)(database|schema|db)$/i.test(text);
const isName = (text) => /(^|\.)(name|table|tab)$/i.test(text);
const isTable = (text) => /(^|\.)(source|table|tableName|qualified)$/.test(text);

/** @type {import('eslint').Rule.RuleModule} */
export const tableNames = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      joined: 'a table is a pair: make its text by sourceName(), in SQL by identifier()',
      split: 'a table is a pair: take its text apart by parseSourceName()',
    },
  },
  create(context) {
    if (context.filename.endsWith('source-name.ts')) return {};
    const text = (node) => context.sourceCode.getText(node);
    return {
      TemplateLiteral(node) {
        node.expressions.slice(1).forEach((right, i) => {
          const left = node.expressions[i];
          if (node.quasis[i + 1].value.raw === '.' && isDatabase(text(left)) && isName(text(right)))
            context.report({ node, messageId: 'joined' });
        });
      },
      CallExpression({ callee, arguments: [first] }) {
        if (callee.type !== 'MemberExpression' || first?.value !== '.') return;
        if (/^(split|indexOf|lastIndexOf)$/.test(callee.property.name) && isTable(text(callee.object)))
          context.report({ node: callee, messageId: 'split' });
      },
    };
  },
};
