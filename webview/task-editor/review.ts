import { html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import { formatCount } from '../../src/shared/format.js';
import type { PreviewTable } from '../../src/shared/catalog-api.js';
import type { TaskEditorState } from '../../src/shared/pages.js';
import { fixEdits } from '../../src/shared/task-fix.js';
import { dropdown } from '../components/dropdown.js';
import { messageOf } from '../components/host.js';
import { base } from '../components/styles.js';
import { fixButtons } from '../components/task-fixes.js';
import { locale, t } from '../components/words.js';
import type { FormContext } from './form/context.js';
import { effective, selection } from './form/document.js';
import './form/rows.js';
import { form } from './form/styles.js';
import { placeOf } from './problem-places.js';

/** What the task will do; the tables it will make; the first rows as they would land; and the way to go on. */
export class ReviewSection extends LitElement {
  static override styles = [base, form];
  static override properties: PropertyDeclarations = {
    context: { attribute: false },
    plan: { state: true },
    rows: { state: true },
    chosen: { state: true },
    problem: { state: true },
    loading: { state: true },
  };
  declare context: FormContext;
  /** Tables as they would be made, for the document that they were asked for. */
  declare private plan: { tables: PreviewTable[]; document: string } | null;
  declare private rows: PreviewTable | null;
  declare private chosen: string;
  declare private problem: string | null;
  declare private loading: boolean;

  constructor() {
    super();
    this.plan = null;
    this.rows = null;
    this.chosen = '';
    this.problem = null;
    this.loading = false;
  }

  override render(): TemplateResult {
    const { state } = this.context;
    const valid = state.issues.length === 0;
    const { look } = state;
    const problems: TaskEditorState['problems'] = [
      ...state.issues.map((issue) => ({ ...issue, severity: 'error' as const })),
      ...state.problems,
    ];
    return html`
      <ul class="summary">
        ${summary(state.document, (path) => effective(state.document, state.schema, path)).map((line) => html`<li>${line}</li>`)}
      </ul>
      ${
        problems.length === 0
          ? nothing
          : html`<div class="banner" role="alert">
              ${problems.slice(0, 20).map(
                ({ line, key, message, fixes = [] }) =>
                  html`<div>
                    <vscode-link
                      href="#"
                      title=${t('Line {0}', line)}
                      @click=${(event: Event) => {
                        event.preventDefault();
                        this.context.show(key);
                      }}
                      >${placeOf(key, state.document).label}</vscode-link
                    >
                    ${message}
                    ${fixButtons(fixes, (fix) => this.context.edit(fixEdits(state.document, fix)), state.document)}
                  </div>`,
              )}
              ${problems.length > 20 ? html`<div>${t('and {0} more', problems.length - 20)}</div>` : nothing}
            </div>`
      }
      <p class="row">
        <vscode-button appearance="secondary" ?disabled=${!valid} @click=${() => this.context.run('check')}
          >${t('Save and Precheck')}</vscode-button
        >
        <vscode-button
          appearance="secondary"
          ?disabled=${!look.canStart}
          @click=${() => this.context.run('start')}
          >${t('Start')}</vscode-button
        >
        <vscode-button
          appearance="secondary"
          ?disabled=${!valid || this.loading}
          @click=${() => void this.show()}
          >${this.loading ? t('Loading…') : t('Preview')}</vscode-button
        >
        <vscode-button appearance="secondary" @click=${() => this.context.run('copyCommand')}
          >${t('Copy CLI command')}</vscode-button
        >
        <vscode-button appearance="secondary" @click=${() => this.context.run('openText')}
          >${t('Open as JSON')}</vscode-button
        >
      </p>
      ${this.problem === null ? nothing : html`<p class="error" role="alert">${this.problem}</p>`}
      ${this.plan ? this.tables(this.plan) : nothing}
    `;
  }

  private async show(): Promise<void> {
    this.loading = true;
    this.problem = null;
    const document = JSON.stringify(this.context.state.document);
    try {
      const tables = await this.context.host.preview({ table: null, rows: 0, before: false });
      this.plan = { tables, document };
      const chosen = tables.find(({ source }) => source === this.chosen) ?? tables[0];
      if (chosen) await this.first(chosen.source);
    } catch (error) {
      this.problem = messageOf(error);
    }
    this.loading = false;
  }

  private async first(source: string): Promise<void> {
    this.chosen = source;
    this.rows = null;
    this.problem = null;
    try {
      const [found] = await this.context.host.preview({ table: source, rows: 10, before: false });
      if (this.chosen === source) this.rows = found ?? null;
    } catch (error) {
      this.problem = messageOf(error);
    }
  }

  private tables({ tables, document }: { tables: PreviewTable[]; document: string }): TemplateResult {
    const old = document !== JSON.stringify(this.context.state.document);
    return html`<h3>
        ${t('What will be created')}
        <span class="badge">${formatCount(tables.length, locale)}</span>
        ${old ? html`<span class="hint">${t('The task has changed since this preview.')}</span>` : nothing}
      </h3>
      <div class="plan head" aria-hidden="true">
        <span>${t('Table')}</span><span>${t('Table in Tablestore')}</span><span>${t('Primary key')}</span
        ><span>${t('Columns')}</span>
      </div>
      <rf-rows
        .count=${tables.length}
        .height=${28}
        .kind=${'table'}
        .ruled=${true}
        .label=${t('What will be created')}
        .row=${(index: number) => planRow(tables[index]!)}
      ></rf-rows>
      <div class="row tools">
        <h3>${t('First rows as they would be written')}</h3>
        ${dropdown({
          label: t('Table to preview'),
          value: this.chosen,
          options: tables.slice(0, 200).map(({ source }) => [source, source]),
          change: (source) => void this.first(source),
        })}
      </div>
      ${this.rows ? previewTable(this.rows) : html`<p class="hint" role="status">${this.problem === null ? t('Loading…') : ''}</p>`}`;
  }
}

function planRow(table: PreviewTable): TemplateResult {
  const keys = table.columns.filter(({ key }) => key);
  return html`<div class="plan">
    <span role="cell" class="clip" title=${table.source}>${table.source}</span>
    <span role="cell" class="clip" title=${table.destination}>${table.destination}</span>
    <span role="cell" class="clip">${keys.map(({ name, type }) => `${name} ${type}`).join(', ')}</span>
    <span role="cell" class="number">${formatCount(table.columns.length - keys.length, locale)}</span>
  </div>`;
}

function previewTable(table: PreviewTable): TemplateResult {
  if (table.rows.length === 0)
    return html`<p class="hint">${t('The table has no rows, or no row passes the filter.')}</p>`;
  return html`<div
    class="preview"
    tabindex="0"
    role="region"
    aria-label=${t('First rows as they would be written')}
  >
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
                ${table.columns.map((_, index) => {
                  const cell = row.cells[index] ?? null;
                  return cell === null
                    ? html`<td class="hint">NULL</td>`
                    : html`<td class="mono" title=${cell}>${cell}</td>`;
                })}
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
  if (value(['synchronization', 'schema']) !== false) lines.push(t('Creates missing tables in Tablestore.'));
  if (value(['synchronization', 'full']) !== false)
    lines.push(
      value(['conflict']) === 'ignore'
        ? t('Loads the existing rows; rows already in Tablestore stay.')
        : t('Loads the existing rows.'),
    );
  if (value(['synchronization', 'incremental']) !== false)
    lines.push(t('Then replicates every change until you stop the task.'));
  const policy = value(['dirtyData']);
  const skips = policy === 'skip' || (policy as { policy?: unknown } | null)?.policy === 'skip';
  lines.push(
    skips
      ? t('Rows that cannot be written are recorded, and the task continues.')
      : t('Rows that cannot be written are recorded, and the task stops until you decide.'),
  );
  return lines;
}

customElements.define('rf-review', ReviewSection);
