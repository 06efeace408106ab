import { html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import type { PreviewTable } from '../../src/shared/workbench-api.js';
import { messageOf } from '../components/host.js';
import { base } from '../components/styles.js';
import { t } from '../components/words.js';
import type { FormContext } from './context.js';
import { effective, selection } from './document.js';
import { form } from './styles.js';

/** What the task will do, in a few lines; the first rows as they would land; and the way to go on. */
export class ReviewSection extends LitElement {
  static override styles = [base, form];
  static override properties: PropertyDeclarations = {
    context: { attribute: false },
    tables: { state: true },
    problem: { state: true },
    loading: { state: true },
  };
  declare context: FormContext;
  declare private tables: PreviewTable[] | null;
  declare private problem: string | null;
  declare private loading: boolean;

  constructor() {
    super();
    this.tables = null;
    this.problem = null;
    this.loading = false;
  }

  override render(): TemplateResult {
    const { state, host } = this.context;
    const valid = state.issues.length === 0;
    return html`
      <ul>
        ${summary(state.document, (path) => effective(state.document, state.schema, path)).map((line) => html`<li>${line}</li>`)}
      </ul>
      ${
        valid
          ? nothing
          : html`<div class="banner" role="alert">
              ${state.issues.map(
                ({ line, key, message }) => html`<div>${t('Line {0}', line)}: ${key} ${message}</div>`,
              )}
            </div>`
      }
      <p class="row">
        <vscode-button ?disabled=${!valid} @click=${() => void host.run('check')}
          >${t('Save and Precheck')}</vscode-button
        >
        <vscode-button
          appearance="secondary"
          ?disabled=${!valid || this.loading}
          @click=${() => void this.preview()}
          >${this.loading ? t('Loading…') : t('Preview rows')}</vscode-button
        >
        <vscode-button appearance="secondary" @click=${() => void host.run('copyCommand')}
          >${t('Copy CLI command')}</vscode-button
        >
        <vscode-button appearance="secondary" @click=${() => void host.run('openText')}
          >${t('Open as JSON')}</vscode-button
        >
      </p>
      ${this.problem === null ? nothing : html`<p class="error" role="alert">${this.problem}</p>`}
      ${(this.tables ?? []).map(previewTable)}
    `;
  }

  private async preview(): Promise<void> {
    this.loading = true;
    this.problem = null;
    try {
      this.tables = await this.context.host.preview(null);
    } catch (error) {
      this.problem = messageOf(error);
    }
    this.loading = false;
  }
}

function previewTable(table: PreviewTable): TemplateResult {
  return html`<h3>${table.source} → ${table.destination}</h3>
    <div class="preview">
      <table>
        <thead>
          <tr>
            ${table.columns.map(
              (column) =>
                html`<th>
                  ${column.name} <span class="hint">${column.type}${column.key ? ` ${t('key')}` : ''}</span>
                </th>`,
            )}
          </tr>
        </thead>
        <tbody>
          ${table.rows.map(
            (row) =>
              html`<tr>
                  ${row.cells.map((cell) =>
                    cell === null ? html`<td class="hint">NULL</td>` : html`<td class="mono">${cell}</td>`,
                  )}
                </tr>
                ${
                  row.problem
                    ? html`<tr>
                        <td class="error" colspan=${table.columns.length}>
                          ${row.problem.message} ${row.problem.remedy}
                        </td>
                      </tr>`
                    : nothing
                }`,
          )}
        </tbody>
      </table>
    </div>`;
}

/** What happens, phase by phase. */
export function summary(document: unknown, value: (path: string[]) => unknown): string[] {
  const databases = selection(document);
  const tables = databases.reduce((sum, d) => sum + d.tables.length, 0);
  const whole = databases.filter((d) => d.whole).map((d) => d.database);
  const what = [
    tables > 0 ? t('{0} tables', tables) : '',
    whole.length > 0 ? t('every table of {0}', whole.join(', ')) : '',
  ].filter((part) => part !== '');
  const lines = [t('Selected: {0}', what.join(', ') || t('nothing yet'))];
  if (value(['synchronization', 'schema']) !== false)
    lines.push(t('Creates the tables that are missing in Tablestore.'));
  if (value(['synchronization', 'full']) !== false) lines.push(t('Loads the rows that exist.'));
  if (value(['synchronization', 'incremental']) !== false)
    lines.push(t('Then follows every change until you stop it.'));
  return lines;
}

customElements.define('rf-review', ReviewSection);
