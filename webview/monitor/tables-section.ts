import { css, html, LitElement, type PropertyDeclarations, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import { repeat } from 'lit/directives/repeat.js';
import { formatCount } from '../../src/shared/format.js';
import type { TableProgress } from '../../src/shared/snapshot.js';
import { panel } from '../components/panel-styles.js';
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
      thead th {
        position: sticky;
        top: 0;
        background: var(--vscode-editor-background);
      }
      th button {
        font-weight: 600;
      }
      .number button {
        text-align: end;
      }
      tbody tr {
        content-visibility: auto;
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
      return html`<th class=${number ? 'number' : ''} aria-sort=${order}>
        <button
          class="plain"
          @click=${() => (this.sorting = { key, descending: on ? !this.sorting.descending : number })}
        >
          ${label} ${on ? (this.sorting.descending ? '▾' : '▴') : ''}
        </button>
      </th>`;
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
      <div class="scroll" tabindex="0" role="region" aria-label=${t('Tables')}>
        <table>
          <thead>
            <tr>
              ${head('source', t('Table'))} ${head('phase', t('State'))}
              ${head('rows', t('Rows loaded'), true)} ${head('percent', t('Loaded'), true)}
              ${head('changes', t('Changes'), true)}
            </tr>
          </thead>
          <tbody>
            ${repeat(
              shown,
              (table) => table.source,
              (table) => {
                const percent = percentOf(table);
                return html`<tr>
                  <td>${table.source} <span class="hint">→ ${table.destination}</span></td>
                  <td class=${table.problem ? 'error' : ''}>
                    ${table.problem?.message ?? phaseWords(table)}
                  </td>
                  <td class="number">${formatCount(table.rows, locale)}</td>
                  <td class="number">${percent === null ? '' : t('{0}%', percent)}</td>
                  <td class="number">${formatCount(changesOf(table), locale)}</td>
                </tr>`;
              },
            )}
          </tbody>
        </table>
        ${shown.length === 0 && this.tables.length > 0 ? html`<p class="hint">${t('No table has that in its name.')}</p>` : ''}
      </div>
    </section>`;
  }
}

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
