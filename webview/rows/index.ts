import { css, html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import { formatCount } from '../../src/shared/format.js';
import type { RowsHost, RowsPage, RowsState } from '../../src/shared/pages.js';
import type { DestinationRows } from '../../src/shared/catalog-api.js';
import { connectHost, messageOf } from '../components/host.js';
import { icon } from '../components/icon.js';
import '../components/page.js';
import { panel } from '../components/panel-styles.js';
import { base } from '../components/styles.js';
import '../components/toolkit.js';
import { valueOf } from '../components/toolkit.js';
import { locale, t } from '../components/words.js';

const pageSize = 100;

/**
 * Rows of a Tablestore table in the order of their keys. Pages are found by key, as GetRange gives them: the way back
 * leads over the keys that were seen.
 */
class Rows extends LitElement {
  static override styles = [
    base,
    panel,
    css`
      main {
        max-width: none;
      }
      .bar {
        padding: 14px 0;
      }
      .scroll {
        max-height: calc(100vh - 190px);
        border-bottom: 1px solid var(--vscode-panel-border, var(--vscode-contrastBorder, transparent));
      }
      th {
        position: sticky;
        top: 0;
        z-index: 1;
        white-space: nowrap;
        background: var(--vscode-editor-background);
      }
      th .icon {
        vertical-align: -3px;
        color: var(--vscode-charts-yellow);
      }
      td {
        max-width: 24em;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
        cursor: default;
      }
      th:not(:last-child),
      td:not(:last-child) {
        padding-right: 22px;
      }
      td.key {
        color: var(--vscode-symbolIcon-keyForeground, var(--vscode-foreground));
        font-weight: 600;
      }
      tbody tr:hover {
        background: var(--vscode-list-hoverBackground);
      }
      td:focus-visible {
        outline: 1px solid var(--vscode-focusBorder);
        outline-offset: -1px;
      }
      .whole {
        margin-top: 14px;
      }
    `,
  ];
  static override properties: PropertyDeclarations = {
    state: { state: true },
    page: { state: true },
    said: { state: true },
    busy: { state: true },
    cell: { state: true },
  };
  declare private state: RowsState | null;
  declare private page: DestinationRows | null;
  declare private said: string;
  declare private busy: boolean;
  /** The cell whose whole value is shown. */
  declare private cell: { row: number; column: number } | null;
  /** How the pages up to this one were asked for; the last is the present one. */
  private way: Omit<RowsPage, 'limit'>[] = [];
  private offsets: number[] = [];
  private startAt: string[] = [];
  private begun = false;
  private readonly host: RowsHost;

  constructor() {
    super();
    this.state = null;
    this.page = null;
    this.said = '';
    this.busy = false;
    this.cell = null;
    this.host = connectHost<RowsHost, RowsState>((state) => {
      this.state = state;
      if (state.read && !this.begun) void this.read([{}], [0]);
    });
  }

  /** Reads the page at the end of the way; the way and the present page stay when that fails. */
  private async read(way: Omit<RowsPage, 'limit'>[], offsets: number[]): Promise<void> {
    this.begun = true;
    this.busy = true;
    this.said = '';
    try {
      this.page = await this.host.page({ limit: pageSize, ...way.at(-1) });
      this.way = way;
      this.offsets = offsets;
      this.cell = null;
    } catch (error) {
      this.said = messageOf(error);
    } finally {
      this.busy = false;
    }
  }

  override render(): TemplateResult {
    const { state, page } = this;
    if (!state) return html`<p class="hint" role="status">${t('Loading…')}</p>`;
    return html`<main>
      <header>
        ${icon('table')}
        <h1 class="grow clip">${state.table}</h1>
        <span class="hint clip">${state.connection}</span>
        <vscode-button
          appearance="secondary"
          ?disabled=${this.busy}
          @click=${() => void this.read(this.way.length > 0 ? this.way : [{}], this.offsets.length > 0 ? this.offsets : [0])}
          >${t('Read Again')}</vscode-button
        >
      </header>
      ${state.primaryKey.length > 0 ? this.start(state) : nothing}
      ${this.said === '' ? nothing : html`<p class="error" role="alert">${this.said}</p>`}
      ${
        page
          ? this.grid(page)
          : this.begun
            ? nothing
            : html`<p class="bar">
                <vscode-button @click=${() => void this.read([{}], [0])}>${t('Read Rows')}</vscode-button>
              </p>`
      }
    </main>`;
  }

  private start(state: RowsState): TemplateResult {
    const go = (event: Event) => {
      event.preventDefault();
      const startAt = Array.from(this.startAt, (value) => value ?? '');
      void this.read([startAt.some((value) => value !== '') ? { startAt } : {}], [0]);
    };
    return html`<form class="row bar" @submit=${go}>
      <span>${t('From key')}</span>
      ${state.primaryKey.map(
        ({ name, type }, index) =>
          html`<vscode-text-field
            placeholder="${name} ${type}"
            aria-label=${t('From key: {0}', name)}
            @input=${(event: Event) => (this.startAt[index] = valueOf(event))}
            @keydown=${(event: KeyboardEvent) => {
              if (event.key === 'Enter') go(event);
            }}
          ></vscode-text-field>`,
      )}
      <vscode-button appearance="secondary" ?disabled=${this.busy} @click=${go}>${t('Go')}</vscode-button>
    </form>`;
  }

  private grid(page: DestinationRows): TemplateResult {
    if (page.rows.length === 0) {
      return html`<p class="hint" role="status">
          ${this.way.at(-1)?.startAt ? t('No rows from this key onward.') : t('The table is empty.')}
        </p>
        ${this.pager(page)}`;
    }
    return html`<div class="scroll">
        <table aria-rowcount="-1">
          <thead>
            <tr>
              ${page.columns.map(
                (name, index) =>
                  html`<th scope="col">${index < page.keyColumns ? icon('key') : nothing} ${name}</th>`,
              )}
            </tr>
          </thead>
          <tbody>
            ${page.rows.map(
              (row, rowIndex) =>
                html`<tr>
                  ${row.map((value, column) =>
                    value === null
                      ? html`<td class="hint">${t('none')}</td>`
                      : html`<td
                          class=${column < page.keyColumns ? 'key' : ''}
                          tabindex="0"
                          title=${value.length > 30 ? value.slice(0, 500) : ''}
                          @click=${() => (this.cell = { row: rowIndex, column })}
                          @keydown=${(event: KeyboardEvent) => this.move(event, page, rowIndex, column)}
                        >
                          ${value.length > 200 ? `${value.slice(0, 200)}…` : value}
                        </td>`,
                  )}
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
      ${this.pager(page)} ${this.whole(page)}`;
  }

  private move(event: KeyboardEvent, page: DestinationRows, row: number, column: number): void {
    if (event.key === 'Enter') {
      this.cell = { row, column };
      return;
    }
    const [down, right] =
      { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] }[event.key] ?? [];
    if (down === undefined || right === undefined || !page.rows[row + down]) return;
    event.preventDefault();
    const line = this.renderRoot.querySelectorAll('tbody tr')[row + down];
    line?.querySelectorAll<HTMLElement>('td')[column + right]?.focus();
  }

  private whole(page: DestinationRows): TemplateResult | typeof nothing {
    const { cell } = this;
    const value = cell && page.rows[cell.row]?.[cell.column];
    if (!cell || value == null) return nothing;
    return html`<div class="card whole" role="region" aria-label=${t('Whole value')}>
      <div class="row">
        <h3 class="grow clip">${page.columns[cell.column]}</h3>
        <vscode-button appearance="secondary" @click=${() => void this.host.copy(value)}
          >${t('Copy')}</vscode-button
        >
      </div>
      <pre tabindex="0">${value}</pre>
    </div>`;
  }

  private pager(page: DestinationRows): TemplateResult {
    const seen = this.offsets.at(-1) ?? 0;
    const from = formatCount(seen + 1, locale);
    const to = formatCount(seen + page.rows.length, locale);
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
          void this.read([...this.way, { from: page.next! }], [...this.offsets, seen + page.rows.length])}
        >${t('Next')}</vscode-button
      >
      ${this.way[0]?.startAt ? html`<span class="hint">${t('counted from the given key')}</span>` : nothing}
    </div>`;
  }
}

customElements.define('rf-rows', Rows);
