import { html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import type { TaskEditorState } from '../../../src/shared/pages.js';
import type { PreviewRow, PreviewTable } from '../../../src/shared/catalog-api.js';
import { dropdown } from '../../components/dropdown.js';
import { messageOf } from '../../components/host.js';
import { committed } from '../../components/input.js';
import { base } from '../../components/styles.js';
import { t } from '../../components/words.js';
import type { Catalog } from '../form/catalog.js';
import type { FormContext } from '../form/context.js';
import { selection, valueAt } from '../form/document.js';
import type { Mark } from './script-editor.js';
import './script-editor.js';
import { form } from '../form/styles.js';
import { sourceName } from '../../../src/shared/source-name.js';

/** The transformation script, and ten rows before and after it. */
export class EtlSection extends LitElement {
  static override styles = [base, form];
  static override properties: PropertyDeclarations = {
    context: { attribute: false },
    catalog: { attribute: false },
    revision: { type: Number },
    table: { state: true },
    shown: { state: true },
    problem: { state: true },
    loading: { state: true },
  };
  declare context: FormContext;
  declare catalog: Catalog;
  declare revision: number;
  declare private table: string;
  declare private shown: { table: PreviewTable; script: string } | null;
  declare private problem: string | null;
  declare private loading: boolean;

  constructor() {
    super();
    this.table = '';
    this.shown = null;
    this.problem = null;
    this.loading = false;
  }

  override render(): TemplateResult {
    const { state, edit } = this.context;
    const script = valueAt(state.document, ['etl']);
    const text = typeof script === 'string' ? script : '';
    const { etlProblem } = state;
    const tables = this.tables();
    const chosen = tables.includes(this.table) ? this.table : (tables[0] ?? '');
    return html`<rf-script
        .name=${t('ETL script')}
        .value=${text}
        .placeholder=${'e_if(op_gt(`id`, 10000), e_drop())'}
        .marks=${etlProblem ? [etlProblem] : marksOf(state.problems)}
        .columns=${this.columns()}
        @commit=${(event: Event) => {
          const typed = committed(event);
          edit([{ path: ['etl'], ...(typed.trim() === '' ? {} : { value: typed }) }]);
        }}
      ></rf-script>
      <div class="help ${etlProblem ? 'error' : 'hint'}" role="status">
        ${
          etlProblem
            ? t('Line {0}, column {1}: {2}', ...place(text, etlProblem.at), etlProblem.message)
            : t(
                'One expression, with columns in backquotes and text in quotes. Press Ctrl+Space for suggestions. A row on which the script fails becomes dirty data.',
              )
        }
      </div>
      ${state.problems
        .filter(({ key, message }) => key === 'etl' && message !== etlProblem?.message)
        .map(
          ({ message, severity }) =>
            html`<div class="help ${severity}" role=${severity === 'error' ? 'alert' : nothing}>
              ${message}
            </div>`,
        )}
      <div class="row tools">
        ${
          tables.length === 0
            ? nothing
            : dropdown({
                label: t('Table to preview'),
                value: chosen,
                options: tables.slice(0, 200).map((name) => [name, name]),
                change: (name) => (this.table = name),
              })
        }
        <vscode-button
          appearance="secondary"
          ?disabled=${this.loading || chosen === '' || etlProblem !== null || state.issues.length > 0}
          @click=${() => void this.preview(chosen, text)}
          >${this.loading ? t('Loading…') : t('Preview ten rows')}</vscode-button
        >
        ${
          tables.length === 0
            ? html`<span class="hint">${t('Show the tables of the source to preview one.')}</span>`
            : nothing
        }
        ${
          this.shown && this.shown.script !== text
            ? html`<span class="hint">${t('The script has changed since this preview.')}</span>`
            : nothing
        }
      </div>
      ${this.problem === null ? nothing : html`<p class="error" role="alert">${this.problem}</p>`}
      ${this.shown ? beforeAndAfter(this.shown.table) : nothing}`;
  }

  /** Selected tables by name, those of whole databases where the source was looked at. */
  private tables(): string[] {
    return selection(this.context.state.document).flatMap(({ database, whole, tables }) =>
      (whole ? (this.catalog.tablesOf(database) ?? []) : tables).map(({ name }) =>
        sourceName({ database, name }),
      ),
    );
  }

  private columns(): { name: string; type: string }[] {
    const columns = new Map<string, string>();
    for (const { database, whole, tables } of selection(this.context.state.document)) {
      const known = whole
        ? (this.catalog.tablesOf(database) ?? [])
        : tables.flatMap(({ name }) => this.catalog.table(database, name) ?? []);
      for (const table of known) for (const { name, type } of table.columns) columns.set(name, type);
    }
    return [...columns].map(([name, type]) => ({ name, type }));
  }

  private async preview(table: string, script: string): Promise<void> {
    this.loading = true;
    this.problem = null;
    try {
      const [found] = await this.context.host.preview({ table, rows: 10, before: true });
      this.shown = found ? { table: found, script } : null;
    } catch (error) {
      this.problem = messageOf(error);
    }
    this.loading = false;
  }
}

/** Words of the script that something is said of. */
function marksOf(problems: TaskEditorState['problems']): Mark[] {
  return problems.flatMap(({ key, message, within }) =>
    key === 'etl' && within ? [{ ...within, message }] : [],
  );
}

/** Line and column, from 1, of an offset. */
function place(text: string, at: number): [number, number] {
  const before = text.slice(0, at);
  return [before.split('\n').length, at - before.lastIndexOf('\n')];
}

/** Each column's value and, where it became another one, what it was; new columns at the end. */
function beforeAndAfter(table: PreviewTable): TemplateResult {
  const names = table.sourceColumns ?? [];
  const added = table.columns.filter(({ source }) => source === '');
  const after = new Map(table.columns.map((column, index) => [column.source, { column, index }]));
  if (table.rows.length === 0) return html`<p class="hint">${t('No row passes the filter.')}</p>`;
  return html`<div class="preview" tabindex="0" role="region" aria-label=${t('Rows before and after')}>
    <table>
      <thead>
        <tr>
          <th></th>
          ${names.map((name) => html`<th>${name}</th>`)}
          ${added.map(({ name }) => html`<th>${name} <span class="hint">${t('added')}</span></th>`)}
        </tr>
      </thead>
      <tbody>
        ${table.rows.map((row) => pair(row, names, added.length, after, table))}
      </tbody>
    </table>
  </div>`;
}

function pair(
  row: PreviewRow,
  names: readonly string[],
  added: number,
  after: ReadonlyMap<string, { index: number }>,
  table: PreviewTable,
): TemplateResult {
  const before = row.before ?? [];
  const width = names.length + added;
  const cell = (value: string | null, changed: boolean) =>
    value === null
      ? html`<td class="hint ${changed ? 'differs' : ''}">NULL</td>`
      : html`<td class="mono ${changed ? 'differs' : ''}" title=${value}>${value}</td>`;
  const last = table.columns.length - added;
  return html`<tr class="before">
      <th scope="row" class="hint">${t('before')}</th>
      ${before.map((value) => cell(value, false))} ${Array.from({ length: added }, () => html`<td></td>`)}
    </tr>
    <tr>
      <th scope="row" class="hint">${t('after')}</th>
      ${
        row.dropped
          ? html`<td class="warning" colspan=${width}>${t('dropped, not written')}</td>`
          : row.problem
            ? html`<td class="error" colspan=${width}>${row.problem.message} ${row.problem.remedy}</td>`
            : html`${names.map((name, index) => {
                const to = after.get(name);
                if (!to) return html`<td class="hint">${t('left out')}</td>`;
                const value = row.cells[to.index] ?? null;
                return cell(value, value !== before[index]);
              })}
              ${Array.from({ length: added }, (_, index) => cell(row.cells[last + index] ?? null, true))}`
      }
    </tr>`;
}

customElements.define('rf-etl', EtlSection);
