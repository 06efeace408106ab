/**
 * The lint rule that what a file exports is changed by nobody else: a setting that another file may set is a setting
 * that a test leaves behind. Who needs another value is given one.
 */
export const importedStays = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { changed: '{{name}} is imported: it is not changed here. Pass in another one.' },
  },
  create(context) {
    const { sourceCode } = context;
    const check = (target, node) => {
      let object = target;
      while (object.type === 'MemberExpression') object = object.object;
      if (object.type !== 'Identifier' || object === target) return;
      refuse(object, node);
    };
    const refuse = (identifier, node) => {
      if (isImported(sourceCode.getScope(node), identifier.name))
        context.report({ node, messageId: 'changed', data: { name: identifier.name } });
    };
    return {
      AssignmentExpression: (node) => check(node.left, node),
      UpdateExpression: (node) => check(node.argument, node),
      UnaryExpression: (node) => node.operator === 'delete' && check(node.argument, node),
      'CallExpression[callee.object.name="Object"][callee.property.name="assign"]': (node) => {
        const [target] = node.arguments;
        if (target?.type === 'Identifier') refuse(target, node);
        else if (target) check(target, node);
      },
    };
  },
};

function isImported(scope, name) {
  for (let at = scope; at; at = at.upper) {
    const variable = at.set.get(name);
    if (variable) return variable.defs.some(({ type }) => type === 'ImportBinding');
  }
  return false;
}
