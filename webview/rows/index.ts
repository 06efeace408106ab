import { css, html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import type { RowComparison } from '../../src/shared/catalog-api.js';
import { formatCount } from '../../src/shared/format.js';
import type {
  RowFormat,
  RowsHost,
  RowsPage,
  RowsSide,
  RowsState,
  ShownRows,
} from '../../src/shared/pages.js';
import { rowJson } from '../../src/shared/shown-row.js';
import { connectHost, messageOf } from '../components/host.js';
import { icon } from '../components/icon.js';
import '../components/page.js';
import { panel } from '../components/panel-styles.js';
import { sidesLook } from '../components/sides.js';
import { base } from '../components/styles.js';
import '../components/toolkit.js';
import { valueOf } from '../components/toolkit.js';
import { locale, t } from '../components/words.js';
import { comparisonOf } from './comparison.js';
import './grid.js';
import type { Place } from './grid.js';

const pageSize = 100;

/** Which rows, without the size of a page. */
type Wanted = Pick<RowsPage, 'from' | 'startAt' | 'filter'>;

/**
 * Rows of a table in the order of their keys, of MySQL or of Tablestore, and of both where a task maps the table. Pages
 * are found by key: the way back leads over the keys that were seen.
 */
class Rows extends LitElement {
  static override styles = [
    base,
    panel,
    sidesLook,
    css`
      main {
        max-width: none;
      }
      .bar {
        padding: 10px 0;
      }
      .bar vscode-text-field.filter {
        flex: 1 1 260px;
      }
      .switch {
        display: flex;
        flex: none;
        border: 1px solid var(--vscode-contrastBorder, var(--vscode-panel-border, transparent));
        border-radius: 3px;
      }
      .switch button {
        padding: 3px 11px;
        border-radius: 2px;
      }
      .switch button[aria-pressed='true'] {
        color: var(--vscode-button-secondaryForeground);
        background: var(--vscode-button-secondaryBackground);
        outline: 1px solid var(--vscode-contrastActiveBorder, transparent);
        font-weight: 600;
      }
      .whole {
        margin-top: 14px;
      }
      .whole .row {
        margin-bottom: 8px;
      }
      .whole pre {
        max-height: 40vh;
      }
    `,
  ];
  static override properties: PropertyDeclarations = {
    state: { state: true },
    side: { state: true },
    pair: { state: true },
    page: { state: true },
    key: { state: true },
    said: { state: true },
    busy: { state: true },
    cell: { state: true },
    compared: { state: true },
  };
  declare private state: RowsState | null;
  declare private side: RowsSide;
  /** The task by which the other side is found, and rows are compared. */
  declare private pair: string | null;
  declare private page: ShownRows | null;
  /** Of the side that is shown; kept when a page cannot be read. */
  declare private key: ShownRows['key'];
  declare private said: string;
  declare private busy: boolean;
  /** The cell whose whole value is shown. */
  declare private cell: Place | null;
  declare private compared: RowComparison | null;
  /** How the pages up to this one were asked for; the last is the present one. */
  private way: Wanted[] = [];
  private offsets: number[] = [];
  private startAt: string[] = [];
  private filter = '';
  private begun = false;
  /** The newest question: an answer to an older one comes too late. */
  private asked = 0;
  private readonly host: RowsHost;

  constructor() {
    super();
    this.state = null;
    this.side = 'source';
    this.pair = null;
    this.page = null;
    this.key = [];
    this.said = '';
    this.busy = false;
    this.cell = null;
    this.compared = null;
    this.host = connectHost<RowsHost, RowsState>((state) => {
      const isFirst = this.state === null;
      this.state = state;
      if (isFirst) this.side = state.side;
      // The task may have gone meanwhile: what it showed stays.
      if (!state.pairs.some(({ id }) => id === this.pair)) this.pair = state.pairs[0]?.id ?? null;
      if (state.read && !this.begun) void this.read([{}], [0]);
    });
  }

  private get wanted(): { side: RowsSide; pair: string | null } {
    return { side: this.side, pair: this.pair };
  }

  /** Reads the page at the end of the way; the way and the present page stay when that fails. */
  private async read(way: Wanted[], offsets: number[]): Promise<void> {
    this.begun = true;
    const mine = ++this.asked;
    this.busy = true;
    this.said = '';
    try {
      const page = await this.host.page({ limit: pageSize, ...this.wanted, ...way.at(-1) });
      if (mine !== this.asked) return;
      this.page = page;
      this.key = page.key;
      this.way = way;
      this.offsets = offsets;
      this.cell = null;
      this.compared = null;
    } catch (error) {
      if (mine === this.asked) this.said = messageOf(error);
    } finally {
      if (mine === this.asked) this.busy = false;
    }
  }

  private show(side: RowsSide, pair: string | null): void {
    if (side === this.side && pair === this.pair) return;
    this.side = side;
    this.pair = pair;
    this.page = null;
    this.key = [];
    this.startAt = [];
    this.filter = '';
    this.cell = null;
    this.compared = null;
    void this.read([{}], [0]);
  }

  private call(work: Promise<unknown>): void {
    this.said = '';
    work.catch((error: unknown) => (this.said = messageOf(error)));
  }

  override render(): TemplateResult {
    const { state, page } = this;
    if (!state) return html`<p class="hint" role="status">${t('Loading…')}</p>`;
    const pair = state.pairs.find(({ id }) => id === this.pair);
    const isOther = this.side !== state.side;
    return html`<main>
      <header>
        ${icon('table')}
        <h1 class="clip">${isOther ? (pair?.[this.side] ?? '') : state.table}</h1>
        <span class="hint clip grow"
          >${isOther ? t('by the task {0}', pair?.task ?? '') : state.connection}</span
        >
        ${this.sideSwitch(state)}
        <vscode-button appearance="secondary" ?disabled=${this.busy} @click=${() => this.again()}
          >${t('Read Again')}</vscode-button
        >
      </header>
      ${this.key.length > 0 || this.side === 'source' ? this.search() : nothing}
      ${this.said === '' ? nothing : html`<p class="error" role="alert">${this.said}</p>`}
      ${
        page
          ? this.grid(page)
          : this.busy
            ? html`<p class="hint bar" role="status">${t('Loading…')}</p>`
            : this.begun
              ? nothing
              : html`<p class="bar">
                  <vscode-button @click=${() => void this.read([{}], [0])}>${t('Read Rows')}</vscode-button>
                </p>`
      }
    </main>`;
  }

  private again(): void {
    void this.read(this.way.length > 0 ? this.way : [{}], this.offsets.length > 0 ? this.offsets : [0]);
  }

  /** Which side, and by which task, where there is a choice. */
  private sideSwitch({ pairs, side: own }: RowsState): TemplateResult | typeof nothing {
    if (pairs.length === 0) return nothing;
    const button = (side: RowsSide, label: string) =>
      html`<button
        class="plain"
        aria-pressed=${this.side === side ? 'true' : 'false'}
        @click=${() => this.show(side, this.pair)}
      >
        ${label}
      </button>`;
    const other = own === 'source' ? 'destination' : 'source';
    return html`<div class="switch" role="group" aria-label=${t('Side')}>
        ${button('source', 'MySQL')} ${button('destination', 'Tablestore')}
      </div>
      ${
        pairs.length > 1
          ? html`<select
              aria-label=${t('Task')}
              @change=${(event: Event) => {
                const id = (event.target as HTMLSelectElement).value;
                this.compared = null;
                if (this.side === own) this.pair = id;
                else this.show(this.side, id);
              }}
            >
              ${pairs.map(
                (pair) =>
                  html`<option value=${pair.id} ?selected=${pair.id === this.pair}>
                    ${pair.task} · ${pair[other]}
                  </option>`,
              )}
            </select>`
          : nothing
      }`;
  }

  private exports(): TemplateResult {
    const { startAt, filter } = this.way[0] ?? {};
    const wanted = {
      ...this.wanted,
      ...(startAt !== undefined && { startAt }),
      ...(filter !== undefined && { filter }),
    };
    const button = (format: RowFormat, label: string) =>
      html`<vscode-button appearance="secondary" @click=${() => this.call(this.host.exportAs(format, wanted))}
        >${label}</vscode-button
      >`;
    // Rows of Tablestore have columns of their own each, which no table of values holds.
    return html`${this.side === 'source' ? button('csv', t('Export CSV…')) : nothing}
    ${button('jsonl', t('Export JSON Lines…'))}`;
  }

  /** From a key on, and of MySQL those that a condition keeps. */
  private search(): TemplateResult {
    const go = (event: Event) => {
      event.preventDefault();
      const startAt = Array.from(this.key, (_, i) => this.startAt[i] ?? '');
      const filter = this.filter.trim();
      void this.read(
        [{ ...(startAt.some((one) => one !== '') && { startAt }), ...(filter !== '' && { filter }) }],
        [0],
      );
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Enter') go(event);
    };
    return html`<form class="row bar" @submit=${go}>
      ${this.key.length > 0 ? html`<span>${t('From key')}</span>` : nothing}
      ${this.key.map(
        ({ name, type }, index) =>
          html`<vscode-text-field
            placeholder="${name} ${type}"
            aria-label=${t('From key: {0}', name)}
            .value=${this.startAt[index] ?? ''}
            @input=${(event: Event) => (this.startAt[index] = valueOf(event))}
            @keydown=${onKey}
          ></vscode-text-field>`,
      )}
      ${
        this.side === 'source'
          ? html`<vscode-text-field
              class="filter"
              placeholder=${t('Filter: a SQL condition, such as {0}', "status = 'paid' AND total > 100")}
              aria-label=${t('Filter')}
              .value=${this.filter}
              @input=${(event: Event) => (this.filter = valueOf(event))}
              @keydown=${onKey}
            ></vscode-text-field>`
          : nothing
      }
      <vscode-button appearance="secondary" ?disabled=${this.busy} @click=${go}>${t('Go')}</vscode-button>
    </form>`;
  }

  private grid(page: ShownRows): TemplateResult {
    const first = this.way[0];
    if (page.rows.length === 0) {
      return html`<p class="hint" role="status">
          ${
            first?.filter !== undefined
              ? t('No rows match the filter.')
              : first?.startAt
                ? t('No rows from this key onward.')
                : t('The table is empty.')
          }
        </p>
        ${this.pager(page)}`;
    }
    return html`<rf-row-grid
        .page=${page}
        label=${t('Rows')}
        empty=${this.side === 'source' ? 'NULL' : t('none')}
        .chosen=${this.cell?.row ?? null}
        @pick=${(event: CustomEvent<Place>) => {
          if (event.detail.row !== this.cell?.row) this.compared = null;
          this.cell = event.detail;
        }}
        @copycell=${(event: CustomEvent<string>) => this.call(this.host.copy(event.detail))}
      ></rf-row-grid>
      ${this.pager(page)} ${this.whole(page)} ${this.comparison()}`;
  }

  private whole(page: ShownRows): TemplateResult | typeof nothing {
    const { cell, side } = this;
    const row = cell && page.rows[cell.row];
    if (!cell || !row) return nothing;
    const value = row[cell.column] ?? null;
    const key = page.keys[cell.row] ?? null;
    const button = (label: string, work: () => void, isDisabled = false) =>
      html`<vscode-button appearance="secondary" ?disabled=${isDisabled} @click=${work}
        >${label}</vscode-button
      >`;
    return html`<div class="card whole" role="region" aria-label=${t('Whole value')}>
      <div class="row">
        <h3 class="grow clip">${page.columns[cell.column]?.name}</h3>
        ${value === null ? nothing : button(t('Copy'), () => this.call(this.host.copy(value)))}
        ${button(t('Copy Row as JSON'), () =>
          this.call(
            this.host.copy(
              rowJson(
                page.columns.map(({ name }) => name),
                row,
                side === 'destination',
              ),
            ),
          ),
        )}
        ${
          this.pair !== null && key !== null && this.state?.methods.includes('compareRow')
            ? button(t('Compare This Row'), () => void this.compare(key), this.busy)
            : nothing
        }
      </div>
      <pre tabindex="0">${value ?? (side === 'source' ? 'NULL' : t('none'))}</pre>
    </div>`;
  }

  private async compare(key: string): Promise<void> {
    const mine = ++this.asked;
    this.busy = true;
    this.said = '';
    try {
      const compared = await this.host.compare({ pair: this.pair!, side: this.side, key });
      if (mine !== this.asked) return;
      this.compared = compared;
      await this.updateComplete;
      const card = this.renderRoot.querySelector<HTMLElement>('.comparison');
      card?.scrollIntoView({ block: 'nearest' });
      card?.focus();
    } catch (error) {
      if (mine === this.asked) this.said = messageOf(error);
    } finally {
      if (mine === this.asked) this.busy = false;
    }
  }

  private comparison(): TemplateResult | typeof nothing {
    const { compared } = this;
    if (!compared) return nothing;
    return html`<div class="card whole comparison" role="region" tabindex="-1" aria-label=${t('Both sides')}>
      <h3 class="clip">
        ${compared.source} ${icon('arrow')} ${compared.destination}
        ${compared.key === null ? nothing : html`<span class="mono">${compared.key}</span>`}
      </h3>
      ${comparisonOf(compared)}
    </div>`;
  }

  private pager(page: ShownRows): TemplateResult {
    const seen = this.offsets.at(-1) ?? 0;
    const from = formatCount(seen + 1, locale);
    const to = formatCount(seen + page.rows.length, locale);
    const first = this.way[0];
    return html`<div class="row bar">
      <vscode-button
        appearance="secondary"
        ?disabled=${this.busy || this.way.length <= 1}
        @click=${() => void this.read(this.way.slice(0, -1), this.offsets.slice(0, -1))}
        >${t('Previous')}</vscode-button
      >
      <span role="status">${page.rows.length === 0 ? '' : t('Rows {0} to {1}', from, to)}</span>
      <vscode-button
        appearance="secondary"
        ?disabled=${this.busy || page.next === null}
        @click=${() =>
          void this.read(
            [...this.way, { from: page.next!, ...(first?.filter !== undefined && { filter: first.filter }) }],
            [...this.offsets, seen + page.rows.length],
          )}
        >${t('Next')}</vscode-button
      >
      ${first?.startAt ? html`<span class="hint">${t('counted from the given key')}</span>` : nothing}
      ${
        page.isCut
          ? html`<span class="hint"
              >${t('There are more rows, but the table has no key to page by. Filter to see others.')}</span
            >`
          : nothing
      }
      <span class="grow"></span>
      ${this.exports()}
    </div>`;
  }
}

customElements.define('rf-rows', Rows);
