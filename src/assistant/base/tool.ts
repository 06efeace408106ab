import type * as z from 'zod';
import type { EngineApi, OptionalApi } from '../../shared/engine-api.js';
import type { Translate } from '../../shared/format.js';
import type { TaskSnapshot } from '../../shared/snapshot.js';
import type { DirtyFilter } from '../../shared/task-control-api.js';
import type { ResolvedTask, Task } from '../../shared/task.js';
import type { VerifyProgress } from '../../shared/verify-report.js';

/**
 * What an assistant can do with Rowferry. One definition of a tool serves the MCP server and the editor's language
 * models; who calls it is behind ToolHost. What a tool answers leaves this machine for the model's provider: row values
 * go through mask.ts, and assistant.ts takes the secrets out of whatever is left.
 */

/** A task file that can be found from where the assistant works. */
export interface KnownTask {
  readonly name: string;
  /** Absolute path. */
  readonly file: string;
  /** The path as people write it here; tools take it in the place of the name. */
  readonly shown: string;
  /** What the file says; absent when it is not valid. */
  readonly task?: Task;
  /** Why the file is not valid. */
  readonly problem?: string;
}

export interface FoundTasks {
  readonly tasks: readonly KnownTask[];
  /** Where the search ended early, and what helps: for the model. */
  readonly cut?: string;
}

export interface ToolHost {
  /** For what a person reads before they confirm; models get English. */
  readonly t: Translate;
  /** Of numbers in it; absent: of this machine. */
  readonly locale?: string;
  tasks(): Promise<FoundTasks>;
  /**
   * The task of the file as it is saved, with its connections and secrets, as it is sent to the engine. Saves nothing.
   * Throws as loadTask of the command line.
   */
  resolve(task: KnownTask): Promise<ResolvedTask>;
  engine(): Promise<EngineApi & OptionalApi>;
  /** Keys of the file that the running task does not go by; none while that is not known. */
  differences(task: KnownTask, snapshot: TaskSnapshot): string[];
  /** Returns when the precheck has passed and the run has begun. */
  start(task: KnownTask): Promise<void>;
  /** Writes dirty rows by the settings of the file as it is now. Number of rows written. */
  retryDirty(task: KnownTask, filter: DirtyFilter): Promise<number>;
  /** Calls with each step of a comparison of this task; returns what ends that. */
  onVerifyProgress(id: string, told: (progress: VerifyProgress) => void): () => void;
}

/** One call: how it is given up, and where it says how far it is. */
export interface Call {
  readonly signal: AbortSignal;
  progress(done: number, of: number | null, text: string): void;
}

export interface Answer {
  /** The answer in a sentence or two. */
  readonly summary: string;
  /** What it rests on: short, and without a value of a row. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** What to do next, by the names of the tools. */
  readonly next?: readonly string[];
}

/**
 * What a call would do. The same words for as long as it would do the same: they are what a person agrees to. Or that
 * there is nothing to do, or why it cannot be done: then nobody is asked.
 */
export type Plan = { readonly says: string } | { readonly answer: Answer };

interface Described<S extends z.ZodObject> {
  /** In snake_case, as MCP has it. */
  readonly name: string;
  /** For people, in a list of tools. */
  readonly title: string;
  /** For people, in one line. */
  readonly hint: string;
  /** For the model: what it answers, when to call it, and what it is not for. */
  readonly description: string;
  /** Every parameter is described. */
  readonly parameters: S;
}

export interface ReadingDefinition<S extends z.ZodObject> extends Described<S> {
  readonly effect: 'reads';
  run(host: ToolHost, parameters: z.output<S>, call: Call): Promise<Answer>;
}

export interface ChangingDefinition<S extends z.ZodObject> extends Described<S> {
  /** `destroys`: rows or state can be lost by it. */
  readonly effect: 'changes' | 'destroys';
  /** What run() would do; changes nothing. Throws what run() would throw before it begins. */
  plan(host: ToolHost, parameters: z.output<S>): Promise<Plan>;
  run(host: ToolHost, parameters: z.output<S>, call: Call): Promise<Answer>;
}

/** A tool as its callers see it: parameters are checked when they come. */
export interface Tool extends Described<z.ZodObject> {
  readonly effect: 'reads' | 'changes' | 'destroys';
  /** Present exactly when it changes something. */
  readonly plan?: (host: ToolHost, parameters: unknown) => Promise<Plan>;
  /** Throws ZodError when the parameters do not fit. */
  readonly run: (host: ToolHost, parameters: unknown, call: Call) => Promise<Answer>;
}

export function defineTool<S extends z.ZodObject>(tool: ReadingDefinition<S> | ChangingDefinition<S>): Tool {
  const { parameters } = tool;
  const checked = {
    ...tool,
    run: async (host: ToolHost, given: unknown, call: Call) => tool.run(host, parameters.parse(given), call),
  };
  if (tool.effect === 'reads') return checked as Tool;
  return {
    ...checked,
    plan: async (host: ToolHost, given: unknown) => tool.plan(host, parameters.parse(given)),
  };
}
