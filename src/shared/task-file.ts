import { applyEdits, modify, parseTree, findNodeAtLocation } from 'jsonc-parser';
import { parseChecked, type FileIssue } from './checked-jsonc.js';
import { connectionsSchema, type Connections } from './connections.js';
import { resolveVariables, type Lookup } from './environment.js';
import { RowferryError } from './errors.js';
import { connectionsJsonSchema, taskJsonSchema, type JsonSchema } from './task-json-schema.js';
import {
  destinationSchema,
  sourceSchema,
  taskSchema,
  type DestinationSettings,
  type ResolvedTask,
  type SourceSettings,
  type Task,
} from './task.js';

/** From the text of a task file to a task that can run. Pure: reading and writing files is the caller's. */

let taskJson: JsonSchema | undefined;
let connectionsJson: JsonSchema | undefined;

export interface Parsed<T> {
  value?: T;
  /** Empty exactly when there is a value; in the order of the text. */
  issues: FileIssue[];
}

export function parseTask(text: string): Parsed<Task> {
  return parseChecked(text, taskSchema, () => (taskJson ??= taskJsonSchema()));
}

export function parseConnections(text: string): Parsed<Connections> {
  return parseChecked(text, connectionsSchema, () => (connectionsJson ??= connectionsJsonSchema()));
}

/** ROW-T102 whose message names file, line and key of the first issue. */
export function issueError(file: string, issues: readonly FileIssue[]): RowferryError {
  const [first, ...more] = issues;
  if (!first) throw new Error('no issue to report');
  const rest = more.length === 0 ? '' : ` (and ${more.length} more)`;
  const key = first.key === '' ? '' : `${first.key}: `;
  return new RowferryError(
    'ROW-T102',
    `${file}:${first.line}:${first.column}: ${key}${first.message}${rest}`,
    {
      remedy: `Correct line ${first.line} of ${file}.`,
    },
  );
}

/**
 * The text with an `id` in it. The id is the identity of the task in the store and in merges, so it is made once
 * and stays; the edit keeps comments and layout. Returns the text as it is when it has one.
 */
export function withTaskId(
  text: string,
  makeId: () => string = randomTaskId,
): { text: string; id: string; added: boolean } {
  const tree = parseTree(text, [], { allowTrailingComma: true });
  const present = tree && findNodeAtLocation(tree, ['id']);
  if (present) return { text, id: String(present.value), added: false };
  const id = makeId();
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const indent = /\n([ \t]+)"/.exec(text)?.[1] ?? '  ';
  const edits = modify(text, ['id'], id, {
    formattingOptions: {
      insertSpaces: !indent.includes('\t'),
      tabSize: indent.includes('\t') ? 1 : indent.length,
      eol,
    },
    getInsertionIndex: (properties) => {
      const after = Math.max(properties.indexOf('$schema'), properties.indexOf('version'));
      return after + 1;
    },
  });
  return { text: applyEdits(text, edits), id, added: true };
}

/** `t-` and 10 letters or digits: 50 bits, enough that two people never meet. */
export function randomTaskId(): string {
  const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789';
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(10));
  return `t-${Array.from(bytes, (byte) => alphabet[byte % 32]).join('')}`;
}

export interface ResolveContext {
  /** Name of the file for messages. */
  file: string;
  /** The task's name when the file gives none. */
  fallbackName: string;
  connections: Connections;
  environment: Lookup;
}

/**
 * Connections looked up by name, variables resolved and what they gave checked again.
 * Throws ROW-T103 (variable missing), ROW-T105 (no such connection), ROW-T102 (a resolved value does not fit).
 */
export function resolveTask(task: Task & { id: string }, context: ResolveContext): ResolvedTask {
  const resolved = resolveVariables(withConnections(task, context.connections), context.environment);
  return {
    ...resolved,
    name: resolved.name ?? context.fallbackName,
    source: checkedAgain<SourceSettings>(sourceSchema, resolved.source, 'source', context.file),
    destination: checkedAgain<DestinationSettings>(
      destinationSchema,
      resolved.destination,
      'destination',
      context.file,
    ),
  };
}

/** The same task with the connections that it names written out. Throws ROW-T105 (no such connection). */
export function withConnections<T extends Task>(
  task: T,
  connections: Connections,
): T & { source: SourceSettings; destination: DestinationSettings } {
  const source =
    'connection' in task.source ? named(connections.sources, task.source.connection, 'source') : task.source;
  let destination: DestinationSettings;
  if ('connection' in task.destination) {
    const { connection, tables, tableLimit } = task.destination;
    const saved = named(connections.destinations, connection, 'destination');
    destination = { ...saved, tables: tables ?? saved.tables, tableLimit: tableLimit ?? saved.tableLimit };
  } else destination = task.destination;
  return { ...task, source, destination };
}

function named<T>(connections: Record<string, T>, name: string, key: string): T {
  const found = Object.hasOwn(connections, name) ? connections[name] : undefined;
  if (found) return found;
  const names = Object.keys(connections);
  throw new RowferryError('ROW-T105', `${key}.connection: the saved connection "${name}" does not exist.`, {
    remedy:
      names.length === 0
        ? 'Add it to connections.rowferry.json next to the task, or define the connection in the task.'
        : `Use one of: ${names.join(', ')}.`,
  });
}

/** The message names the key and the rule, never the value: it may be a secret. */
function checkedAgain<T>(
  schema: {
    safeParse(value: unknown): {
      success: boolean;
      data?: unknown;
      error?: { issues: { path: PropertyKey[]; message: string }[] };
    };
  },
  value: unknown,
  key: string,
  file: string,
): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data as T;
  const issue = result.error!.issues[0]!;
  throw new RowferryError(
    'ROW-T102',
    `${file}: ${[key, ...issue.path.map(String)].join('.')}: the value of its variable is not valid: ${issue.message}`,
    {
      remedy: 'Correct the value of the environment variable.',
    },
  );
}
