import {
  createScanner,
  findNodeAtLocation,
  getNodeValue,
  parseTree,
  printParseErrorCode,
  type Node,
  type ParseError,
} from 'jsonc-parser';
import type * as z from 'zod';
import { keyName } from './key-name.js';
import { nearest } from './nearest.js';
import type { JsonSchema } from './task-json-schema.js';

/** Something wrong in a file of ours. Line and column count from 1, offset and length are UTF-16 units of the text. */
export interface FileIssue {
  line: number;
  column: number;
  offset: number;
  length: number;
  /** Where, as keyName writes it. */
  key: string;
  message: string;
  /** A JSON Schema cannot say this rule: who checks by the schema has not told it yet. */
  beyondSchema?: true;
}

type Path = readonly (string | number)[];
type Issue = z.core.$ZodIssue;

/** Parses JSON with comments and checks it; every issue is located in the text. */
export function parseChecked<T>(
  text: string,
  schema: z.ZodType<T>,
  jsonSchema: () => JsonSchema,
): { value?: T; issues: FileIssue[] } {
  const unreadable = tooMuch(text);
  if (unreadable) return { issues: [unreadable] };
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  if (errors.length > 0 || !root) {
    const issues = errors.map((e) =>
      at(text, e.offset, e.length, [], `not valid JSON: ${words(printParseErrorCode(e.error))}`),
    );
    return { issues: issues.length > 0 ? issues : [at(text, 0, 0, [], 'the file is empty')] };
  }
  const duplicate = findDuplicate(root);
  if (duplicate) return { issues: [located(text, root, duplicate, 'duplicate key')] };
  const result = schema.safeParse(getNodeValue(root), { reportInput: true });
  if (result.success) return { value: result.data, issues: [] };
  const known = jsonSchema();
  const issues = result.error.issues
    .flatMap((issue) => flatten(issue, []))
    .flatMap((issue) => {
      if (issue.code !== 'unrecognized_keys')
        return [
          {
            ...located(text, root, issue.path as Path, describe(issue)),
            ...(issue.code === 'custom' && issue.params?.['union'] !== true ? { beyondSchema: true } : {}),
          } as FileIssue,
        ];
      const there = knownKeys(known, issue.path as Path);
      return issue.keys.map((key) => {
        const meant = nearest(key, there);
        const hint = meant === undefined ? `known: ${there.join(', ')}` : `did you mean "${meant}"?`;
        return located(text, root, [...(issue.path as Path), key], `unknown key; ${hint}`, true);
      });
    });
  return { issues: issues.sort((a, b) => a.offset - b.offset) };
}

/** Far beyond what a file of ours needs, far below what the parser, which calls itself for each level, can take. */
const deepest = 100;
const longest = 10_000_000;

/** What would end the parser, or is no text at all, said before it is parsed. */
function tooMuch(text: string): FileIssue | undefined {
  if (text.length > longest) return at('', 0, 0, [], 'the file is longer than 10,000,000 characters');
  const binary = text.indexOf('\0');
  if (binary >= 0) return at(text, binary, 1, [], 'not UTF-8 text; save the file as UTF-8');
  const scanner = createScanner(text, true);
  let depth = 0;
  for (scanner.scan(); scanner.getTokenOffset() < text.length; scanner.scan()) {
    // A bracket in a string or a comment does not begin a token.
    const begins = text[scanner.getTokenOffset()];
    if (begins === '{' || begins === '[') depth++;
    if (begins === '}' || begins === ']') depth--;
    if (depth > deepest)
      return at(text, scanner.getTokenOffset(), 1, [], `nested more than ${deepest} levels deep`);
  }
  return undefined;
}

/** Of a union, the branch that fits best speaks; its paths are made absolute. */
function flatten(issue: Issue, prefix: Path): Issue[] {
  const path = [...prefix, ...(issue.path as Path)];
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [{ ...issue, path } as Issue];
  const weight = (branch: readonly Issue[]) =>
    branch.reduce(
      (sum, i) => sum + (i.code === 'unrecognized_keys' ? i.keys.length * 2 : i.path.length === 0 ? 10 : 1),
      0,
    );
  const best = issue.errors.reduce((a, b) => (weight(b) < weight(a) ? b : a));
  if (
    best.length === 1 &&
    best[0]!.path.length === 0 &&
    best[0]!.code !== 'unrecognized_keys' &&
    best[0]!.code !== 'invalid_union'
  ) {
    const options = issue.errors.map((branch) => expectation(branch[0]!));
    return [
      {
        code: 'custom',
        path,
        params: { union: true },
        message: `must be ${[...new Set(options)].join(' or ')}`,
        input: issue.input,
      } as Issue,
    ];
  }
  return best.flatMap((inner) => flatten(inner, path));
}

const article: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
};

function expectation(issue: Issue): string {
  if (issue.code === 'invalid_type') return article[issue.expected] ?? issue.expected;
  if (issue.code === 'invalid_value') return issue.values.map((v) => JSON.stringify(v)).join(' or ');
  return 'an object';
}

function describe(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? `missing; it must be ${expectation(issue)}`
        : `must be ${expectation(issue)}`;
    case 'invalid_value':
      return issue.input === undefined
        ? `missing; it must be ${expectation(issue)}`
        : `must be ${expectation(issue)}`;
    case 'too_small':
    case 'too_big': {
      const small = issue.code === 'too_small';
      const bound = small ? issue.minimum : issue.maximum;
      if (issue.origin === 'string')
        return small ? 'must not be empty' : `must have at most ${bound} characters`;
      if (issue.origin === 'array')
        return `must have at ${small ? 'least' : 'most'} ${bound} ${bound === 1 ? 'entry' : 'entries'}`;
      return small
        ? `must be ${issue.inclusive ? 'at least' : 'more than'} ${bound}`
        : `must be ${issue.inclusive ? 'at most' : 'less than'} ${bound}`;
    }
    default:
      return issue.message;
  }
}

function knownKeys(schema: JsonSchema, path: Path): string[] {
  let here: JsonSchema[] = [schema];
  for (const step of path) {
    here = here.flatMap((s) => {
      const next =
        typeof step === 'number'
          ? s.items
          : (s.properties?.[step] ??
            (typeof s.additionalProperties === 'object' ? s.additionalProperties : undefined));
      return next ? (next.anyOf ?? [next]) : [];
    });
  }
  return [...new Set(here.flatMap((s) => Object.keys(s.properties ?? {})))].filter(
    (key) => key !== '$schema',
  );
}

function findDuplicate(node: Node, path: Path = []): Path | undefined {
  if (node.type === 'object') {
    const seen = new Set<string>();
    for (const property of node.children ?? []) {
      const key = String(property.children?.[0]?.value);
      if (seen.has(key)) return [...path, key];
      seen.add(key);
    }
  }
  for (const [index, child] of (node.children ?? []).entries()) {
    const isProperty = child.type === 'property';
    const value = isProperty ? child.children?.[1] : child;
    const step = isProperty ? String(child.children?.[0]?.value) : index;
    const found = value && findDuplicate(value, [...path, step]);
    if (found) return found;
  }
  return undefined;
}

/** The place of a path in the text: the value, or its key; for something missing, the nearest parent that is there. */
export function located(text: string, root: Node, path: Path, message: string, onKey = false): FileIssue {
  for (let depth = path.length; depth >= 0; depth--) {
    const node = findNodeAtLocation(root, path.slice(0, depth) as (string | number)[]);
    if (!node) continue;
    const whole = depth < path.length && (node.type === 'object' || node.type === 'array');
    const target = onKey && node.parent?.type === 'property' ? (node.parent.children?.[0] ?? node) : node;
    return at(text, target.offset, whole ? 1 : target.length, path, message);
  }
  return at(text, 0, 0, path, message);
}

function at(text: string, offset: number, length: number, path: Path, message: string): FileIssue {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { line, column: offset - before.lastIndexOf('\n'), offset, length, key: keyName(path), message };
}

const words = (code: string) => code.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
