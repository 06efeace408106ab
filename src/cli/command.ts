import type { ParseArgsConfig } from 'node:util';
import { RowferryError } from '../shared/errors.js';
import type { Terminal } from './terminal.js';

export type Options = NonNullable<ParseArgsConfig['options']>;
export type Values = Record<string, string | boolean | (string | boolean)[] | undefined>;

/** What every command gets. */
export interface CliContext {
  readonly terminal: Terminal;
  readonly environment: NodeJS.ProcessEnv;
  /** Folder that relative paths are meant from. */
  readonly cwd: string;
  readonly engineScript: string;
  /** Aborted by the first SIGINT or SIGTERM: finish in good order. The second one ends the process at once. */
  readonly interrupted: AbortSignal;
  readonly debug: boolean;
  readonly version: string;
}

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Behind the name: `TASK [--json]`. */
  readonly usage: string;
  /** What it does, in paragraphs. */
  readonly help: readonly string[];
  readonly options: Options;
  /** One line of help for each option that a person may give: `--json` to its text. */
  readonly optionHelp: Readonly<Record<string, string>>;
  readonly examples?: readonly string[];
  /** Returns the exit code. */
  run(context: CliContext, values: Values, positionals: string[]): Promise<number>;
}

export function usageError(message: string, command?: string): RowferryError {
  return new RowferryError('ROW-T104', message, {
    remedy: `See rowferry ${command ? `${command} ` : ''}--help.`,
  });
}

/** The only positional, the task file. */
export function taskArgument(command: string, positionals: readonly string[]): string {
  const [task, extra] = positionals;
  if (task === undefined) throw usageError('No task given. Pass its file, NAME.rowferry.json.', command);
  if (extra !== undefined) throw usageError(`Unexpected argument "${extra}".`, command);
  return task;
}

export function text(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

export function flag(values: Values, name: string): boolean {
  return values[name] === true;
}

/** A whole number in a range. Throws ROW-T104. */
export function wholeNumber(
  values: Values,
  name: string,
  from: number,
  to: number,
  command: string,
): number | undefined {
  const value = text(values, name);
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < from || number > to) {
    throw usageError(`--${name} must be a whole number from ${from} to ${to}.`, command);
  }
  return number;
}
