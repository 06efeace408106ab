import { html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import { cellTypes } from '../../../src/shared/cell-types.js';
import { formatCount } from '../../../src/shared/format.js';
import type { CatalogTable } from '../../../src/shared/catalog-api.js';
import { select } from '../../components/dropdown.js';
import { messageOf } from '../../components/host.js';
import { icon } from '../../components/icon.js';
import { committed } from '../../components/input.js';
import { base } from '../../components/styles.js';
import { valueOf } from '../../components/toolkit.js';
import { locale, t } from '../../components/words.js';
import type { Catalog } from '../form/catalog.js';
import { problemsAt, type FormContext } from '../form/context.js';
import type { ColumnChoice, SelectedTable } from '../form/document.js';
import '../form/rows.js';
import { form } from '../form/styles.js';
import { sourceName } from '../../../src/shared/source-name.js';

const temporal = new Set(['date', 'datetime', 'timestamp', 'time', 'year']);

/** One selected table: which of its rows and columns, under which names and types. */
export class TableDetails extends LitElement {
  static override styles = [base, form];
  static override properties: PropertyDeclarations = {
    context: { attribute: false },
    catalog: { attribute: false },
    table: { attribute: false },
    revision: { type: Number },
    found: { state: true },
    search: { state: true },
  };
  declare context: FormContext;
  declare catalog: Catalog;
  declare table: SelectedTable;
  declare revision: number;
  /** What counting said, for the filter that was counted. */
  declare private found: { filter: string; words: string; wrong: boolean } | null;

  /** Part of the names of the columns that are shown. */
  declare private search: string;

  constructor() {
    super();
    this.found = null;
    this.search = '';
  }

  override willUpdate(changed: ReadonlyMap<PropertyKey, unknown>): void {
    const before = changed.get('table') as SelectedTable | undefined;
    if (before && sourceName(before) !== sourceName(this.table)) this.search = '';
  }

  override focus(): void {
    this.renderRoot.querySelector<HTMLElement>('.details')?.focus();
  }

  override render(): TemplateResult {
    const { table, context, catalog } = this;
    const known = catalog.table(table.database, table.name);
    const path = [...table.path, 'filter'];
    const problems = problemsAt(context.state, path);
    const counted = this.found?.filter === (table.filter ?? '') ? this.found : null;
    return html`<div
      class="card details"
      tabindex="-1"
      role="region"
      aria-label=${t('Settings of {0}', table.name)}
    >
      <div class="row nowrap">
        ${icon('table')}
        <h3 class="grow clip">${sourceName(table)}</h3>
        <vscode-button
          appearance="icon"
          aria-label=${t('Close')}
          title=${t('Close')}
          @click=${() => this.dispatchEvent(new CustomEvent('close'))}
          >${icon('close')}</vscode-button
        >
      </div>
      <div class="field">
        <rf-input
          .label=${t('Filter: only rows that match this SQL condition')}
          .placeholder=${"status <> 'test'"}
          .value=${table.filter ?? ''}
          .invalid=${problems.length > 0}
          @commit=${(event: Event) => {
            const filter = committed(event);
            context.edit([{ path, ...(filter === '' ? {} : { value: filter }) }]);
          }}
        ></rf-input>
        <div class="help ${problems.length > 0 ? 'error' : 'hint'}" role="status">
          ${
            problems.length > 0
              ? problems.join(' ')
              : t(
                  'A standard SQL condition without subqueries. Put text in single quotes, and write times in full.',
                )
          }
        </div>
        <div class="row help">
          <vscode-button
            appearance="secondary"
            ?disabled=${problems.length > 0}
            @click=${() => void this.count()}
            >${t('Count matching rows')}</vscode-button
          >
          <span role="status" class=${counted?.wrong ? 'error' : 'hint'}>${counted?.words ?? ''}</span>
        </div>
      </div>
      ${this.columns(known)}
    </div>`;
  }

  private async count(): Promise<void> {
    const { database, name, filter = '' } = this.table;
    this.found = { filter, words: t('Counting…'), wrong: false };
    try {
      const rows = await this.context.host.countRows({ database, name, filter });
      const all = this.catalog.table(database, name)?.estimatedRows;
      const words =
        all === undefined || filter === ''
          ? t('{0} rows', formatCount(rows, locale))
          : t('{0} rows of about {1}', formatCount(rows, locale), formatCount(Math.max(rows, all), locale));
      this.found = { filter, words, wrong: false };
    } catch (error) {
      this.found = { filter, words: messageOf(error), wrong: true };
    }
  }

  private columns(known: CatalogTable | undefined): TemplateResult {
    const { table } = this;
    const names = [
      ...new Set([...(known?.columns.map(({ name }) => name) ?? []), ...Object.keys(table.columns)]),
    ];
    if (names.length === 0) {
      return html`<p class="row">
        <vscode-button appearance="secondary" @click=${() => void this.catalog.loadTables(table.database)}
          >${t('Show its columns')}</vscode-button
        >
        <span class="hint">${t('To rename, retype or exclude columns.')}</span>
      </p>`;
    }
    const wanted = this.search.trim().toLowerCase();
    const shown = names.filter((name) => name.toLowerCase().includes(wanted));
    return html`<div class="row tools">
        <vscode-text-field
          class="search grow"
          aria-label=${t('Search columns')}
          placeholder=${t('Search columns')}
          .value=${this.search}
          @input=${(event: Event) => (this.search = valueOf(event))}
        ></vscode-text-field>
        <span class="hint" role="status"
          >${wanted === '' ? '' : t('{0} of {1} columns', formatCount(shown.length, locale), formatCount(names.length, locale))}</span
        >
      </div>
      <div class="columns head" aria-hidden="true">
        <span>${t('Column')}</span><span>${t('Name in Tablestore')}</span>
        <span>${t('Type in Tablestore')}</span><span>${t('Exclude')}</span>
      </div>
      <rf-rows
        .count=${shown.length}
        .height=${34}
        .kind=${'table'}
        .ruled=${true}
        .label=${t('Columns of {0}', table.name)}
        .row=${(index: number) => this.column(shown[index]!, known)}
      ></rf-rows>
      ${problemsAt(this.context.state, [...table.path, 'columns']).map(
        (problem) => html`<div class="help error" role="alert">${problem}</div>`,
      )}`;
  }

  private column(name: string, known: CatalogTable | undefined): TemplateResult {
    const { table, context } = this;
    const isChosen = Object.hasOwn(table.columns, name);
    const choice: ColumnChoice = isChosen ? table.columns[name]! : {};
    const column = known?.columns.find((c) => c.name === name);
    const set = (change: Partial<Record<keyof ColumnChoice, string | boolean | undefined>>) => {
      const next = Object.fromEntries(
        Object.entries({ ...choice, ...change }).filter(([, value]) => value !== undefined),
      );
      const path = [...table.path, 'columns', name];
      const last = Object.keys(table.columns).every((other) => other === name);
      if (Object.keys(next).length > 0) context.edit([{ path, value: next as never }]);
      else if (isChosen) context.edit([{ path: last ? [...table.path, 'columns'] : path }]);
    };
    const inTime = choice.type === 'INTEGER' && (!column || temporal.has(column.dataType));
    return html`<div class="columns">
      <span role="rowheader" class="clip" title="${name} ${column?.type ?? ''}"
        >${name} <span class="hint">${column?.type ?? ''}</span></span
      >
      <span role="cell"
        ><rf-input
          plain
          .name=${t('Name of {0} in Tablestore', name)}
          .placeholder=${name}
          .value=${choice.rename ?? ''}
          .disabled=${choice.exclude === true}
          @commit=${(event: Event) => set({ rename: committed(event) || undefined })}
        ></rf-input
      ></span>
      <span role="cell" class="row nowrap"
        >${select({
          label: t('Type of {0} in Tablestore', name),
          value: choice.type ?? '',
          disabled: choice.exclude === true,
          options: [
            ['', column ? t('Default: {0}', column.cellType) : t('Default')],
            ...cellTypes.map((type) => [type, type] as const),
          ],
          change: (type) =>
            set({ type: type || undefined, ...(type === 'INTEGER' ? {} : { unit: undefined }) }),
        })}
        ${
          inTime
            ? select({
                label: t('Unit of {0}', name),
                value: choice.unit ?? 'ms',
                options: [
                  ['ms', t('milliseconds')],
                  ['us', t('microseconds')],
                ],
                change: (unit) => set({ unit }),
              })
            : nothing
        }</span
      >
      <span role="cell"
        ><input
          type="checkbox"
          aria-label=${t('Exclude {0}', name)}
          .checked=${live(choice.exclude === true)}
          @change=${(event: Event) => set({ exclude: (event.target as HTMLInputElement).checked || undefined })}
      /></span>
    </div>`;
  }
}

customElements.define('rf-table-details', TableDetails);
