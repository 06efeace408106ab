import * as vscode from 'vscode';
import { applyTaskEdits } from '../../shared/task-edits.js';
import { sourceSchema, type SourceSettings } from '../../shared/task.js';
import { localTablestoreName, type LocalTablestore } from '../connections/local-tablestore.js';
import type { SavedConnections } from '../connections/saved-connections.js';
import { tryOut } from '../connections/try-out.js';
import { askForMysqlUrl } from '../connections/wizard.js';
import type { EngineSession } from '../engine/session.js';
import { newTaskText } from '../tasks/new-task.js';
import type { TaskFiles } from '../tasks/task-files.js';
import { exists, fileOf, pickFolder } from './new-task-commands.js';
import type { Commands } from './register.js';
import { inform } from '../base/notifications.js';

export interface SampleContext {
  files: TaskFiles;
  saved: SavedConnections;
  local: LocalTablestore;
  session: EngineSession;
}

const sampleConnection = 'Sample MySQL';
const sampleTask = 'sample';
/** One line that gives people a MySQL where they have containers. */
const container =
  'docker run -d --name rowferry-mysql -p 3306:3306 -e MYSQL_ALLOW_EMPTY_PASSWORD=yes mysql:8.4';

/**
 * The whole line without an account: a small database on a MySQL that the person names, after a confirmation, and
 * the Local Tablestore as the destination.
 */
export function sampleCommands({ files, saved, local, session }: SampleContext): Commands {
  const { t } = vscode.l10n;

  /** The MySQL to make the sample on; undefined when there is none. */
  const pickSource = async (): Promise<SourceSettings | undefined> => {
    const { sources } = await saved.list();
    if (sources[sampleConnection]) return saved.resolve('source', sampleConnection);
    type Item = vscode.QuickPickItem & { give?: () => Promise<SourceSettings | undefined> };
    const items: Item[] = [
      {
        label: `$(vm) ${t('MySQL on this machine')}`,
        description: 'root@127.0.0.1:3306',
        detail: t('without a password, as in a new test installation'),
        give: () => Promise.resolve(sourceSchema.parse({ user: 'root', host: '127.0.0.1' })),
      },
      {
        label: `$(link) ${t('Another MySQL, by URL…')}`,
        description: 'mysql://user:password@host:port',
        detail: t('a test server; the user needs the privilege to create a database'),
        give: async () => (await askForMysqlUrl([])).settings,
      },
      ...Object.entries(sources).map(([name, { user, host, port }]): Item => ({
        label: `$(database) ${name}`,
        description: `${user}@${host}:${port}`,
        give: () => saved.resolve('source', name),
      })),
      {
        label: `$(question) ${t('I have no MySQL server')}`,
        detail: t('Copies a command that starts MySQL in a container'),
        give: async () => {
          await vscode.env.clipboard.writeText(container);
          void inform(t('Copied. Run the command in a terminal with Docker, then try again: {0}', container));
          return undefined;
        },
      },
    ];
    const chosen = await vscode.window.showQuickPick(items, {
      title: t('Try a Sample'),
      placeHolder: t('Choose a MySQL server for the sample database'),
      ignoreFocusOut: true,
    });
    return chosen?.give?.();
  };

  return {
    'sample.start': async () => {
      const source = await pickSource();
      if (!source) return;
      const title = t('Try a Sample');
      const at = `${source.host}:${source.port}`;
      const outcome = await tryOut(title, source, async () => {
        const { version } = await (await session.engine()).testSource(source);
        return t('{0}: connected to MySQL {1}.', at, version);
      });
      if (outcome === 'change') {
        // Asks which MySQL anew.
        await saved.delete('source', sampleConnection);
        return vscode.commands.executeCommand('rowferry.sample.start');
      }
      if (outcome !== 'connected') return;
      const make = t('Create');
      const answer = await vscode.window.showInformationMessage(
        t('Create the database rowferry_sample on {0}?', at),
        {
          modal: true,
          detail: t(
            'It has two tables with 5,500 rows, which Rowferry copies to the Local Tablestore on this machine. Nothing else on the server changes. To remove the database, run DROP DATABASE rowferry_sample.',
          ),
        },
        make,
      );
      if (answer !== make) return;
      const folder = await pickFolder(files);
      if (!folder) return;
      const engine = await session.engine();
      const { database } = await vscode.window.withProgress(
        { location: vscode.ProgressLocation.Window, title: t('Creating the sample') },
        () => engine.makeSample(source),
      );
      await saved.save('source', sampleConnection, source);
      await local.start();
      const uri = fileOf(folder, sampleTask);
      if (!(await exists(uri))) {
        const text = newTaskText(sampleTask, {
          source: sampleConnection,
          destination: localTablestoreName,
          objects: [{ database }],
        });
        // A second trial finds the tables of the first.
        const again = applyTaskEdits(text, [{ path: ['conflict'], value: 'ignore' }]);
        await vscode.workspace.fs.createDirectory(folder);
        await vscode.workspace.fs.writeFile(uri, Buffer.from(again));
      }
      await files.refresh();
      await vscode.commands.executeCommand('rowferry.tasks.focus');
      await vscode.commands.executeCommand('rowferry.task.monitor', { uri });
      await vscode.commands.executeCommand('rowferry.task.start', { uri });
    },
    'walkthrough.open': () =>
      vscode.commands.executeCommand('workbench.action.openWalkthrough', 'rowferry.rowferry#start', false),
    'sample.change': async () => {
      const source = await saved.resolve('source', sampleConnection);
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
