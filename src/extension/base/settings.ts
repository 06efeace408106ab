import * as vscode from 'vscode';

/** The settings of this extension, as they are now; package.json describes them. */
const settings = (of = 'rowferry') => vscode.workspace.getConfiguration(of);

/** Tasks go on when the last window is closed, whatever their files say. */
export const keepsRunning = (): boolean => settings().get('engine.keepRunning', false);

/** From now on, for all windows of this person. */
export const setKeepsRunning = (keep: boolean): Thenable<void> =>
  settings().update('engine.keepRunning', keep, vscode.ConfigurationTarget.Global);

export const showsStatusBar = (): boolean => settings().get('statusBar.enabled', true);

export const localTablestorePort = (): number => settings().get('localTablestore.port', 8087);

/** Empty: the one that this machine's apt uses, else Debian's own. */
export const trialMysqlMirror = (): string => settings().get('trialMysql.mirror', '');

/** What the extension SQLTools keeps in the settings of the editor, whatever that is. */
export const sqltoolsConnections = (): unknown => settings('sqltools').get('connections');
