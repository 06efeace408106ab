import { access, constants, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import * as vscode from 'vscode';
import {
  connectionCalls,
  type ConnectionHost,
  type ConnectionState,
  type ConnectionTest,
} from '../../shared/pages.js';
import { RowferryError } from '../../shared/errors.js';
import { formatCount } from '../../shared/format.js';
import type { Side } from '../../shared/refusal.js';
import type { DestinationSettings, SourceSettings } from '../../shared/task.js';
import { taskJsonSchema } from '../../shared/task-json-schema.js';
import { logError, type Log } from '../base/log.js';
import { asRowferryError, inform } from '../base/notifications.js';
import { sqltoolsConnections } from '../base/settings.js';
import { parseMysqlUrl } from '../connections/addresses.js';
import { adviceFor } from '../connections/advice.js';
import { ConnectionDraft, type DraftProblem } from '../connections/draft.js';
import { failedField } from '../connections/failed-field.js';
import type { ImportedSource } from '../connections/imported.js';
import { localTablestoreName } from '../connections/local-tablestore.js';
import { parseMyCnf } from '../connections/my-cnf.js';
import type { SavedConnections } from '../connections/saved-connections.js';
import { sqltoolsSources } from '../connections/sqltools.js';
import type { EngineSession } from '../engine/session.js';
import { Page } from './page.js';
import { panelViewType } from './view-types.js';

export interface ConnectionPanelContext {
  extensionUri: vscode.Uri;
  saved: SavedConnections;
  session: EngineSession;
  log: Log;
}

/** The connection of a panel; without a name a new one. */
interface Of {
  side: Side;
  name?: string;
}

/** An option file of MySQL has a few lines. */
const mostBytes = 1_000_000;

/**
 * Forms of saved connections, one a connection, and one for a new one. What was entered is kept here, for a page that
 * is hidden is thrown away; secrets only come from a page and never go to one.
 */
export class ConnectionPanels implements vscode.Disposable {
  private readonly open = new Map<string, vscode.WebviewPanel>();

  constructor(private readonly context: ConnectionPanelContext) {}

  /** As TaskPanels.restore. What was not saved is gone, as its secrets are. */
  restore(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const { side, name } = (state ?? {}) as Record<string, unknown>;
    return this.fill(panel, {
      side: side === 'destination' ? side : 'source',
      ...(typeof name === 'string' && { name }),
    });
  }

  async reveal(of: Of): Promise<void> {
    const there = this.open.get(keyOf(of));
    if (there) there.reveal();
    else
      await this.fill(
        vscode.window.createWebviewPanel(panelViewType('connection'), '', vscode.ViewColumn.Active),
        of,
      );
  }

  private async fill(panel: vscode.WebviewPanel, of: Of): Promise<void> {
    const { context } = this;
    const { name } = of;
    panel.title = name === undefined ? vscode.l10n.t('Add Connection') : vscode.l10n.t('Edit {0}', name);
    panel.iconPath = vscode.Uri.joinPath(context.extensionUri, 'media', 'panel.svg');
    this.open.set(keyOf(of), panel);
    panel.onDidDispose(() => this.open.delete(keyOf(of)));
    const settings = name === undefined ? undefined : await context.saved.resolve(of.side, name);
    // It was deleted, or renamed in its file.
    if (name !== undefined && !settings) return panel.dispose();
    const form = new ConnectionForm(
      context,
      of.side,
      name !== undefined && settings ? { name, settings } : undefined,
    );
    const page = new Page<ConnectionHost, ConnectionState>(panel, {
      extensionUri: context.extensionUri,
      name: 'connection',
      calls: connectionCalls,
      log: context.log,
      restore: of,
      host: form.host(
        () => page.update(() => form.state()),
        () => panel.dispose(),
      ),
    });
    page.update(() => form.state());
    panel.onDidDispose(() => page.dispose());
  }

  dispose(): void {
    for (const panel of this.open.values()) panel.dispose();
  }
}

const keyOf = ({ side, name }: Of): string => (name === undefined ? '' : `${side}:${name}`);

class ConnectionForm {
  private readonly drafts: Record<Side, ConnectionDraft>;
  private draft: ConnectionDraft;
  /** Nobody complains of what is missing before it was tried without. */
  private isAsked = false;
  private tested: ConnectionTest = { is: 'none' };
  /** What the last test found at fields. */
  private found: DraftProblem[] = [];
  /** Goes up with every change: a test of what was there before is of no interest. */
  private turn = 0;
  private readonly schema = schemaOfConnections();

  constructor(
    private readonly context: ConnectionPanelContext,
    side: Side,
    private readonly edited?: { name: string; settings: SourceSettings | DestinationSettings },
  ) {
    const draftOf = (one: Side) => new ConnectionDraft(one, one === side ? edited : undefined);
    this.drafts = { source: draftOf('source'), destination: draftOf('destination') };
    this.draft = this.drafts[side];
  }

  private async taken(): Promise<string[]> {
    const { sources, destinations } = await this.context.saved.list();
    return this.draft.side === 'source'
      ? Object.keys(sources)
      : [...Object.keys(destinations), localTablestoreName];
  }

  async state(): Promise<ConnectionState> {
    const { draft } = this;
    const taken = await this.taken();
    const problems = draft
      .problems(taken, vscode.l10n.t)
      .filter(({ isMissing }) => this.isAsked || !isMissing);
    return {
      side: draft.side,
      isNew: this.edited === undefined,
      name: draft.name(taken),
      document: draft.document,
      schema: this.schema,
      issues: problems.map(({ key, message }) => ({ key, message })),
      problems: this.found.map(({ key, message }) => ({ key, message })),
      secrets: draft.secrets,
      test: this.tested,
    };
  }

  /** `changed`: there is another state. `close`: the person is done. */
  host(changed: () => void, close: () => void): Omit<ConnectionHost, 'ready'> {
    const change = (work: () => void) => {
      work();
      this.forgetTest();
      changed();
      return Promise.resolve();
    };
    return {
      side: (side) =>
        change(() => {
          if (this.edited === undefined) this.draft = this.drafts[side];
          this.isAsked = false;
        }),
      rename: (name) => change(() => this.draft.rename(name)),
      edit: (edits) => change(() => this.draft.edit(edits)),
      secret: (key, value) => change(() => this.draft.setSecret(key, value ?? undefined)),
      chooseFile: async (title) => {
        const [chosen] = (await vscode.window.showOpenDialog({ title })) ?? [];
        return chosen?.fsPath ?? null;
      },
      importFrom: async (from) => {
        const found = await importers[from]();
        if (!found) return false;
        await change(() => {
          this.draft = this.drafts.source;
          this.draft.take(found);
          this.isAsked = true;
        });
        return true;
      },
      test: async () => {
        if (await this.isReady(changed)) await this.test(changed);
        changed();
      },
      save: async () => {
        if (!(await this.isReady(changed))) return;
        const { draft } = this;
        const name = draft.name(await this.taken());
        await this.context.saved.save(draft.side, name, draft.settings());
        close();
        void inform(vscode.l10n.t('{0}: saved.', name));
      },
    };
  }

  private forgetTest(): void {
    this.turn++;
    this.tested = { is: 'none' };
    this.found = [];
  }

  /** Whether nothing is wrong with what was entered; from now on what is missing is told, too. */
  private async isReady(changed: () => void): Promise<boolean> {
    this.isAsked = true;
    const problems = this.draft.problems(await this.taken(), vscode.l10n.t);
    changed();
    return problems.length === 0;
  }

  private async test(changed: () => void): Promise<void> {
    this.forgetTest();
    const { turn, draft } = this;
    this.tested = { is: 'running' };
    changed();
    const settings = draft.settings();
    const outcome = await this.outcome(settings);
    const unread = await unreadable(draft);
    if (turn !== this.turn) return;
    this.tested = outcome;
    if (outcome.is !== 'failed') return;
    const field = failedField(outcome.problem.code ?? '', vscode.l10n.t);
    this.found = unread.length > 0 ? unread : field ? [field] : [];
  }

  private async outcome(settings: SourceSettings | DestinationSettings): Promise<ConnectionTest> {
    const { t } = vscode.l10n;
    try {
      if (!vscode.workspace.isTrusted)
        throw new RowferryError('ROW-T101', t('This folder is not trusted.'), {
          remedy: t('Trust the workspace to connect from it.'),
        });
      const engine = await this.context.session.engine();
      const began = performance.now();
      const took = () => formatCount(Math.max(1, performance.now() - began), vscode.env.language);
      if ('endpoint' in settings) {
        const { tables } = await engine.testDestination(settings);
        return { is: 'connected', text: t('Connected in {0} ms, {1} tables.', took(), tables) };
      }
      const { version } = await engine.testSource(settings);
      return { is: 'connected', text: t('Connected to MySQL {0} in {1} ms.', version, took()) };
    } catch (thrown) {
      const error = asRowferryError(thrown);
      logError(this.context.log, 'connection test', error);
      if (!(error instanceof RowferryError))
        return { is: 'failed', problem: { message: String(error), remedy: '' }, advice: [] };
      const { code, message, remedy } = error;
      const advice = adviceFor(code, settings, t, vscode.env.remoteName !== undefined);
      return { is: 'failed', problem: { code, message, remedy: advice.length > 0 ? '' : remedy }, advice };
    }
  }
}

/** Ranges and defaults of the fields. */
function schemaOfConnections(): ConnectionState['schema'] {
  const { source, destination } = taskJsonSchema().properties ?? {};
  return { properties: { ...(source && { source }), ...(destination && { destination }) } };
}

/** Files that the engine will not get to read, which is on this machine. */
async function unreadable(draft: ConnectionDraft): Promise<DraftProblem[]> {
  const checked = await Promise.all(
    draft.files().map(({ key, file }) =>
      access(file, constants.R_OK).then(
        () => [],
        () => [{ key, message: vscode.l10n.t('This file cannot be read.') }],
      ),
    ),
  );
  return checked.flat();
}

/** From where a connection can come, each by what a person chooses; undefined when they choose nothing. */
const importers: Record<'url' | 'myCnf' | 'sqltools', () => Promise<ImportedSource | undefined>> = {
  async url() {
    const { t } = vscode.l10n;
    const text = await vscode.window.showInputBox({
      title: t('Import from URL'),
      prompt: t('The URL of MySQL; ?ssl-mode=VERIFY_CA&ssl-ca=FILE for TLS'),
      placeHolder: 'mysql://user:password@host:3306',
      ignoreFocusOut: true,
      validateInput: (typed) =>
        typed === '' || parseMysqlUrl(typed) ? undefined : t('Enter a mysql:// URL.'),
    });
    return text === undefined ? undefined : parseMysqlUrl(text);
  },
  async myCnf() {
    const { t } = vscode.l10n;
    const [file] =
      (await vscode.window.showOpenDialog({
        title: t('Import from an option file of MySQL'),
        defaultUri: vscode.Uri.file(homedir()),
      })) ?? [];
    if (!file) return undefined;
    const { size } = await stat(file.fsPath);
    const found = size > mostBytes ? undefined : parseMyCnf(await readFile(file.fsPath, 'utf8'));
    if (found) return found;
    throw new RowferryError('ROW-T101', t('{0} has no section [client] with a connection.', file.fsPath), {
      remedy: t('Choose an option file of MySQL, such as .my.cnf.'),
    });
  },
  async sqltools() {
    const { t } = vscode.l10n;
    const sources = sqltoolsSources(sqltoolsConnections());
    if (sources.length === 0)
      throw new RowferryError('ROW-T105', t('SQLTools has no connections to MySQL in its settings.'), {
        remedy: t('Enter the connection here.'),
      });
    const items = sources.map(({ name, settings }) => ({
      label: name.replaceAll('$(', '$\u200b('),
      description: `${settings.user ?? ''}@${settings.host ?? ''}:${settings.port ?? 3306}`,
      settings,
    }));
    const chosen = await vscode.window.showQuickPick(items, {
      placeHolder: t('Which connection of SQLTools? Its password is not imported.'),
    });
    return chosen?.settings;
  },
};
