import { css, html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import { formatCount } from '../../src/shared/format.js';
import { otherRowsWords, reasonWords } from '../../src/shared/snapshot-words.js';
import type { TableProgress } from '../../src/shared/snapshot.js';
import { isStopped } from '../../src/shared/stopped-tables.js';
import { panel } from '../components/panel-styles.js';
import { Rows } from '../components/rows.js';
import { base } from '../components/styles.js';
import '../components/toolkit.js';
import { valueOf } from '../components/toolkit.js';
import { locale, t } from '../components/words.js';
import { changesOf, percentOf, shownTables, type SortKey, type Sorting } from './tables.js';

/** Every table with how far it is; sorted by any column, searched by name. */
class TablesSection extends LitElement {
  static override styles = [
    base,
    panel,
    css`
      rf-table-rows {
        display: block;
        margin-top: 6px;
      }
    `,
  ];
  static override properties: PropertyDeclarations = {
    tables: { attribute: false },
    search: { state: true },
    sorting: { state: true },
  };
  declare tables: readonly TableProgress[];
  declare private search: string;
  declare private sorting: Sorting;

  constructor() {
    super();
    this.tables = [];
    this.search = '';
    this.sorting = { key: 'source', descending: false };
  }

  override render(): TemplateResult {
    const shown = shownTables(this.tables, this.search, this.sorting);
    const head = (key: SortKey, label: string, number = false) => {
      const on = this.sorting.key === key;
      const order = on ? (this.sorting.descending ? 'descending' : 'ascending') : 'none';
      return html`<span role="columnheader" class=${number ? 'number' : ''} aria-sort=${order}>
        <button
          class="plain"
          @click=${() => (this.sorting = { key, descending: on ? !this.sorting.descending : number })}
        >
          ${label} ${on ? (this.sorting.descending ? '▾' : '▴') : ''}
        </button>
      </span>`;
    };
    return html`<section>
      <div class="row">
        <h2 class="grow">
          ${t('Tables')} <span class="badge">${formatCount(this.tables.length, locale)}</span>
        </h2>
        <vscode-text-field
          aria-label=${t('Search tables')}
          placeholder=${t('Search tables')}
          .value=${live(this.search)}
          @input=${(event: Event) => (this.search = valueOf(event))}
        ></vscode-text-field>
      </div>
      <rf-table-rows
        .count=${shown.length}
        .height=${28}
        .kind=${'table'}
        .ruled=${true}
        .label=${t('Tables')}
        .head=${html`<div class="cells">
          ${head('source', t('Table'))} ${head('phase', t('State'))} ${head('rows', t('Rows loaded'), true)}
          ${head('percent', t('Loaded'), true)} ${head('changes', t('Changes'), true)}
        </div>`}
        .row=${(index: number) => this.row(shown[index]!)}
      ></rf-table-rows>
      ${shown.length === 0 && this.tables.length > 0 ? html`<p class="hint">${t('No tables match.')}</p>` : nothing}
    </section>`;
  }

  private row(table: TableProgress): TemplateResult {
    const percent = percentOf(table);
    const name = `${table.source} → ${table.destination}`;
    const stopped = isStopped(table);
    const others = otherRowsWords(table, t, locale);
    const phase = stopped ? reasonWords(table, t) : phaseWords(table);
    const state = others === '' ? phase : `${phase} · ${others}`;
    return html`<div class="cells">
      <span role="rowheader" class="clip" title=${name}
        >${table.source} <span class="hint">→ ${table.destination}</span></span
      >
      <span role="cell" class="clip ${stopped ? 'error' : ''}" title=${state}>${state}</span>
      <span role="cell" class="number">${formatCount(table.rows, locale)}</span>
      <span role="cell" class="number">${percent === null ? '' : t('{0}%', percent)}</span>
      <span role="cell" class="number">${formatCount(changesOf(table), locale)}</span>
    </div>`;
  }
}

/** Columns of the grid, under its head and in its rows alike. */
class TableRows extends Rows {
  static override styles = [
    Rows.styles,
    css`
      .cells {
        flex: 1;
        display: grid;
        grid-template-columns: minmax(0, 5fr) minmax(0, 3fr) minmax(5.5em, 1.5fr) minmax(4em, 1fr) minmax(
            5.5em,
            1.5fr
          );
        gap: 10px;
        align-items: center;
        min-width: 0;
        padding-inline-end: 10px;
      }
      .head button {
        font-weight: 600;
        color: var(--vscode-descriptionForeground);
      }
      .number button {
        text-align: end;
      }
    `,
  ];
}

customElements.define('rf-table-rows', TableRows);

function phaseWords({ phase }: TableProgress): string {
  switch (phase) {
    case 'waiting':
      return t('waiting');
    case 'schema':
      return t('creating the table');
    case 'full':
      return t('full load');
    case 'incremental':
      return t('live');
    case 'stopped':
      return t('stopped');
    case 'done':
      return t('done');
  }
}

customElements.define('rf-tables', TablesSection);
