import * as z from 'zod';
import type { FileIssue } from './checked-jsonc.js';
import type { CheckReport } from './check-report.js';
import type { PlainError } from './errors.js';
import type { VerifyProgress, VerifyReport } from './verify-report.js';
import type { TaskFix } from './task-fix.js';
import type { Side } from './refusal.js';
import type { TaskLook } from './snapshot-words.js';
import type { TaskSnapshot } from './snapshot.js';
import type { JsonSchema } from './task-json-schema.js';
import type { CatalogTable, PreviewTable, RowComparison } from './catalog-api.js';
import type { DirtyFilter, DirtyPage, HistoryPoint, RetryProgress } from './task-control-api.js';
import type { OptionalApi } from './engine-api.js';
import type { CallSchemas } from './call-arguments.js';
import { connectionSecrets, type ConnectionSecret } from './connections.js';
import { taskEdit, type TaskEdit } from './task-edits.js';

export type { TaskEdit };

/**
 * What webview pages and the extension say to each other. Towards a page: whole states, never deltas, so that a
 * hidden page misses nothing. From a page: calls, each with a schema for its arguments, because a page is not
 * trusted with more than what its schema lets through.
 */

/** Said once, before the first state. */
export interface PageInit {
  language: string;
  /** Sentences of the reader's language by the English ones. */
  words: Record<string, string>;
  /** What the editor keeps for the page, to bring it back after a reload; null: it needs nothing. */
  restore: unknown;
}

/** Why there is nothing to show; without a code it is no error of ours. */
export type PageProblem = Pick<PlainError, 'message' | 'remedy'> & Partial<Pick<PlainError, 'code'>>;

/** What every page offers to the extension. */
export interface PageApi<State> {
  init(init: PageInit): void;
  show(state: State): void;
}

const text = z.string().max(1_000_000);
const name = z.string().min(1).max(10_000);

/** About a task that runs with other settings than its file. */
export const differenceActions = ['showChanges', 'applyChanges', 'restart'] as const;
export type DifferenceAction = (typeof differenceActions)[number];
export const taskEditorActions = [
  'check',
  'start',
  'stop',
  'verify',
  'openText',
  'copyCommand',
  'enterSecrets',
  ...differenceActions,
] as const;

export const taskEditorCalls = {
  ready: z.tuple([]),
  /** One undo step. */
  edit: z.tuple([z.array(taskEdit).max(10_000)]),
  save: z.tuple([]),
  run: z.tuple([z.enum(taskEditorActions)]),
  chooseFile: z.tuple([name]),
  databases: z.tuple([]),
  catalog: z.tuple([name]),
  countRows: z.tuple([z.strictObject({ database: name, name, filter: text })]),
  preview: z.tuple([
    z.strictObject({ table: name.nullable(), rows: z.int().min(0).max(100), before: z.boolean() }),
  ]),
} satisfies CallSchemas;

export interface TaskEditorHost {
  ready(): Promise<void>;
  edit(edits: TaskEdit[]): Promise<void>;
  save(): Promise<void>;
  run(action: (typeof taskEditorActions)[number]): Promise<void>;
  /** A file that the person chooses, from the task's folder when it is in there; null when none. */
  chooseFile(title: string): Promise<string | null>;
  databases(): Promise<string[]>;
  catalog(database: string): Promise<CatalogTable[]>;
  countRows(table: { database: string; name: string; filter: string }): Promise<number>;
  /** By the document as it stands, saved or not. 0 rows: only what would be made. */
  preview(options: { table: string | null; rows: number; before: boolean }): Promise<PreviewTable[]>;
}

export interface TaskEditorState {
  /** The document as it stands, whatever is in it; undefined when it is not even JSON. */
  document: unknown;
  /** Without a document: the newest one that was JSON, if there was one. */
  lastDocument?: unknown;
  issues: FileIssue[];
  /** What is wrong beyond the schema: names, filters, keys, script. */
  problems: (FileIssue & {
    severity: 'error' | 'warning';
    within?: { at: number; length: number };
    fixes?: readonly TaskFix[];
  })[];
  /** The stretch of the transformation script that is wrong. */
  etlProblem: { at: number; length: number; message: string } | null;
  /** What is known of the source: its identity, its databases, and those whose tables can be had without asking it. */
  catalog: { source: string; databases: string[] | null; tables: string[] };
  schema: JsonSchema;
  fileName: string;
  sources: string[];
  destinations: string[];
  /** What the engine says of the task, in words. */
  look: Pick<TaskLook, 'description' | 'canStart' | 'canStop'>;
  /** A side that did not take its secret when it was asked last. */
  refused: { side: Side; message: string } | null;
  /** Keys of the saved file that the running task does not go by. */
  differences: string[];
  /** The setting to bring into view, by its key; another number is another wish. */
  goTo: { key: string; number: number } | null;
  /** Calls that the engine answers; empty while it is not connected. */
  methods: (keyof OptionalApi)[];
}

export const precheckCalls = {
  ready: z.tuple([]),
  again: z.tuple([]),
  start: z.tuple([]),
  /** Accepts a warning, or takes it back. */
  ignore: z.tuple([name, z.boolean()]),
  enterSecrets: z.tuple([z.enum(['source', 'destination'])]),
  copy: z.tuple([text]),
  fix: z.tuple([name, z.int().min(0)]),
  runSql: z.tuple([name]),
  openField: z.tuple([name]),
  openTask: z.tuple([]),
} satisfies CallSchemas;
export interface PrecheckHost {
  ready(): Promise<void>;
  again(): Promise<void>;
  start(): Promise<void>;
  ignore(id: string, ignored: boolean): Promise<void>;
  /** Asked of the person; then the precheck runs again. */
  enterSecrets(side: Side): Promise<void>;
  copy(text: string): Promise<void>;
  /** Edits the task file by one of the fixes of an item, then checks again. */
  fix(id: string, index: number): Promise<void>;
  /** Runs the first statement of an item at the source, once the person confirmed it, then checks again. */
  runSql(id: string): Promise<void>;
  /** Opens the form where it has what an item is about. */
  openField(id: string): Promise<void>;
  openTask(): Promise<void>;
}
export interface PrecheckState {
  name: string;
  running: boolean;
  report: CheckReport | null;
  /** Why there is no report. */
  problem: PageProblem | null;
  canStart: boolean;
  /** By id of an item: which of its fixes would change the file as it is now. */
  fixable: Record<string, number[]>;
  /** What the source said of the statement that was run last. */
  answer: { text: string; isError: boolean } | null;
  methods: (keyof OptionalApi)[];
}

const rate = z.number().positive().nullable();
export const monitorCalls = {
  ready: z.tuple([]),
  start: z.tuple([]),
  stop: z.tuple([]),
  pause: z.tuple([]),
  resume: z.tuple([]),
  openTask: z.tuple([]),
  dirty: z.tuple([]),
  retryDirty: z.tuple([]),
  enterSecrets: z.tuple([]),
  settings: z.tuple([z.enum(differenceActions)]),
  logs: z.tuple([]),
  /** Loads a table again; the person is asked before. */
  reload: z.tuple([name]),
  tune: z.tuple([
    z.strictObject({
      throttle: z
        .strictObject({
          full: z.strictObject({ rowsPerSecond: rate, megabytesPerSecond: rate }).partial().optional(),
          incremental: z.strictObject({ rowsPerSecond: rate, megabytesPerSecond: rate }).partial().optional(),
        })
        .optional(),
      write: z
        .strictObject({
          queueSize: z.int().min(1),
          threads: z.int().min(0),
          concurrency: z.int().min(1).max(1000),
          buckets: z.int().min(1).max(1000),
        })
        .partial()
        .optional(),
    }),
  ]),
  history: z.tuple([z.number()]),
} satisfies CallSchemas;
export type MonitorTuning = z.infer<(typeof monitorCalls)['tune']>[0];
export interface MonitorHost {
  ready(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  openTask(): Promise<void>;
  dirty(): Promise<void>;
  /** All of them, by the file as it is now; the task goes on. */
  retryDirty(): Promise<void>;
  /** Asked of the person; then the task starts again. */
  enterSecrets(): Promise<void>;
  settings(action: DifferenceAction): Promise<void>;
  logs(): Promise<void>;
  reload(table: string): Promise<void>;
  tune(tuning: MonitorTuning): Promise<void>;
  history(sinceMs: number): Promise<HistoryPoint[]>;
}
export interface MonitorState {
  name: string;
  snapshot: TaskSnapshot | null;
  /** Whether an engine runs is not known yet: without a snapshot nothing can be said of the task. */
  isLooking: boolean;
  /** Keys of the saved file that the running task does not go by. */
  differences: string[];
  /** Phases that the task has. */
  synchronization: { schema: boolean; full: boolean; incremental: boolean } | null;
  /** Settings in force: what the sliders begin with. */
  write: { queueSize: number; threads: number; concurrency: number; buckets: number } | null;
  throttle: {
    full: { rowsPerSecond: number | null; megabytesPerSecond: number | null };
    incremental: { rowsPerSecond: number | null; megabytesPerSecond: number | null };
  } | null;
  /** Points of this session, oldest first, at most one a second for the last minutes. */
  live: HistoryPoint[];
  logTail: string[];
  methods: (keyof OptionalApi)[];
}

const dirtyFilter = z.strictObject({
  source: name.optional(),
  code: name.optional(),
  sinceMs: z.number().optional(),
  untilMs: z.number().optional(),
  ids: z.array(name).max(100_000).optional(),
}) as z.ZodType<DirtyFilter>;
export const dirtyCalls = {
  ready: z.tuple([]),
  page: z.tuple([dirtyFilter, z.strictObject({ offset: z.int().min(0), limit: z.int().min(1).max(1000) })]),
  retry: z.tuple([dirtyFilter]),
  cancelRetry: z.tuple([]),
  discard: z.tuple([dirtyFilter]),
  exportAs: z.tuple([z.enum(['csv', 'json']), dirtyFilter]),
  copy: z.tuple([text]),
  openTask: z.tuple([]),
} satisfies CallSchemas;
export interface DirtyHost {
  ready(): Promise<void>;
  page(filter: DirtyFilter, page: { offset: number; limit: number }): Promise<DirtyPage>;
  retry(filter: DirtyFilter): Promise<number>;
  cancelRetry(): Promise<void>;
  /** Asked for confirmation first; 0 when the person said no. */
  discard(filter: DirtyFilter): Promise<number>;
  exportAs(format: 'csv' | 'json', filter: DirtyFilter): Promise<void>;
  copy(text: string): Promise<void>;
  openTask(): Promise<void>;
}
export interface DirtyState {
  name: string;
  /** Tables of the task, to filter by. */
  sources: string[];
  /** Goes up when records came or went: the page asks again. */
  revision: number;
  blocked: boolean;
  /** How far a retry is, while there is one. */
  retrying: RetryProgress | null;
  methods: (keyof OptionalApi)[];
}

export const verifyCalls = {
  ready: z.tuple([]),
  again: z.tuple([]),
  repair: z.tuple([]),
  cancel: z.tuple([]),
  copy: z.tuple([text]),
  openTask: z.tuple([]),
} satisfies CallSchemas;
export interface VerifyHost {
  ready(): Promise<void>;
  again(): Promise<void>;
  /** Compares once more and puts right what differs; asked for confirmation first. */
  repair(): Promise<void>;
  cancel(): Promise<void>;
  copy(text: string): Promise<void>;
  openTask(): Promise<void>;
}
export interface VerifyState {
  name: string;
  running: boolean;
  progress: VerifyProgress[];
  report: VerifyReport | null;
  /** When the report was made. */
  finishedMs: number | null;
  /** What the report names was put right. */
  repaired: boolean;
  problem: PageProblem | null;
  canCancel: boolean;
}

const rowsSide = z.enum(['source', 'destination']);
export type RowsSide = z.infer<typeof rowsSide>;
/** Rows of a side. `pair`: the task by which the other side was found; the page's own side needs none. */
const rowsWanted = {
  side: rowsSide,
  pair: name.nullable(),
  startAt: z.array(text).max(16).optional(),
  /** Of a source alone. */
  filter: text.optional(),
};
const rowFormats = ['csv', 'jsonl'] as const;
export type RowFormat = (typeof rowFormats)[number];
export const rowsCalls = {
  ready: z.tuple([]),
  page: z.tuple([z.strictObject({ limit: z.int().min(1).max(1000), from: text.optional(), ...rowsWanted })]),
  compare: z.tuple([z.strictObject({ pair: name, side: rowsSide, key: text.min(1) })]),
  exportAs: z.tuple([z.enum(rowFormats), z.strictObject(rowsWanted)]),
  copy: z.tuple([text]),
} satisfies CallSchemas;
export type RowsPage = z.infer<(typeof rowsCalls)['page']>[0];
export type RowToCompare = z.infer<(typeof rowsCalls)['compare']>[0];
export type RowsToExport = z.infer<(typeof rowsCalls)['exportAs']>[1];
/** Rows of a table of MySQL or Tablestore, to be looked at. */
export interface RowsHost {
  ready(): Promise<void>;
  page(page: RowsPage): Promise<ShownRows>;
  /** Both sides of a row, by the task of the pair. */
  compare(row: RowToCompare): Promise<RowComparison>;
  /** All of them, into a file that the person chooses; resolves when it is written or the person cancelled. */
  exportAs(format: RowFormat, rows: RowsToExport): Promise<void>;
  copy(text: string): Promise<void>;
}
/** Values as text, binary as 0x…; null: NULL at the source, no such column at the destination. */
export interface ShownRows {
  /** Types of the destination are known of its key alone, and '' otherwise. */
  columns: { name: string; type: string; key: boolean }[];
  /** By which rows are ordered and found, in order; empty: by nothing. */
  key: { name: string; type: string }[];
  rows: (string | null)[][];
  /** Of each row, what compare() finds it by; null: nothing does. */
  keys: (string | null)[];
  next: string | null;
  /** There are more, and no page has them. */
  isCut: boolean;
  /** Of the whole table; null: nobody knows. */
  estimatedRows: number | null;
}
export interface RowsState {
  /** By which the page was opened. */
  side: RowsSide;
  connection: string;
  /** `database.table`, or the table in Tablestore. */
  table: string;
  /** Tasks that keep the table in sync with one of the other side. */
  pairs: { id: string; task: string; source: string; destination: string }[];
  /** Whether to read at once. A page that comes back with the window waits until it is asked: nothing connects by itself. */
  read: boolean;
  /** Calls that the engine answers; empty while it is not connected. */
  methods: (keyof OptionalApi)[];
}

export const connectionImports = ['url', 'myCnf', 'sqltools'] as const;
export const connectionCalls = {
  ready: z.tuple([]),
  side: z.tuple([z.enum(['source', 'destination'])]),
  rename: z.tuple([z.string().max(1000)]),
  edit: z.tuple([z.array(taskEdit).max(100)]),
  secret: z.tuple([z.enum(connectionSecrets), z.string().max(100_000).nullable()]),
  chooseFile: z.tuple([name]),
  importFrom: z.tuple([z.enum(connectionImports)]),
  test: z.tuple([]),
  save: z.tuple([]),
} satisfies CallSchemas;
/** The form of a saved connection. */
export interface ConnectionHost {
  ready(): Promise<void>;
  /** What a new connection leads to. */
  side(side: Side): Promise<void>;
  rename(name: string): Promise<void>;
  edit(edits: TaskEdit[]): Promise<void>;
  /** What was typed: '' for no secret at all, null for nothing, so that what is stored counts. It never comes back. */
  secret(secret: ConnectionSecret, value: string | null): Promise<void>;
  /** A file that the person chooses; null when none. */
  chooseFile(title: string): Promise<string | null>;
  /** Asked of the person; false when they chose none. */
  importFrom(from: (typeof connectionImports)[number]): Promise<boolean>;
  /** Ends when the test does; what came of it is in the state. */
  test(): Promise<void>;
  /** Closes the page, unless something is wrong with what was entered. */
  save(): Promise<void>;
}
export type SecretState = 'none' | 'stored' | 'entered';
export type ConnectionTest =
  | { is: 'none' | 'running' }
  | { is: 'connected'; text: string }
  | { is: 'failed'; problem: PageProblem; advice: { about: string; text: string }[] };
export interface ConnectionState {
  side: Side;
  /** Name and side of one that is saved stay. */
  isNew: boolean;
  name: string;
  /** As a task file has it: `{ source }` or `{ destination }`, without secrets. */
  document: unknown;
  /** Of `source` and `destination`. */
  schema: JsonSchema;
  /** What is wrong with what was entered, and what the last test found, by field. */
  issues: { key: string; message: string }[];
  problems: { key: string; message: string }[];
  secrets: Partial<Record<ConnectionSecret, SecretState>>;
  test: ConnectionTest;
}
