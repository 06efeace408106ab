import * as vscode from 'vscode';
import type { DestinationSettings, SourceSettings } from '../../shared/task.js';
import type { TrialMysql } from '../connections/trial-mysql.js';
import type { LocalTablestore } from '../connections/local-tablestore.js';
import { localTablestoreName } from '../connections/local-tablestore.js';
import type { SavedConnections } from '../connections/saved-connections.js';
import { tryOut } from '../connections/try-out.js';
import { askForMysql, askForMysqlUrl, askForTablestore, type Answer } from '../connections/wizard.js';
import type { EngineSession } from '../engine/session.js';
import type { ConnectionPanels } from '../panels/connection.js';
import type { RowsPanels } from '../panels/rows.js';
import type { Secrets } from '../base/secrets.js';
import { sourceName } from '../../shared/source-name.js';
import type { TableOfSide } from '../tasks/paired-tables.js';
import type {
  ConnectionNode,
  ConnectionsView,
  DestinationTableNode,
  SourceTableNode,
} from '../views/connections-view.js';
import type { Commands } from './register.js';
import { confirmed, inform } from '../base/notifications.js';

export interface ConnectionCommandContext {
  saved: SavedConnections;
  local: LocalTablestore;
  trial: TrialMysql;
  session: EngineSession;
  secrets: Secrets;
  view: ConnectionsView;
  rows: RowsPanels;
  form: ConnectionPanels;
}

export function connectionCommands(context: ConnectionCommandContext): Commands {
  const { saved, local, trial, session, secrets, view, rows, form } = context;
  const { t } = vscode.l10n;

  const connectSource = async (name: string, settings: SourceSettings) => {
    const { version } = await (await session.engine()).testSource(settings);
    return t('{0}: connected to MySQL {1}.', name, version);
  };
  const connectDestination = async (name: string, settings: DestinationSettings) => {
    const { tables } = await (await session.engine()).testDestination(settings);
    return t('{0}: connected, {1} tables.', name, tables);
  };

  /** Tests and saves; asks `again` until it connects or the person saves it as it is. */
  const finishMysql = async (title: string, first: Answer<SourceSettings>) => {
    let answer = first;
    for (;;) {
      const { name, settings } = answer;
      const outcome = await tryOut(title, settings, () => connectSource(name, settings));
      if (outcome !== 'change') break;
      answer = await askForMysql(title, [], answer);
    }
    await saved.save('source', answer.name, answer.settings);
  };
  const finishTablestore = async (title: string, first: Answer<DestinationSettings>) => {
    let answer = first;
    for (;;) {
      const { name, settings } = answer;
      const outcome = await tryOut(title, settings, () => connectDestination(name, settings));
      if (outcome !== 'change') break;
      answer = await askForTablestore(title, [], answer);
    }
    await saved.save('destination', answer.name, answer.settings);
  };

  const takenSources = async () => Object.keys((await saved.list()).sources);
  const addMysql = async () => {
    const title = t('Add MySQL');
    await finishMysql(title, await askForMysql(title, await takenSources()));
  };
  const addUrl = async () => {
    await finishMysql(t('Add MySQL from URL'), await askForMysqlUrl(await takenSources()));
  };
  const addTablestore = async () => {
    const title = t('Add Tablestore');
    const taken = [...Object.keys((await saved.list()).destinations), localTablestoreName];
    await finishTablestore(title, await askForTablestore(title, taken));
  };

  const addByForm = () => form.reveal({ side: 'source' });

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
      void inform(t('There are no saved connections.'));
      return undefined;
    }
    return (await vscode.window.showQuickPick(items, { placeHolder: t('Which connection?') }))?.node;
  };

  /** From the palette: a connection, then one of its tables. */
  const pickTable = async (): Promise<TableOfSide | undefined> => {
    const { sources, destinations } = await saved.list();
    const connections = [
      ...Object.keys(sources).map((label) => ({ label, description: 'MySQL', side: 'source' as const })),
      ...[...Object.keys(destinations), ...(local.running ? [localTablestoreName] : [])].map((label) => ({
        label,
        description: 'Tablestore',
        side: 'destination' as const,
      })),
    ];
    if (connections.length === 0) {
      void inform(t('There are no saved connections.'));
      return undefined;
    }
    const chosen =
      connections.length === 1
        ? connections[0]
        : await vscode.window.showQuickPick(connections, { placeHolder: t('Which connection?') });
    if (!chosen) return undefined;
    const { side, label: connection } = chosen;
    const table = await vscode.window.showQuickPick(
      side === 'source' ? sourceTables(connection) : destinationTables(connection),
      { placeHolder: t('Which table?') },
    );
    return table === undefined ? undefined : { side, connection, table };
  };
  const destinationTables = async (name: string) => {
    const engine = await session.engine();
    return engine.destinationTables(await view.destination(name));
  };
  const sourceTables = async (name: string) => {
    const engine = await session.engine();
    const source = await view.source(name);
    const databases = await engine.databases(source);
    const database =
      databases.length === 1
        ? databases[0]
        : await vscode.window.showQuickPick(databases, { placeHolder: t('Which database?') });
    if (database === undefined) throw new vscode.CancellationError();
    return (await engine.catalog(source, database)).map(sourceName);
  };

  return {
    'connection.add': async () => {
      const kinds = [
        { label: 'MySQL', description: t('the source of a task'), run: addMysql },
        { label: t('MySQL from URL'), description: 'mysql://user:password@host:port', run: addUrl },
        { label: 'Tablestore', description: t('the destination of a task'), run: addTablestore },
        { label: t('Form'), description: t('everything on one page'), run: addByForm },
      ];
      await (await vscode.window.showQuickPick(kinds, { placeHolder: t('Add a connection to') }))?.run();
    },
    'connection.addMysql': addMysql,
    'connection.addUrl': addUrl,
    'connection.addTablestore': addTablestore,
    'connection.addForm': addByForm,
    'connection.editForm': async (argument) => {
      const node = await pick(argument);
      if (node) await form.reveal({ side: node.of, name: node.name });
    },
    'connection.edit': async (argument) => {
      const node = await pick(argument);
      if (!node) return;
      const title = t('Edit {0}', node.name);
      if (node.of === 'source') {
        const settings = await saved.resolve('source', node.name);
        if (settings) await finishMysql(title, await askForMysql(title, [], { name: node.name, settings }));
      } else {
        const settings = await saved.resolve('destination', node.name);
        if (settings)
          await finishTablestore(title, await askForTablestore(title, [], { name: node.name, settings }));
      }
    },
    'connection.delete': async (argument) => {
      const node = await pick(argument);
      if (!node) return;
      const isMeant = await confirmed(
        t('Delete the connection {0}?', node.name),
        t('This also deletes its secret. Tasks that use the connection will not start.'),
        t('Delete'),
        t('Keep'),
      );
      if (isMeant) await saved.delete(node.of, node.name);
    },
    'connection.test': async (argument) => {
      const node = await pick(argument);
      if (!node) return;
      const title = node.name;
      const source = node.of === 'source' ? await trial.source(title) : undefined;
      const destination = node.of === 'destination' ? await saved.resolve('destination', title) : undefined;
      const outcome = source
        ? await tryOut(title, source, () => connectSource(title, source))
        : destination && (await tryOut(title, destination, () => connectDestination(title, destination)));
      if (outcome === 'change') await vscode.commands.executeCommand('rowferry.connection.edit', node);
    },
    'table.rows': async (argument) => {
      const of = tableOf(argument as Partial<SourceTableNode | DestinationTableNode> | undefined);
      const chosen = of ?? (await pickTable());
      if (chosen) rows.reveal(chosen);
    },
    'connections.refresh': () => view.refresh(),
    'localTablestore.start': () =>
      vscode.window.withProgress({ location: { viewId: 'rowferry.connections' } }, () => local.start()),
    'localTablestore.stop': () => local.stop(),
    'secrets.forget': async () => {
      const keys = (await secrets.keys()).filter((key) => key.startsWith('variable:'));
      if (keys.length === 0) {
        void inform(t('No task secrets are stored.'));
        return;
      }
      const items = keys.map((key) => {
        const [, folder = '', name = ''] = /^variable:(.*):([^:]*)$/.exec(key) ?? [];
        return { label: name, description: folder, key };
      });
      const chosen = await vscode.window.showQuickPick(items, {
        canPickMany: true,
        placeHolder: t('Select the secrets to forget; you are asked again when a task needs them'),
      });
      for (const { key } of chosen ?? []) await secrets.delete(key);
    },
  };
}

/** The table of a node of the tree. */
function tableOf(node: Partial<SourceTableNode | DestinationTableNode> | undefined): TableOfSide | undefined {
  if (node?.kind === 'sourceTable') {
    const { connection, table } = node as SourceTableNode;
    return { side: 'source', connection, table: sourceName(table) };
  }
  if (node?.kind !== 'destinationTable') return undefined;
  const { connection, name } = node as DestinationTableNode;
  return { side: 'destination', connection, table: name };
}

function nodeOf(of: 'source' | 'destination', name: string): ConnectionNode {
  return { kind: 'connection', of, name, address: '' };
}
