import { html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { live } from 'lit/directives/live.js';
import { formatCount, formatShort } from '../../src/shared/format.js';
import { cellTypes } from '../../src/shared/cell-types.js';
import type { CatalogTable } from '../../src/shared/workbench-api.js';
import { icon } from '../components/icon.js';
import { base } from '../components/styles.js';
import { valueOf, checkedOf } from '../components/toolkit.js';
import { locale, t } from '../components/words.js';
import { messageOf } from '../components/host.js';
import { noRule, previewRename, renameEdits, type RenameRule } from './batch-rename.js';
import { problemsAt, type FormContext } from './context.js';
import {
  addDatabase,
  addTables,
  allTables,
  listTables,
  removeTables,
  selection,
  type SelectedDatabase,
  type SelectedTable,
} from './document.js';
import type { Catalog } from './catalog.js';
import { form } from './styles.js';

/** Which databases and tables, under which names, with which rows and columns. */
export class ObjectsSection extends LitElement {
  static override styles = [base, form];
  static override properties: PropertyDeclarations = {
    context: { attribute: false },
    catalog: { attribute: false },
    revision: { type: Number },
    search: { state: true },
    open: { state: true },
    openTable: { state: true },
    batch: { state: true },
    counts: { state: true },
    typed: { state: true },
  };
  declare context: FormContext;
  declare catalog: Catalog;
  /** Goes up when the catalog learnt something. */
  declare revision: number;
  declare private search: string;
  declare private open: ReadonlySet<string>;
  declare private openTable: string | null;
  declare private batch: RenameRule | null;
  declare private counts: ReadonlyMap<string, string>;
  declare private typed: string;

  constructor() {
    super();
    this.search = '';
    this.open = new Set();
    this.openTable = null;
    this.batch = null;
    this.counts = new Map();
    this.typed = '';
  }

  override render(): TemplateResult {
    const databases = selection(this.context.state.document);
    const tables = allTables(this.context.state.document);
    return html`
      <div class="objects">
        <div class="card">
          <h3>${t('In the source')}</h3>
          ${this.sourcePane(databases)}
        </div>
        <div class="card">
          <div class="row">
            <h3 class="grow">${t('Selected')} <span class="badge">${this.selectedCount(databases)}</span></h3>
            <vscode-button
              appearance="secondary"
              ?disabled=${tables.length === 0}
              @click=${() => (this.batch = this.batch ? null : noRule)}
              >${t('Batch Edit')}</vscode-button
            >
          </div>
          ${this.batch ? this.batchPanel(tables, this.batch) : nothing}
          <div class="pane">
            ${
              databases.length === 0
                ? html`<p class="hint">${t('Nothing is selected yet.')}</p>`
                : repeat(
                    databases,
                    (d) => d.path.join('/'),
                    (d) => this.selectedDatabase(d),
                  )
            }
          </div>
          ${problemsAt(this.context.state, ['objects'])
            .slice(0, 3)
            .map((problem) => html`<div class="help error" role="alert">${problem}</div>`)}
        </div>
      </div>
    `;
  }

  private selectedCount(databases: readonly SelectedDatabase[]): string {
    const tables = databases.reduce((sum, d) => sum + d.tables.length, 0);
    const whole = databases.filter((d) => d.whole).length;
    return formatCount(tables + whole, locale);
  }

  /** The tree of the source once it was asked for; until then, and without an engine, names can be typed. */
  private sourcePane(selected: readonly SelectedDatabase[]): TemplateResult {
    const { catalog } = this;
    const found = catalog.databases;
    return html`
      <div class="row nowrap">
        <vscode-text-field
          class="grow"
          aria-label=${t('Search, or type database.table')}
          placeholder=${t('Search, or type database.table')}
          .value=${live(this.typed)}
          @input=${(event: Event) => {
            this.typed = valueOf(event);
            this.search = this.typed.trim().toLowerCase();
          }}
          @keydown=${(event: KeyboardEvent) => {
            if (event.key === 'Enter') this.addTyped();
          }}
        ></vscode-text-field>
        <vscode-button
          appearance="icon"
          aria-label=${t('Add what is typed')}
          title=${t('Add what is typed')}
          @click=${() => this.addTyped()}
          >${icon('add')}</vscode-button
        >
      </div>
      ${catalog.problem === null ? nothing : html`<p class="error" role="alert">${catalog.problem}</p>`}
      ${
        found
          ? html`<div class="pane">
              <ul class="source-list">
                ${repeat(
                  found.filter((name) => this.shows(name)),
                  (name) => name,
                  (name) => this.sourceDatabase(name, selected),
                )}
              </ul>
            </div>`
          : html`<p>
              <vscode-button
                appearance="secondary"
                ?disabled=${catalog.loading}
                @click=${() => void catalog.load()}
                >${catalog.loading ? t('Connecting…') : t('Show the tables of the source')}</vscode-button
              >
            </p>`
      }
    `;
  }

  private shows(database: string): boolean {
    if (this.search === '' || database.toLowerCase().includes(this.search)) return true;
    const tables = this.catalog.tablesOf(database);
    return (
      tables === undefined ||
      tables.some((table) => `${database}.${table.name}`.toLowerCase().includes(this.search))
    );
  }

  private sourceDatabase(name: string, selected: readonly SelectedDatabase[]): TemplateResult {
    const { document } = this.context.state;
    const choice = selected.find((d) => d.database === name);
    const tables = this.catalog.tablesOf(name);
    const open = this.open.has(name);
    const toggle = () => {
      const next = new Set(this.open);
      if (!next.delete(name)) next.add(name);
      this.open = next;
      if (!open) void this.catalog.loadTables(name);
    };
    return html`<li>
      <div class="row">
        <button class="plain row grow" aria-expanded=${open ? 'true' : 'false'} @click=${toggle}>
          ${icon(open ? 'open' : 'closed')} ${icon('database')} <span class="clip">${name}</span>
        </button>
        <vscode-button
          appearance="secondary"
          ?disabled=${choice?.whole === true}
          @click=${() => this.context.edit(addDatabase(document, name))}
          >${choice?.whole === true ? t('Selected whole') : t('Select whole')}</vscode-button
        >
      </div>
      ${
        open
          ? html`<ul class="source-list">
              ${
                tables === undefined
                  ? html`<li class="hint">${t('Loading…')}</li>`
                  : repeat(
                      tables.filter(
                        (table) =>
                          this.search === '' ||
                          `${name}.${table.name}`.toLowerCase().includes(this.search) ||
                          name.toLowerCase().includes(this.search),
                      ),
                      (table) => table.name,
                      (table) => this.sourceTable(table, choice),
                    )
              }
            </ul>`
          : nothing
      }
    </li>`;
  }

  private sourceTable(table: CatalogTable, choice: SelectedDatabase | undefined): TemplateResult {
    const { document } = this.context.state;
    const chosen = choice?.tables.find(({ name }) => name === table.name);
    return html`<li class="row">
      <vscode-checkbox
        class="grow"
        .checked=${live(choice?.whole === true || chosen !== undefined)}
        ?disabled=${choice?.whole === true}
        @change=${(event: Event) =>
          this.context.edit(
            checkedOf(event)
              ? addTables(document, table.database, [table.name])
              : chosen
                ? removeTables(document, [chosen.path])
                : [],
          )}
        ><span class="clip">${table.name}</span></vscode-checkbox
      >
      <span class="hint">${t('~{0} rows', formatShort(table.estimatedRows, locale))}</span>
    </li>`;
  }

  private addTyped(): void {
    const [database, table] = this.typed.trim().split('.', 2);
    if (!database) return;
    const { document } = this.context.state;
    this.context.edit(table ? addTables(document, database, [table]) : addDatabase(document, database));
    this.typed = '';
    this.search = '';
  }

  private selectedDatabase(database: SelectedDatabase): TemplateResult {
    const { catalog, context } = this;
    const names = catalog.tablesOf(database.database)?.map(({ name }) => name);
    return html`
      <div class="selected">
        <div class="row">
          ${icon('database')} <strong class="grow clip">${database.database}</strong>
          ${
            database.whole
              ? html`<span class="hint">${t('whole database, tables created later included')}</span> ${
                    names
                      ? html`<vscode-button
                          appearance="secondary"
                          title=${t('Renaming and filters need the tables one by one.')}
                          @click=${() => context.edit(listTables(database, names))}
                          >${t('List its tables')}</vscode-button
                        >`
                      : nothing
                  }`
              : nothing
          }
          ${this.removeButton(t('Remove {0}', database.database), () =>
            context.edit([{ path: [...database.path] }]),
          )}
        </div>
      </div>
      ${repeat(
        database.tables,
        (table) => table.path.join('/'),
        (table) => this.selectedTable(table),
      )}
    `;
  }

  private removeButton(label: string, remove: () => void): TemplateResult {
    return html`<vscode-button appearance="icon" aria-label=${label} title=${label} @click=${remove}
      >${icon('close')}</vscode-button
    >`;
  }

  private selectedTable(table: SelectedTable): TemplateResult {
    const { context } = this;
    const { document } = context.state;
    const id = `${table.database}.${table.name}`;
    const open = this.openTable === id;
    const columns = Object.keys(table.columns).length;
    const notes = [
      table.filter ? t('filtered') : '',
      columns > 0 ? t('{0} columns changed', columns) : '',
    ].filter((note) => note !== '');
    return html`<div class="selected">
      <div class="row">
        <button
          class="plain row grow"
          aria-expanded=${open ? 'true' : 'false'}
          @click=${() => (this.openTable = open ? null : id)}
        >
          ${icon(open ? 'open' : 'closed')} ${icon('table')} <span class="clip">${table.name}</span>
          <span class="hint">${notes.join(', ')}</span>
        </button>
        ${icon('arrow')}
        <vscode-text-field
          aria-label=${t('Name of {0} in Tablestore', table.name)}
          placeholder=${table.name}
          .value=${live(table.rename ?? '')}
          @change=${(event: Event) => {
            const name = valueOf(event).trim();
            context.edit([{ path: [...table.path, 'rename'], ...(name === '' ? {} : { value: name }) }]);
          }}
        ></vscode-text-field>
        ${this.removeButton(t('Remove {0}', table.name), () =>
          context.edit(removeTables(document, [table.path])),
        )}
      </div>
      ${open ? this.tableDetails(table, id) : nothing}
    </div>`;
  }

  private tableDetails(table: SelectedTable, id: string): TemplateResult {
    const { context, catalog } = this;
    const known = catalog.table(table.database, table.name);
    const count = this.counts.get(id);
    return html`<div class="details">
      <div class="field">
        <vscode-text-field
          class="wide"
          placeholder="status <> 'test'"
          .value=${live(table.filter ?? '')}
          @change=${(event: Event) => {
            const filter = valueOf(event).trim();
            context.edit([{ path: [...table.path, 'filter'], ...(filter === '' ? {} : { value: filter }) }]);
          }}
          >${t('Filter: only rows that meet this SQL condition')}</vscode-text-field
        >
        <div class="row help">
          ${
            catalog.canCount
              ? html`<vscode-button appearance="secondary" @click=${() => void this.count(table, id)}
                  >${t('Count matching rows')}</vscode-button
                >`
              : nothing
          }
          <span role="status">${count ?? ''}</span>
        </div>
        ${problemsAt(context.state, [...table.path, 'filter']).map((problem) => html`<div class="help error">${problem}</div>`)}
      </div>
      ${this.columnGrid(table, known)}
    </div>`;
  }

  private async count(table: SelectedTable, id: string): Promise<void> {
    const say = (text: string) => (this.counts = new Map(this.counts).set(id, text));
    say(t('Counting…'));
    try {
      const rows = await this.context.host.countRows({
        database: table.database,
        name: table.name,
        filter: table.filter ?? '',
      });
      say(t('{0} rows', formatCount(rows, locale)));
    } catch (error) {
      say(messageOf(error));
    }
  }

  private columnGrid(table: SelectedTable, known: CatalogTable | undefined): TemplateResult {
    const names = known?.columns.map(({ name }) => name) ?? Object.keys(table.columns);
    if (names.length === 0) {
      return html`<p class="hint">
        ${t('Show the tables of the source to rename, retype or leave out columns.')}
      </p>`;
    }
    const set = (column: string, key: string, value: string | boolean | undefined) => {
      const { [key as 'rename']: _, ...rest } = table.columns[column] ?? {};
      const next = value === undefined ? rest : { ...rest, [key]: value };
      this.context.edit([
        {
          path: [...table.path, 'columns', column],
          ...(Object.keys(next).length === 0 ? {} : { value: next }),
        },
      ]);
    };
    return html`<table>
      <thead>
        <tr>
          <th>${t('Column')}</th>
          <th>${t('Name in Tablestore')}</th>
          <th>${t('Type in Tablestore')}</th>
          <th>${t('Leave out')}</th>
        </tr>
      </thead>
      <tbody>
        ${names.map((name) => {
          const choice = table.columns[name] ?? {};
          const column = known?.columns.find((c) => c.name === name);
          return html`<tr>
            <td>${name} <span class="hint">${column?.type ?? ''}</span></td>
            <td>
              <vscode-text-field
                aria-label=${t('Name of {0} in Tablestore', name)}
                placeholder=${name}
                .value=${live(choice.rename ?? '')}
                @change=${(event: Event) => set(name, 'rename', valueOf(event).trim() || undefined)}
              ></vscode-text-field>
            </td>
            <td>
              <vscode-dropdown
                aria-label=${t('Type of {0} in Tablestore', name)}
                @change=${(event: Event) => set(name, 'type', valueOf(event) || undefined)}
              >
                <vscode-option value="" ?selected=${choice.type === undefined}
                  >${column ? t('Default: {0}', column.cellType) : t('Default')}</vscode-option
                >
                ${cellTypes.map(
                  (type) =>
                    html`<vscode-option value=${type} ?selected=${choice.type === type}
                      >${type}</vscode-option
                    >`,
                )}
              </vscode-dropdown>
            </td>
            <td>
              <vscode-checkbox
                aria-label=${t('Leave out {0}', name)}
                .checked=${live(choice.exclude === true)}
                @change=${(event: Event) => set(name, 'exclude', checkedOf(event) || undefined)}
              ></vscode-checkbox>
            </td>
          </tr>`;
        })}
      </tbody>
    </table>`;
  }

  /** One rule for the names of all selected tables, with what it would give, before it is applied. */
  private batchPanel(tables: readonly SelectedTable[], rule: RenameRule): TemplateResult {
    const previews = previewRename(tables, rule);
    const wrong = previews.filter(({ problem }) => problem !== null);
    const edits = renameEdits(previews);
    const part = (key: 'prefix' | 'suffix' | 'find' | 'replace', label: string) =>
      html`<vscode-text-field
        .value=${rule[key]}
        @input=${(event: Event) => (this.batch = { ...rule, [key]: valueOf(event) })}
        >${label}</vscode-text-field
      >`;
    return html`<div class="details" role="group" aria-label=${t('Batch Edit')}>
      <div class="row">
        ${part('prefix', t('Prefix'))} ${part('suffix', t('Suffix'))} ${part('find', t('Replace'))}
        ${part('replace', t('by'))}
        <vscode-dropdown
          aria-label=${t('Letters')}
          @change=${(event: Event) => (this.batch = { ...rule, letters: valueOf(event) as RenameRule['letters'] })}
        >
          <vscode-option value="keep">${t('Keep the case')}</vscode-option>
          <vscode-option value="lower">${t('Lower case')}</vscode-option>
          <vscode-option value="upper">${t('Upper case')}</vscode-option>
        </vscode-dropdown>
      </div>
      <div class="preview">
        <table>
          <tbody>
            ${previews.slice(0, 200).map(
              ({ table, name, problem }) =>
                html`<tr>
                  <td>${table.database}.${table.name}</td>
                  <td>${name}</td>
                  <td class="error">
                    ${problem === 'taken' ? t('two tables of this name') : problem === 'illegal' ? t('not allowed in Tablestore') : ''}
                  </td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
      <div class="row">
        <vscode-button
          ?disabled=${edits.length === 0 || wrong.length > 0}
          @click=${() => {
            this.context.edit(edits);
            this.batch = null;
          }}
          >${t('Rename {0} tables', edits.length)}</vscode-button
        >
        <vscode-button appearance="secondary" @click=${() => (this.batch = null)}
          >${t('Cancel')}</vscode-button
        >
      </div>
    </div>`;
  }
}

customElements.define('rf-objects', ObjectsSection);
