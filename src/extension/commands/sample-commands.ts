import * as vscode from 'vscode';
import { applyTaskEdits } from '../../shared/task-edits.js';
import { sourceSchema, type SourceSettings } from '../../shared/task.js';
import { localTablestoreName, type LocalTablestore } from '../connections/local-tablestore.js';
import type { SavedConnections } from '../connections/saved-connections.js';
import { tryOut } from '../connections/try-out.js';
import { askForMysqlUrl } from '../connections/wizard.js';
import { trialMysqlName, type TrialMysql } from '../connections/trial-mysql.js';
import type { EngineSession } from '../engine/session.js';
import { newTaskText } from '../tasks/new-task.js';
import type { TaskFiles } from '../tasks/task-files.js';
import { exists, fileOf, pickFolder } from './new-task-commands.js';
import type { Commands } from './register.js';
import { offerTrialMysql } from './trial-mysql-commands.js';
import { inform } from '../base/notifications.js';
import type { Log } from '../base/log.js';

export interface SampleContext {
  files: TaskFiles;
  saved: SavedConnections;
  local: LocalTablestore;
  session: EngineSession;
  trial: TrialMysql;
  log: Log;
}

const sampleConnection = 'Sample MySQL';
const sampleTask = 'sample';

/**
 * The whole line without an account: a small database on a MySQL that the person names, after a confirmation, or on one
 * that is downloaded for it; and the Local Tablestore as the destination.
 */
export function sampleCommands({ files, saved, local, session, trial, log }: SampleContext): Commands {
  const { t } = vscode.l10n;

  /** The connection that an earlier trial has used. */
  const usedBefore = async (): Promise<string | undefined> => {
    if (await trial.isReady()) return trialMysqlName;
    return (await saved.list()).sources[sampleConnection] && sampleConnection;
  };

  /** The MySQL to make the sample on; undefined when there is none. */
  const pickSource = async (): Promise<SourceSettings | undefined> => {
    const { sources } = await saved.list();
    type Item = vscode.QuickPickItem & { give?: () => Promise<SourceSettings | undefined> };
    const here: Item = {
      label: `$(vm) ${t('MySQL on this machine')}`,
      description: 'root@127.0.0.1:3306',
      detail: t('without a password, as in a new test installation'),
      give: () => Promise.resolve(sourceSchema.parse({ user: 'root', host: '127.0.0.1' })),
    };
    const none: Item = {
      label: `$(cloud-download) ${t('I have no MySQL server')}`,
      detail: t('Downloads one for trying, or copies a command that starts one in a container'),
      give: async () => {
        if (await offerTrialMysql({ trial, log }, () => begin(byUrl))) await begin();
        return undefined;
      },
    };
    const { isMysqlAt } = await import('../../trial-mysql/server.js');
    const isHere = await isMysqlAt(3306);
    const items: Item[] = [
      // What is most likely meant comes first.
      ...(isHere ? [here] : Object.keys(sources).length === 0 ? [none] : []),
      {
        label: `$(link) ${t('Another MySQL, by URL…')}`,
        description: 'mysql://user:password@host:port',
        detail: t('a test server; the user needs the privilege to create a database'),
        give: byUrl,
      },
      ...Object.entries(sources).map(([name, { user, host, port }]): Item => ({
        label: `$(database) ${name}`,
        description: `${user}@${host}:${port}`,
        give: () => trial.source(name),
      })),
      ...(isHere || Object.keys(sources).length > 0 ? [none] : []),
    ];
    const chosen = await vscode.window.showQuickPick(items, {
      title: t('Try a Sample'),
      placeHolder: t('Choose a MySQL server for the sample database'),
      ignoreFocusOut: true,
    });
    return chosen?.give?.();
  };

  const byUrl = async () => (await askForMysqlUrl([])).settings;

  /** `pick` gives the MySQL, where none was used before. */
  const begin = async (pick: () => Promise<SourceSettings | undefined> = pickSource): Promise<void> => {
    const before = await usedBefore();
    const source = before === undefined ? await pick() : await trial.source(before);
    if (!source) return;
    // The trial MySQL is ours: it runs, and what is on it was agreed to.
    const connection = before ?? sampleConnection;
    if (connection !== trialMysqlName && !(await isAgreed(source))) return;
    await make(connection, source);
  };

  /** Does this MySQL answer, and may the sample be put on it? */
  const isAgreed = async (source: SourceSettings): Promise<boolean> => {
    const at = `${source.host}:${source.port}`;
    const outcome = await tryOut(t('Try a Sample'), source, async () => {
      const { version } = await (await session.engine()).testSource(source);
      return t('{0}: connected to MySQL {1}.', at, version);
    });
    if (outcome === 'change') {
      // Asks which MySQL anew.
      await saved.delete('source', sampleConnection);
      await begin();
    }
    if (outcome !== 'connected') return false;
    const create = t('Create');
    const answer = await vscode.window.showInformationMessage(
      t('Create the database rowferry_sample on {0}?', at),
      {
        modal: true,
        detail: t(
          'It has two tables with 5,500 rows, which Rowferry copies to the Local Tablestore on this machine. Nothing else on the server changes. To remove the database, run DROP DATABASE rowferry_sample.',
        ),
      },
      create,
    );
    return answer === create;
  };

  const make = async (connection: string, source: SourceSettings): Promise<void> => {
    const folder = await pickFolder(files);
    if (!folder) return;
    const engine = await session.engine();
    const { database } = await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Window, title: t('Creating the sample') },
      () => engine.makeSample(source),
    );
    await saved.save('source', connection, source);
    await local.start();
    const uri = fileOf(folder, sampleTask);
    const found = (await exists(uri)) ? await vscode.workspace.fs.readFile(uri) : undefined;
    const text = found
      ? Buffer.from(found).toString('utf8')
      : newTaskText(sampleTask, {
          source: connection,
          destination: localTablestoreName,
          objects: [{ database }],
        });
    const edited = applyTaskEdits(text, [
      found
        ? // The sample may be on another MySQL than it was.
          { path: ['source'], value: { connection } }
        : // A second trial finds the tables of the first.
          { path: ['conflict'], value: 'ignore' },
    ]);
    await vscode.workspace.fs.createDirectory(folder);
    await vscode.workspace.fs.writeFile(uri, Buffer.from(edited));
    await files.refresh();
    await vscode.commands.executeCommand('rowferry.tasks.focus');
    await vscode.commands.executeCommand('rowferry.task.monitor', { uri });
    await vscode.commands.executeCommand('rowferry.task.start', { uri });
  };

  return {
    'sample.start': () => begin(),
    'walkthrough.open': () =>
      vscode.commands.executeCommand('workbench.action.openWalkthrough', 'rowferry.rowferry#start', false),
    'sample.change': async () => {
      const before = await usedBefore();
      const source = before === undefined ? undefined : await trial.source(before);
      if (!source) {
        const start = t('Try a Sample');
        const said = await inform(t('The sample does not exist yet.'), start);
        if (said === start) await vscode.commands.executeCommand('rowferry.sample.start');
        return;
      }
      const { inserted, updated, deleted } = await (await session.engine()).changeSample(source);
      void inform(t('In MySQL: {0} rows inserted, {1} updated, {2} deleted.', inserted, updated, deleted));
    },
  };
}
