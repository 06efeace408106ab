import * as vscode from 'vscode';

/** Pages about codes and settings, which the extension makes itself: they need no network. */
export const helpScheme = 'rowferry-help';

/** What pages and texts may call by a link. */
export const errorHelpCommand = 'rowferry.docs.errors';
export const settingHelpCommand = 'rowferry.docs.settings';

/** The address of a command with one argument, for links. */
export function commandLink(command: string, argument: string): vscode.Uri {
  return vscode.Uri.parse(`command:${command}?${encodeURIComponent(JSON.stringify([argument]))}`);
}

/** Shows `rowferry-help:/NAME.md` as a page; as text where the editor has no preview of Markdown. */
export async function showHelp(name: string): Promise<void> {
  const uri = vscode.Uri.from({ scheme: helpScheme, path: `/${name}.md` });
  try {
    await vscode.commands.executeCommand('markdown.showPreview', uri);
  } catch {
    await vscode.window.showTextDocument(uri);
  }
}
