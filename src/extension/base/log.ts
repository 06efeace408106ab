import * as vscode from 'vscode';
import { RowferryError } from '../../shared/errors.js';

/** The one log of the extension, shown by "Rowferry: Show Logs". Never given a secret or a row's values. */
export type Log = vscode.LogOutputChannel;

export function createLog(): Log {
  return vscode.window.createOutputChannel('Rowferry', { log: true });
}

/** An error of ours in one line with its code; anything else with its stack. */
export function logError(log: Log, doing: string, error: unknown): void {
  if (error instanceof RowferryError) {
    log.error(`${doing}: ${error.code} ${error.message} ${error.remedy}`);
    if (error.cause instanceof Error) log.debug(String(error.cause.stack ?? error.cause));
  } else log.error(`${doing}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
}
