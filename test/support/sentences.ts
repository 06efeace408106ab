import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

/** The English sentences that sources say to people, read off their syntax: for tests that each has a Chinese one. */

export interface Sentence {
  /** With {0}, {1} … where a value goes. */
  readonly text: string;
  /** `src/sync/precheck/checks/objects.ts:12` */
  readonly at: string;
}

export interface Where {
  /** From how many words on a text counts as said to people. */
  readonly words: number;
  /** The same of a text with values in it. */
  readonly wordsWithValues: number;
  /** The same where the place says that people read it: an argument of an error or outcome, a property named below. */
  readonly wordsWhereShown: number;
}

const shownProperties = /^(title|expected|actual|why|fix|remedy|message|none|found|cause)$/;
const shownCalls = /^(good|bad|unproven)$/;
const builtInErrors = /^(Error|TypeError|RangeError|SyntaxError|AggregateError)$/;
/** What these say is read by programs or developers, or is translated where it is said. */
const otherCalls =
  /(^|\.)(t|log|info|warn|debug|error|query|prepare|exec|run|all|get|describe|meta|on|once|note|fault)$/;

/** Every sentence below a folder, or of a file, each once. */
export function sentencesIn(place: string, where: Where): Sentence[] {
  const files = statSync(place).isDirectory()
    ? readdirSync(place, { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts'))
        .map((file) => path.join(place, file))
    : [place];
  const found = new Map<string, Sentence>();
  for (const file of files.sort())
    for (const sentence of sentencesOfFile(file, where))
      if (!found.has(sentence.text)) found.set(sentence.text, sentence);
  return [...found.values()];
}

function sentencesOfFile(file: string, { words, wordsWithValues, wordsWhereShown }: Where): Sentence[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const constants = constantTexts(source);
  const sentences: Sentence[] = [];
  const visit = (node: ts.Node, shown: boolean): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isTypeNode(node)) return;
    if (isForDevelopers(node, constants)) return;
    const texts = textsOf(node, constants);
    if (texts) {
      const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
      for (const text of texts)
        if (countWords(text) >= (shown ? wordsWhereShown : text.includes(place) ? wordsWithValues : words))
          sentences.push({ text: numbered(text), at: `${file}:${line}` });
      if (ts.isTemplateExpression(node))
        for (const { expression } of node.templateSpans)
          if (!textsOf(expression, constants)) visit(expression, false);
      return;
    }
    if (ts.isCallExpression(node) && otherCalls.test(node.expression.getText(source))) return;
    if (ts.isNewExpression(node) && builtInErrors.test(node.expression.getText(source))) return;
    ts.forEachChild(node, (child) => visit(child, isShown(node, child, source) ?? shown));
  };
  visit(source, false);
  return sentences;
}

/** A reason that stands in a table of the sources, or a text that counts where it is used. */
function isForDevelopers(node: ts.Node, constants: ReadonlyMap<string, ts.Expression>): boolean {
  if (ts.isPropertyAssignment(node)) return node.name.getText() === 'because';
  return ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && constants.has(node.name.text);
}

/** Whether people read what `child` is, by its place in `node`; undefined: as `node` itself. */
function isShown(node: ts.Node, child: ts.Node, source: ts.SourceFile): boolean | undefined {
  if (ts.isPropertyAssignment(node))
    return child === node.initializer ? shownProperties.test(node.name.getText(source)) : false;
  if (ts.isNewExpression(node)) return /Error$/.test(node.expression.getText(source));
  if (ts.isCallExpression(node)) {
    const called = node.expression.getText(source);
    return shownCalls.test(called) || (called === 'usageError' && child === node.arguments[0]);
  }
  if (ts.isConditionalExpression(node)) return child === node.condition ? false : undefined;
  if (ts.isBinaryExpression(node))
    return node.operatorToken.kind === ts.SyntaxKind.PlusToken ? undefined : false;
  if (ts.isParenthesizedExpression(node)) return undefined;
  return false;
}

const place = '\0';

/** What an expression can come to as text, `place` for each value; undefined: it has no text of its own. */
function textsOf(node: ts.Node, constants: ReadonlyMap<string, ts.Expression>): string[] | undefined {
  const texts = expand(node, constants);
  return texts.every((text) => text === place) ? undefined : texts;
}

function expand(node: ts.Node, constants: ReadonlyMap<string, ts.Expression>): string[] {
  const inner = (one: ts.Node) => expand(one, constants);
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isParenthesizedExpression(node)) return inner(node.expression);
  if (ts.isConditionalExpression(node)) return [...inner(node.whenTrue), ...inner(node.whenFalse)];
  if (ts.isIdentifier(node) && constants.has(node.text)) return inner(constants.get(node.text)!);
  if (ts.isTemplateExpression(node))
    return node.templateSpans.reduce(
      (texts, { expression, literal }) =>
        texts.flatMap((text) => inner(expression).map((value) => text + value + literal.text)),
      [node.head.text],
    );
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    const [left, right] = [inner(node.left), inner(node.right)];
    // Figures are added.
    if ([...left, ...right].every((one) => one === place)) return [place];
    return left.flatMap((one) => right.map((other) => one + other));
  }
  return [place];
}

/** Texts that a file gives a name for itself. */
function constantTexts(source: ts.SourceFile): Map<string, ts.Expression> {
  const constants = new Map<string, ts.Expression>();
  for (const statement of source.statements) {
    if (!ts.isVariableStatement(statement) || statement.modifiers) continue;
    for (const { name, initializer } of statement.declarationList.declarations)
      if (
        ts.isIdentifier(name) &&
        initializer &&
        (ts.isStringLiteralLike(initializer) || ts.isTemplateExpression(initializer))
      )
        constants.set(name.text, initializer);
  }
  return constants;
}

/** Words of English, not names, settings or SQL. */
function countWords(text: string): number {
  return text.split(/\s+/).filter((word) => /^[("“'`[]*[A-Za-z]?[a-z’'-]*[a-z][)"”'`\],.;:?!…]*$/.test(word))
    .length;
}

function numbered(text: string): string {
  let next = 0;
  return text.replaceAll(place, () => `{${next++}}`);
}

/** The first arguments of calls of a function, where they are literals. */
export function literalCalls(file: string, name: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && node.expression.getText(source) === name) {
      const [first] = node.arguments;
      if (first && ts.isStringLiteralLike(first)) found.push(first.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}
