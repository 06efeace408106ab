import * as vscode from 'vscode';
import { errorCodes, RowferryError } from '../../shared/errors.js';
import { commandLink, errorHelpCommand } from './help.js';
import { logError, type Log } from './log.js';
import { retell } from './retell.js';

/** An action in a notification. */
export interface Action {
  title: string;
  run: () => unknown;
}

/**
 * The one way an error reaches a person: what happened, what to do, and "Show Logs". Returns at once; the log has
 * more. Cancelled operations are not errors.
 */
export function showError(log: Log, doing: string, error: unknown, ...actions: Action[]): void {
  if (error instanceof vscode.CancellationError) return;
  logError(log, doing, error);
  const text =
    error instanceof RowferryError
      ? `${codeLink(error.code)} ${withoutLinks(`${retell(error.message)} ${retell(error.remedy)}`)}`
      : withoutLinks(`${doing}: ${error instanceof Error ? retell(error.message) : String(error)}`);
  const showLogs: Action = { title: vscode.l10n.t('Show Logs'), run: () => log.show(true) };
  const offered = [...actions, showLogs];
  void vscode.window.showErrorMessage(text, ...offered.map((a) => a.title)).then(async (chosen) => {
    await offered.find((a) => a.title === chosen)?.run();
  });
}

/** A code that opens its page. */
function codeLink(code: string): string {
  return `[${code}](${commandLink(errorHelpCommand, code).toString()})`;
}

/** A notification makes links of `[…](…)`, commands too: what servers and files say must not be one. */
function withoutLinks(text: string): string {
  return text.replaceAll('](', '] (');
}

/** As vscode.window's, with text that names tables, tasks or what a server said. */
export function inform<T extends string>(text: string, ...titles: T[]): Thenable<T | undefined> {
  return vscode.window.showInformationMessage(withoutLinks(text), ...titles);
}
export function warn<T extends string>(text: string, ...titles: T[]): Thenable<T | undefined> {
  return vscode.window.showWarningMessage(withoutLinks(text), ...titles);
}

/**
 * Asks in a modal dialog whether to do what cannot be undone; `action` is the button that says yes. The first button is
 * what Enter presses: `keep`, where the action destroys something.
 */
export async function confirmed(
  question: string,
  detail: string,
  action: string,
  keep?: string,
): Promise<boolean> {
  const buttons = keep === undefined ? [action] : [keep, action];
  return (await vscode.window.showWarningMessage(question, { modal: true, detail }, ...buttons)) === action;
}

/**
 * An error as it came over the socket: plain objects and errors that carry one of our codes become RowferryError
 * again, so that message and remedy are shown apart.
 */
export function asRowferryError(error: unknown): unknown {
  if (error instanceof RowferryError || typeof error !== 'object' || error === null) return error;
  const { code, message, remedy } = error as Record<string, unknown>;
  if (typeof code !== 'string' || !Object.hasOwn(errorCodes, code)) return error;
  return new RowferryError(code as keyof typeof errorCodes, String(message), {
    ...(typeof remedy === 'string' ? { remedy } : {}),
    cause: error,
  });
}
