import { css, html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import type { ConnectionSecret } from '../../src/shared/connections.js';
import type { ConnectionHost, ConnectionState, TaskEdit } from '../../src/shared/pages.js';
import type { Side } from '../../src/shared/refusal.js';
import { dropdown } from '../components/dropdown.js';
import { errorCode } from '../components/error-code.js';
import { connectHost, messageOf } from '../components/host.js';
import { icon } from '../components/icon.js';
import { committed, flushInputs } from '../components/input.js';
import '../components/page.js';
import { base } from '../components/styles.js';
import '../components/toolkit.js';
import { t } from '../components/words.js';
import '../task-editor/connection/endpoint-fields.js';
import { encryptionField, sourceFields } from '../task-editor/connection/fields.js';
import { problemsAt, type FieldContext } from '../task-editor/form/context.js';
import { fieldControl, textControl } from '../task-editor/form/controls.js';
import { effective, valueAt } from '../task-editor/form/document.js';
import { form } from '../task-editor/form/styles.js';
import { SecretField } from './secret-field.js';

/** One connection on one page: its fields are those of a task that has its connections written in its file. */
class Connection extends LitElement {
  static override styles = [
    base,
    form,
    css`
      main {
        max-width: 820px;
        margin: 0 auto;
        overflow: visible;
      }
      header {
        flex-wrap: wrap;
      }
      header h1 {
        flex: 1 1 220px;
      }
      .card,
      .outcome,
      .import {
        margin-top: 16px;
      }
      .card .field:last-child,
      .card p:last-child {
        margin-bottom: 4px;
      }
      .outcome ul {
        margin: 6px 0 0;
        padding-inline-start: 20px;
      }
      .outcome .about {
        font-weight: 600;
      }
      .outcome > .icon {
        margin-inline-end: 4px;
      }
    `,
  ];
  static override properties: PropertyDeclarations = {
    state: { state: true },
    said: { state: true },
  };
  declare private state: ConnectionState | null;
  /** What came of an import, or went wrong with a call. */
  declare private said: { text: string; isError: boolean } | null;
  /** Once the newest state is here, the first field with a problem gets the focus. */
  private looksForProblem = false;
  private readonly host: ConnectionHost;

  constructor() {
    super();
    this.state = null;
    this.said = null;
    this.host = connectHost<ConnectionHost, ConnectionState>((state) => {
      if (this.state && this.state.side !== state.side) this.clearSecrets();
      this.state = state;
    });
    window.addEventListener('keydown', (event) => this.key(event), { capture: true });
  }

  private key(event: KeyboardEvent): void {
    const isSave = event.key.toLowerCase() === 's' && (event.ctrlKey || event.metaKey);
    if (!isSave || event.shiftKey || event.altKey) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    void this.call(() => this.host.save());
  }

  /** Sees all that was typed before it; what it throws is said. */
  private async call(work: () => Promise<unknown>): Promise<void> {
    flushInputs();
    this.said = null;
    try {
      await work();
    } catch (error) {
      this.said = { text: messageOf(error), isError: true };
    }
    this.looksForProblem = true;
    this.requestUpdate();
  }

  override updated(): void {
    if (!this.looksForProblem || this.state?.test.is === 'running') return;
    this.looksForProblem = false;
    const endpoint = this.renderRoot.querySelector('rf-endpoint')?.shadowRoot;
    const field = [this.renderRoot, ...(endpoint ? [endpoint] : [])]
      .map((root) => root.querySelector('.field:has(> .help.error)'))
      .find((found) => found !== null);
    field?.closest('details')?.setAttribute('open', '');
    field?.querySelector<HTMLElement>('rf-secret, rf-input, vscode-dropdown, vscode-checkbox')?.focus();
  }

  /** What was typed is of another connection. */
  private clearSecrets(): void {
    for (const field of this.renderRoot.querySelectorAll('rf-secret'))
      if (field instanceof SecretField) field.clear();
  }

  private context(state: ConnectionState): FieldContext {
    return {
      state,
      host: { chooseFile: (title) => this.host.chooseFile(title) },
      edit: (edits: TaskEdit[]) => {
        if (edits.length > 0) void this.host.edit(edits);
      },
    };
  }

  override render(): TemplateResult {
    const { state } = this;
    if (!state) return html`<p class="hint" role="status">${t('Loading…')}</p>`;
    const context = this.context(state);
    return html`<main>
      <header>
        <h1>${state.isNew ? t('Add Connection') : t('Edit {0}', state.name)}</h1>
        <vscode-button
          appearance="secondary"
          ?disabled=${state.test.is === 'running'}
          @click=${() => void this.call(() => this.host.test())}
          >${t('Test')}</vscode-button
        >
        <vscode-button @click=${() => void this.call(() => this.host.save())}>${t('Save')}</vscode-button>
      </header>
      ${this.outcome(state)} ${state.isNew ? this.head(state) : nothing}
      ${state.side === 'source' ? this.source(state, context) : this.destination(state, context)}
    </main>`;
  }

  private outcome({ test }: ConnectionState): TemplateResult | typeof nothing {
    if (this.said)
      return html`<p
        class="outcome ${this.said.isError ? 'error' : ''}"
        role=${this.said.isError ? 'alert' : 'status'}
      >
        ${this.said.text}
      </p>`;
    switch (test.is) {
      case 'none':
        return nothing;
      case 'running':
        return html`<p class="outcome" role="status">${t('Connecting…')}</p>`;
      case 'connected':
        return html`<p class="outcome good" role="status">${icon('pass')}${test.text}</p>`;
      case 'failed': {
        const { code, message, remedy } = test.problem;
        return html`<div class="outcome banner" role="alert">
          ${errorCode(code)} ${message} ${remedy}
          ${
            test.advice.length === 0
              ? nothing
              : html`<ul>
                  ${test.advice.map(({ about, text }) => html`<li><span class="about">${about}:</span> ${text}</li>`)}
                </ul>`
          }
        </div>`;
      }
    }
  }

  /** What a new connection leads to, and its name. */
  private head(state: ConnectionState): TemplateResult {
    const problems = problemsAt(state, ['name']);
    return html`<div class="card pair wide-second">
      <div class="field">
        <div class="label">${t('Connect to')}</div>
        ${dropdown({
          label: t('Connect to'),
          value: state.side,
          options: [
            ['source', t('MySQL, the source of a task')],
            ['destination', t('Tablestore, the destination of a task')],
          ],
          change: (side) => {
            flushInputs();
            this.said = null;
            void this.host.side(side as Side);
          },
        })}
      </div>
      <div class="field" data-key="name">
        <rf-input
          .label=${t('Name, by which tasks use it')}
          .value=${state.name}
          .invalid=${problems.length > 0}
          @commit=${(event: Event) => void this.host.rename(committed(event))}
        ></rf-input>
        ${errors(problems)}
      </div>
    </div>`;
  }

  private imports(): TemplateResult {
    const from = (which: Parameters<ConnectionHost['importFrom']>[0], label: string) =>
      html`<vscode-button
        appearance="secondary"
        @click=${() =>
          void this.call(async () => {
            if (!(await this.host.importFrom(which))) return;
            this.clearSecrets();
            this.said = { text: t('Imported. Test the connection before you save it.'), isError: false };
          })}
        >${label}</vscode-button
      >`;
    return html`<div class="row import" role="group" aria-label=${t('Import from')}>
      <span>${t('Import from')}</span>
      ${from('url', t('URL…'))} ${from('myCnf', t('Option File (my.cnf)…'))}
      ${from('sqltools', t('SQLTools…'))}
    </div>`;
  }

  private source(state: ConnectionState, context: FieldContext): TemplateResult {
    const text = (key: string, label: string, placeholder = '') =>
      textControl(context, ['source', key], label, placeholder);
    const fields = new Map(sourceFields().map((field) => [field.path.at(-1), field]));
    const further = (...keys: string[]) =>
      keys.flatMap((key) => {
        const field = fields.get(key);
        return field ? [fieldControl(field, context)] : [];
      });
    const mode = String(effective(state.document, state.schema, ['source', 'ssl']));
    return html`${this.imports()}
      <div class="card">
        <h3>${t('Server')}</h3>
        <div class="pair">${text('host', t('Host'), '127.0.0.1')} ${text('port', t('Port'), '3306')}</div>
        <div class="pair wide-second">
          ${text('user', t('User'))} ${this.secret(state, 'source.password', t('Password'), true)}
        </div>
        <p class="hint">
          ${t('The user needs REPLICATION CLIENT, REPLICATION SLAVE and SELECT. The secret storage of this editor keeps the password.')}
        </p>
      </div>
      <div class="card">
        ${fieldControl(encryptionField(meaning(mode)), context)} ${further('caFile', 'certFile', 'keyFile')}
      </div>
      <details
        class="card"
        ?open=${furtherKeys.some((key) => isSet(valueAt(state.document, ['source', key])))}
      >
        <summary>${t('Without TLS, more addresses, server_id')}</summary>
        ${further(...furtherKeys)}
      </details>`;
  }

  private destination(state: ConnectionState, context: FieldContext): TemplateResult {
    return html`<div class="card">
        <h3>${t('Instance')}</h3>
        <rf-endpoint .context=${context}></rf-endpoint>
      </div>
      <div class="card">
        <h3>${t('Account')}</h3>
        <div class="pair wide-second">
          ${textControl(context, ['destination', 'accessKeyId'], t('AccessKey ID'), '')}
          ${this.secret(state, 'destination.accessKeySecret', t('AccessKey secret'))}
        </div>
        ${this.secret(state, 'destination.securityToken', t('STS token, for temporary credentials only'), true)}
        <p class="hint">
          ${t('Preferably of a dedicated RAM user. The secret storage of this editor keeps secret and token.')}
        </p>
      </div>`;
  }

  private secret(
    state: ConnectionState,
    key: ConnectionSecret,
    label: string,
    removable = false,
  ): TemplateResult {
    const problems = problemsAt(state, key.split('.'));
    return html`<div class="field" data-key=${key}>
      <rf-secret
        .label=${label}
        .state=${state.secrets[key] ?? 'none'}
        .invalid=${problems.length > 0}
        .removable=${removable}
        @commit=${(event: CustomEvent<string | null>) => void this.host.secret(key, event.detail)}
      ></rf-secret>
      ${errors(problems)}
    </div>`;
  }
}

const errors = (problems: readonly string[]): TemplateResult[] =>
  problems.map((problem) => html`<div class="help error" role="alert">${problem}</div>`);

const furtherKeys = ['serverPublicKeyFile', 'allowPublicKeyRetrieval', 'hosts', 'serverId'];

/** Of a saved connection everything stands there, its defaults too. */
function isSet(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null && value !== false;
}

/** What a mode of encryption promises. */
function meaning(mode: string): string {
  switch (mode) {
    case 'preferred':
      return t('Encrypted if the server offers TLS, except to this machine. Nobody checks who answers.');
    case 'disabled':
      return t('Nothing is encrypted. Only in a network that you trust.');
    case 'required':
      return t('Always encrypted, but nobody checks who answers.');
    case 'verify-ca':
      return t('Always encrypted, and the certificate of the server must come from your authority.');
    case 'verify-identity':
      return t(
        'Always encrypted, and the certificate must come from your authority and name this host: the safest.',
      );
    default:
      return '';
  }
}

customElements.define('rf-connection', Connection);
