import { html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import type { RenameRules } from '../../../src/shared/rename-rules.js';
import { keyName } from '../../../src/shared/key-name.js';
import { formatCount } from '../../../src/shared/format.js';
import { icon } from '../../components/icon.js';
import { committed } from '../../components/input.js';
import type { Rows } from '../../components/rows.js';
import { base } from '../../components/styles.js';
import { valueOf } from '../../components/toolkit.js';
import { locale, t } from '../../components/words.js';
import './batch-panel.js';
import type { Catalog } from '../form/catalog.js';
import { problemsAt, type FormContext } from '../form/context.js';
import {
  allTables,
  listTables,
  removeTables,
  selection,
  type SelectedDatabase,
  type SelectedTable,
} from '../form/document.js';
import '../form/rows.js';
import './source-tree.js';
import { form } from '../form/styles.js';
import type { TableDetails } from './table-details.js';
import './table-details.js';
import { sourceName } from '../../../src/shared/source-name.js';

type Row = { database: SelectedDatabase } | { table: SelectedTable };

/** Which databases and tables, under which names; the opened table with its rows and columns below. */
export class ObjectsSection extends LitElement {
  static override styles = [base, form];
  static override properties: PropertyDeclarations = {
    context: { attribute: false },
    catalog: { attribute: false },
    revision: { type: Number },
    search: { state: true },
    openTable: { state: true },
    batch: { state: true },
  };
  declare context: FormContext;
  declare catalog: Catalog;
  /** Goes up when the catalog learnt something. */
  declare revision: number;
  declare private search: string;
  declare private openTable: string | null;
  declare private batch: boolean;

  constructor() {
    super();
    this.search = '';
    this.openTable = null;
    this.batch = false;
  }

  override render(): TemplateResult {
    const { document } = this.context.state;
    const databases = selection(document);
    const tables = allTables(document);
    const opened = tables.find((table) => idOf(table) === this.openTable);
    return html`
      <div class="objects">
        <div class="card">
          <h3>${t('In the source')}</h3>
          <rf-source-tree
            .context=${this.context}
            .catalog=${this.catalog}
            .revision=${this.revision}
          ></rf-source-tree>
        </div>
        <div class="card">
          <div class="row nowrap title">
            <h3 class="grow">
              ${t('Selected')}
              <span class="badge"
                >${formatCount(tables.length + databases.filter((d) => d.whole).length, locale)}</span
              >
            </h3>
            ${
              tables.length > 8
                ? html`<vscode-text-field
                    class="search"
                    aria-label=${t('Search the selected tables')}
                    placeholder=${t('Search')}
                    .value=${this.search}
                    @input=${(event: Event) => (this.search = valueOf(event))}
                  ></vscode-text-field>`
                : nothing
            }
            <vscode-button
              appearance="secondary"
              ?disabled=${databases.length === 0}
              aria-expanded=${this.batch ? 'true' : 'false'}
              @click=${() => (this.batch = !this.batch)}
              >${t('Batch Edit')}</vscode-button
            >
          </div>
          ${this.selected(databases)}
          ${this.general().map((problem) => html`<div class="help error" role="alert">${problem}</div>`)}
        </div>
      </div>
      ${
        this.batch
          ? html`<rf-batch
              .context=${this.context}
              .catalog=${this.catalog}
              .revision=${this.revision}
              @close=${() => (this.batch = false)}
            ></rf-batch>`
          : nothing
      }
      ${
        opened
          ? html`<rf-table-details
              .context=${this.context}
              .catalog=${this.catalog}
              .revision=${this.revision}
              .table=${opened}
              @close=${() => {
                this.openTable = null;
                this.renderRoot.querySelector<Rows>('rf-rows')?.focusRow(idOf(opened));
              }}
            ></rf-table-details>`
          : nothing
      }
    `;
  }

  /** Opens the table at this key of the file. */
  open(key: string): void {
    const table = allTables(this.context.state.document).find(({ path }) => keyName(path) === key);
    if (!table) return;
    if (this.openTable === idOf(table)) this.reveal();
    else this.openTable = idOf(table);
  }

  /** What was opened is brought into view and gets the focus; what was closed gives it back to where it was opened. */
  override updated(changed: ReadonlyMap<PropertyKey, unknown>): void {
    if (changed.has('openTable') && this.openTable !== null) this.reveal();
  }

  private reveal(): void {
    const details = this.renderRoot.querySelector<TableDetails>('rf-table-details');
    void details?.updateComplete.then(() => {
      details.scrollIntoView({ block: 'start' });
      details.focus();
    });
  }

  /** Problems of the list as a whole and of its databases; those of a table stand at the table. */
  private general(): string[] {
    const { state } = this.context;
    return [...state.issues, ...state.problems]
      .filter(({ key }) => /^objects(\[\d+\](\.(database|exclude).*)?)?$/.test(key))
      .map(({ message }) => message)
      .slice(0, 3);
  }

  private selected(databases: readonly SelectedDatabase[]): TemplateResult {
    if (databases.length === 0)
      return html`<p class="hint empty">
        ${t('Nothing is selected yet. Select databases or tables on the left, or type their names.')}
      </p>`;
    const wanted = this.search.trim().toLowerCase();
    const rows = databases.flatMap((database): Row[] => [
      { database },
      ...database.tables
        .filter(({ name, rename }) => `${name} ${rename ?? ''}`.toLowerCase().includes(wanted))
        .map((table) => ({ table })),
    ]);
    return html`<rf-rows
      .count=${rows.length}
      .height=${36}
      .ruled=${true}
      .label=${t('Selected databases and tables')}
      .row=${(index: number) => {
        const row = rows[index]!;
        return 'database' in row ? this.database(row.database) : this.table(row.table);
      }}
    ></rf-rows>`;
  }

  private database(database: SelectedDatabase): TemplateResult {
    const { catalog, context } = this;
    const names = catalog.tablesOf(database.database)?.map(({ name }) => name);
    return html`${icon('database')}
      <strong class="whole-name">${database.database}</strong> ${ruled(database.renames)}
      ${
        database.whole
          ? html`<rf-input
                class="exclude"
                plain
                title=${t('whole database, including tables created later')}
                .name=${t('Tables of {0} to exclude', database.database)}
                .placeholder=${t('exclude: tmp_*, …')}
                .value=${database.exclude.join(', ')}
                @commit=${(event: Event) => this.exclude(database, committed(event))}
              ></rf-input
              ><vscode-button
                appearance="icon"
                aria-label=${t('Select Tables Individually')}
                title=${t('Select Tables Individually: to set names or filters per table')}
                @click=${() => void this.list(database, names)}
                >${icon('list')}</vscode-button
              >`
          : html`<span class="hint">${t('{0} tables', formatCount(database.tables.length, locale))}</span>`
      }
      ${this.removeButton(t('Remove {0}', database.database), () =>
        context.edit([{ path: [...database.path] }]),
      )}`;
  }

  private exclude(database: SelectedDatabase, typed: string): void {
    const patterns = typed
      .split(/[,\s]+/)
      .map((pattern) => pattern.trim())
      .filter((pattern) => pattern !== '');
    this.context.edit([
      { path: [...database.path, 'exclude'], ...(patterns.length === 0 ? {} : { value: patterns }) },
    ]);
  }

  /** Each table by name instead of the database as a whole; asks the source for the names when they are not known. */
  private async list(database: SelectedDatabase, names: readonly string[] | undefined): Promise<void> {
    if (!names) await this.catalog.loadTables(database.database);
    const found = names ?? this.catalog.tablesOf(database.database)?.map(({ name }) => name) ?? [];
    if (found.length > 0) this.context.edit(listTables(database, found));
  }

  private removeButton(label: string, remove: () => void): TemplateResult {
    return html`<button class="plain remove" aria-label=${label} title=${label} @click=${remove}>
      ${icon('close')}
    </button>`;
  }

  private table(table: SelectedTable): TemplateResult {
    const { context } = this;
    const id = idOf(table);
    const open = this.openTable === id;
    const columns = Object.keys(table.columns).length;
    const wrong = problemsAt(context.state, table.path);
    const notes = [
      table.filter ? t('filtered') : '',
      columns > 0 ? t('{0} columns changed', columns) : '',
    ].filter((note) => note !== '');
    return html`<span class="indent"></span>
      <button
        class="plain row nowrap grow"
        data-focus=${id}
        aria-expanded=${open ? 'true' : 'false'}
        aria-label=${t('Rows and columns of {0}', table.name)}
        @click=${() => (this.openTable = open ? null : id)}
      >
        ${icon(open ? 'open' : 'closed')} ${icon('table')}
        <span class="clip" title=${table.name}>${table.name}</span>
      </button>
      <span class="hint clip notes">${notes.join(', ')}</span>
      ${
        wrong.length === 0
          ? nothing
          : html`<span class="error mark" role="img" aria-label=${wrong.join(' ')} title=${wrong.join('\n')}
              >${icon('warning')}</span
            >`
      }
      <span class="hint mark">${icon('arrow')}</span>
      <rf-input
        class="rename"
        plain
        .name=${t('Name of {0} in Tablestore', table.name)}
        .placeholder=${table.ruled}
        .value=${table.rename ?? ''}
        .invalid=${problemsAt(context.state, [...table.path, 'rename']).length > 0}
        @commit=${(event: Event) => {
          const name = committed(event);
          context.edit([{ path: [...table.path, 'rename'], ...(name === '' ? {} : { value: name }) }]);
        }}
      ></rf-input>
      ${this.removeButton(t('Remove {0}', table.name), () =>
        context.edit(removeTables(context.state.document, [table.path])),
      )}`;
  }
}

const idOf = ({ database, name }: SelectedTable) => sourceName({ database, name });

/** `ods_…_v1`: how the rules name every table. */
function ruled({ prefix = '', suffix = '', replace = [] }: RenameRules): TemplateResult | typeof nothing {
  if (prefix + suffix === '' && replace.length === 0) return nothing;
  return html`<span class="hint clip" title=${t('Naming rules for all its tables: see Batch Edit')}
    >${icon('arrow')} ${prefix}…${suffix}</span
  >`;
}

customElements.define('rf-objects', ObjectsSection);
