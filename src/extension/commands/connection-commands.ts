import * as vscode from 'vscode';
import type { DestinationSettings, SourceSettings } from '../../shared/task.js';
import type { LocalTablestore } from '../connections/local-tablestore.js';
import { localTablestoreName } from '../connections/local-tablestore.js';
import type { SavedConnections } from '../connections/saved-connections.js';
import { askForMysql, askForTablestore } from '../connections/wizard.js';
import type { EngineSession } from '../engine/session.js';
import type { Log } from '../log.js';
import { asRowferryError, showError } from '../notifications.js';
import type { Secrets } from '../secrets.js';
import type { ConnectionNode, ConnectionsView } from '../views/connections-view.js';
import type { Commands } from './register.js';

export interface ConnectionCommandContext {
  saved: SavedConnections;
  local: LocalTablestore;
  session: EngineSession;
  secrets: Secrets;
  view: ConnectionsView;
  log: Log;
}

export function connectionCommands(context: ConnectionCommandContext): Commands {
  const { saved, local, session, secrets, view, log } = context;
  const { t } = vscode.l10n;

  const testSource = (name: string, settings: SourceSettings) =>
    vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title: t('Connecting to {0}', name) },
      async () => {
        const { version } = await (await session.engine()).testSource(settings);
        return t('{0}: connected to MySQL {1}.', name, version);
      },
    );
  const testDestination = (name: string, settings: DestinationSettings) =>
    vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title: t('Connecting to {0}', name) },
      async () => {
        const { tables } = await (await session.engine()).testDestination(settings);
        return t('{0}: connected, {1} tables.', name, tables);
      },
    );

  /** Tells the outcome; a failure keeps the connection and offers to correct it. */
  const tested = async (test: Thenable<string>, node: ConnectionNode) => {
    try {
      void vscode.window.showInformationMessage(await test);
    } catch (error) {
      showError(log, 'connection.test', asRowferryError(error), {
        title: t('Edit'),
        run: () => vscode.commands.executeCommand('rowferry.connection.edit', node),
      });
    }
  };

  const addMysql = async () => {
    const taken = Object.keys((await saved.list()).sources);
    const { name, settings } = await askForMysql(t('Add MySQL'), taken);
    await saved.save('source', name, settings);
    await tested(testSource(name, settings), nodeOf('source', name));
  };
  const addTablestore = async () => {
    const taken = [...Object.keys((await saved.list()).destinations), localTablestoreName];
    const { name, settings } = await askForTablestore(t('Add Tablestore'), taken);
    await saved.save('destination', name, settings);
    await tested(testDestination(name, settings), nodeOf('destination', name));
  };

  const pick = async (argument: unknown): Promise<ConnectionNode | undefined> => {
    const given = argument as ConnectionNode | undefined;
    if (given?.kind === 'connection') return given;
    const { sources, destinations } = await saved.list();
    const items = [
      ...Object.keys(sources).map((name) => ({
        label: name,
        description: 'MySQL',
        node: nodeOf('source', name),
      })),
      ...Object.keys(destinations).map((name) => ({
        label: name,
        description: 'Tablestore',
        node: nodeOf('destination', name),
      })),
    ];
    if (items.length === 0) {
      void vscode.window.showInformationMessage(t('There is no saved connection.'));
      return undefined;
    }
    return (await vscode.window.showQuickPick(items, { placeHolder: t('Which connection?') }))?.node;
  };

  return {
    'connection.add': async () => {
      const kinds = [
        { label: 'MySQL', description: t('the source of a task'), run: addMysql },
        { label: 'Tablestore', description: t('the destination of a task'), run: addTablestore },
      ];
      await (await vscode.window.showQuickPick(kinds, { placeHolder: t('Add a connection to') }))?.run();
    },
    'connection.addMysql': addMysql,
    'connection.addTablestore': addTablestore,
    'connection.edit': async (argument) => {
      const node = await pick(argument);
      if (node?.of === 'source') {
        const settings = await saved.resolve('source', node.name);
        if (!settings) return;
        const answer = await askForMysql(t('Edit {0}', node.name), [], { name: node.name, settings });
        await saved.save('source', node.name, answer.settings);
        await tested(testSource(node.name, answer.settings), node);
      } else if (node) {
        const settings = await saved.resolve('destination', node.name);
        if (!settings) return;
        const answer = await askForTablestore(t('Edit {0}', node.name), [], { name: node.name, settings });
        await saved.save('destination', node.name, answer.settings);
        await tested(testDestination(node.name, answer.settings), node);
      }
    },
    'connection.delete': async (argument) => {
      const node = await pick(argument);
      if (!node) return;
      const remove = t('Delete');
      const answer = await vscode.window.showWarningMessage(
        t('Delete the connection {0}?', node.name),
        { modal: true, detail: t('Its secret is deleted too. Tasks that name it will not start.') },
        remove,
      );
      if (answer === remove) await saved.delete(node.of, node.name);
    },
    'connection.test': async (argument) => {
      const node = await pick(argument);
      if (node?.of === 'source') {
        const settings = await saved.resolve('source', node.name);
        if (settings) await tested(testSource(node.name, settings), node);
      } else if (node) {
        const settings = await saved.resolve('destination', node.name);
        if (settings) await tested(testDestination(node.name, settings), node);
      }
    },
    'connections.refresh': () => view.refresh(),
    'localTablestore.start': () =>
      vscode.window.withProgress({ location: { viewId: 'rowferry.connections' } }, () => local.start()),
    'localTablestore.stop': () => local.stop(),
    'secrets.forget': async () => {
      const keys = (await secrets.keys()).filter((key) => key.startsWith('variable:'));
      if (keys.length === 0) {
        void vscode.window.showInformationMessage(t('No secrets of tasks are stored.'));
        return;
      }
      const items = keys.map((key) => {
        const [, folder = '', name = ''] = /^variable:(.*):([^:]*)$/.exec(key) ?? [];
        return { label: name, description: folder, key };
      });
      const chosen = await vscode.window.showQuickPick(items, {
        canPickMany: true,
        placeHolder: t('Secrets to forget; they are asked for again when a task needs them'),
      });
      for (const { key } of chosen ?? []) await secrets.delete(key);
    },
  };
}

function nodeOf(of: 'source' | 'destination', name: string): ConnectionNode {
  return { kind: 'connection', of, name, address: '' };
}
