import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createBirpc, type BirpcReturn } from 'birpc';
import * as vscode from 'vscode';
import { callArguments, type CallSchemas, type CallSchemasOf } from '../../shared/call-arguments.js';
import { errorCodes, RowferryError } from '../../shared/errors.js';
import type { PageApi } from '../../shared/pages.js';
import { retold } from '../../shared/retelling.js';
import { errorHelpCommand } from '../base/help.js';
import { logError, type Log } from '../base/log.js';
import { asRowferryError, warn } from '../base/notifications.js';
import { retell } from '../base/retell.js';

export interface PageOptions<Host extends object> {
  extensionUri: vscode.Uri;
  /** Folder under webview/, and with it the script and the element `rf-NAME`. */
  name: string;
  calls: CallSchemasOf<Host>;
  host: Omit<Host, 'ready'>;
  log: Log;
  /** Kept by the editor for the page, so that it comes back after a reload. */
  restore?: unknown;
}

/** A page that does not answer for this long, after it was loaded or was sent a state, is loaded again. */
const patienceMs = { load: 20_000, state: 10_000 };
const pageCaller = { name: 'The page', remedy: 'Close the page and open it again.' };
/** In a row, before a person is asked. */
const attempts = 3;

/**
 * A webview page and the calls it may make. Its state is only made when the page can be seen and has taken the one
 * before, so that a hidden page costs nothing and a slow one is not flooded. Arguments of every call are checked
 * against its schema before anything happens.
 */
export class Page<Host extends object, State> implements vscode.Disposable {
  private readonly rpc: BirpcReturn<PageApi<State>, object>;
  private readonly disposables: vscode.Disposable[] = [];
  private newest: (() => State | Promise<State>) | undefined;
  private ready = false;
  private loads = 0;
  private watchdog: NodeJS.Timeout | undefined;
  /** The state that is on its way, and whether there is a newer one. */
  private sending: symbol | undefined;
  private outdated = false;
  private closed = false;

  constructor(
    private readonly panel: vscode.WebviewPanel,
    private readonly options: PageOptions<Host>,
  ) {
    const { webview } = panel;
    webview.options = {
      enableScripts: true,
      // The page of an error code, and nothing else.
      enableCommandUris: [errorHelpCommand],
      localResourceRoots: [vscode.Uri.joinPath(options.extensionUri, 'dist', 'webview')],
    };
    this.rpc = createBirpc<PageApi<State>, object>(this.checked(), {
      post: (message: unknown) => webview.postMessage(retold(message, retell)),
      on: (receive) => {
        this.disposables.push(webview.onDidReceiveMessage(receive));
      },
      timeout: -1,
    });
    this.disposables.push(
      panel.onDidChangeViewState(() => {
        // A page that was hidden was thrown away: when it is seen again it is a new one, which says ready.
        this.quiet();
        if (!panel.visible) this.ready = false;
        else if (this.ready) this.send();
        else this.expect('load');
      }),
    );
    this.load();
  }

  show(state: State): void {
    this.update(() => state);
  }

  /** There is something new to show: `make` is called when the page is there to show it. */
  update(make: () => State | Promise<State>): void {
    this.newest = make;
    if (this.panel.visible && this.ready) this.send();
  }

  private send(): void {
    if (this.newest === undefined) return;
    if (this.sending) {
      this.outdated = true;
      return;
    }
    const mine = (this.sending = Symbol());
    this.outdated = false;
    void this.sent(this.newest, mine).then(
      () => {
        if (this.sending !== mine) return;
        this.quiet();
        this.loads = 0;
        if (this.outdated && this.panel.visible && this.ready) this.send();
      },
      // Closed, or what it threw: the watchdog sees to a page that shows nothing.
      (error: unknown) => logError(this.options.log, `page ${this.options.name}`, error),
    );
  }

  private async sent(make: () => State | Promise<State>, mine: symbol): Promise<void> {
    let state: State;
    try {
      state = await make();
    } catch (error) {
      if (this.sending === mine) this.sending = undefined;
      throw error;
    }
    // Hidden or loaded again meanwhile: the page that comes asks for its own.
    if (this.sending !== mine || this.closed) return;
    this.expect('state');
    await this.rpc.show(state);
  }

  private load(): void {
    this.ready = false;
    this.quiet();
    this.loads++;
    this.panel.webview.html = this.html();
    this.expect('load');
  }

  /** The page owes an answer. */
  private expect(what: keyof typeof patienceMs): void {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => {
      if (!this.panel.visible) return;
      this.options.log.warn(`page ${this.options.name} is not responding`);
      if (this.loads < attempts) this.load();
      else void this.ask();
    }, patienceMs[what]);
  }

  private quiet(): void {
    clearTimeout(this.watchdog);
    this.sending = undefined;
  }

  private async ask(): Promise<void> {
    const reload = vscode.l10n.t('Reload');
    const answer = await warn(vscode.l10n.t('“{0}” is not responding.', this.panel.title), reload);
    if (answer !== reload || this.closed) return;
    this.loads = 0;
    this.load();
  }

  /** The calls of a page, each behind its schema. Errors cross as a message, without a stack. */
  private checked(): Record<string, (...args: unknown[]) => Promise<unknown>> {
    const { calls, host, log, name } = this.options;
    // Nothing but the calls: not even what every object has.
    const functions = Object.create(null) as Record<string, (...args: unknown[]) => Promise<unknown>>;
    for (const [call, schema] of Object.entries(calls as CallSchemas)) {
      functions[call] = async (...args) => {
        try {
          const checked = callArguments(schema, call, args, pageCaller);
          if (call === 'ready') return await this.onReady();
          return await (host as Record<string, (...args: unknown[]) => unknown>)[call]!(...checked);
        } catch (thrown) {
          const error = asRowferryError(thrown);
          if (!(thrown instanceof vscode.CancellationError)) logError(log, `${name}.${call}`, error);
          const message =
            error instanceof RowferryError
              ? `${retell(error.message)} ${retell(error.remedy)}`
              : error instanceof Error
                ? retell(error.message)
                : String(error);
          // A plain object: what is an Error here arrives as {} there.

          throw { message };
        }
      };
    }
    return functions;
  }

  private async onReady(): Promise<void> {
    this.quiet();
    this.ready = true;
    await this.rpc.init.asEvent({
      language: vscode.env.language,
      words: await translations(),
      restore: this.options.restore ?? null,
    });
    this.send();
  }

  private html(): string {
    const { extensionUri, name } = this.options;
    const { webview } = this.panel;
    const nonce = randomBytes(18).toString('base64');
    const script = webview.asWebviewUri(vscode.Uri.joinPath(extensionUri, 'dist', 'webview', `${name}.js`));
    return `<!DOCTYPE html>
<html lang="${vscode.env.language}">
  <head>
    <meta charset="utf-8" />
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}';" />
    <meta property="csp-nonce" content="${nonce}" />
    <meta name="viewport" content="width=device-width" />
    <title>Rowferry</title>
  </head>
  <body>
    <rf-${name}></rf-${name}>
    <script nonce="${nonce}" src="${script.toString()}"></script>
  </body>
</html>`;
  }

  dispose(): void {
    this.closed = true;
    clearTimeout(this.watchdog);
    vscode.Disposable.from(...this.disposables).dispose();
    this.rpc.$close();
  }
}

/** Sentences of the reader's language, as the editor found them for this extension; empty in English. */
async function translations(): Promise<Record<string, string>> {
  const { uri } = vscode.l10n;
  if (!uri) return {};
  const words: Record<string, string> = {};
  const entries = JSON.parse(await readFile(uri.fsPath, 'utf8')) as Record<
    string,
    string | { message: string }
  >;
  for (const [key, value] of Object.entries(entries))
    words[key] = typeof value === 'string' ? value : value.message;
  // Pages explain codes.
  for (const { cause } of Object.values(errorCodes)) words[cause] = retell(cause);
  return words;
}
