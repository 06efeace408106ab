import * as vscode from 'vscode';
import type { Log } from '../base/log.js';
import { asRowferryError, showError } from '../base/notifications.js';

export type CommandHandler = (...args: unknown[]) => unknown;
export type Commands = Record<string, CommandHandler>;

/**
 * Registers commands through the one wrapper: whatever a command throws is logged and shown, with "Show Logs",
 * and never lost as a rejected promise. `ids` and the keys of `commands`, which is called when the first of them runs,
 * are without the leading `rowferry.`.
 */
export function registerCommands(
  log: Log,
  ids: readonly string[],
  commands: () => Promise<Commands>,
): vscode.Disposable {
  return vscode.Disposable.from(
    ...ids.map((id) =>
      vscode.commands.registerCommand(`rowferry.${id}`, async (...args: unknown[]) => {
        log.debug(`command ${id}`);
        try {
          return await (
            await commands()
          )[id]!(...args);
        } catch (error) {
          showError(log, id, asRowferryError(error));
          return undefined;
        }
      }),
    ),
  );
}
