import { css, html, LitElement, type PropertyDeclarations, type TemplateResult } from 'lit';
import { formatCount } from '../../src/shared/format.js';
import type { DirtyRecord } from '../../src/shared/task-control-api.js';
import { base } from '../components/styles.js';
import '../components/toolkit.js';
import { locale, t } from '../components/words.js';

/**
 * One page of records. Arrow keys, Home and End move, PageUp and PageDown turn the page; events `choose` (place on
 * the page) and `go` (offset of another page).
 */
class Grid extends LitElement {
  static override styles = [
    base,
    css`
      .rows {
        max-height: max(260px, 100vh - 230px);
        overflow: auto;
      }
      table {
        table-layout: fixed;
      }
      thead th {
        position: sticky;
        top: 0;
        background: var(--vscode-editor-background);
      }
      th,
      td {
        padding: 4px 8px;
      }
      .time {
        width: 8.8em;
      }
      .table {
        width: 24%;
      }
      .operation {
        width: 6.5em;
      }
      .key {
        width: 17%;
      }
      tbody tr {
        cursor: pointer;
      }
      tbody tr:hover {
        background: var(--vscode-list-hoverBackground);
      }
      tbody tr[aria-selected='true'] {
        background: var(--vscode-list-activeSelectionBackground);
        color: var(--vscode-list-activeSelectionForeground);
        outline: 1px solid var(--vscode-contrastActiveBorder, transparent);
        outline-offset: -1px;
      }
      tbody tr:focus-visible {
        outline: 1px solid var(--vscode-focusBorder);
        outline-offset: -1px;
      }
      .pager {
        padding-top: 10px;
      }
      @media (max-width: 900px) {
        .rows {
          max-height: max(180px, 40vh);
        }
      }
      @media (max-width: 560px) {
        .operation {
          display: none;
        }
        .time {
          width: 7.6em;
        }
        th,
        td {
          padding: 4px;
        }
      }
    `,
  ];
  static override properties: PropertyDeclarations = {
    records: { attribute: false },
    total: { attribute: false },
    offset: { attribute: false },
    pageSize: { attribute: false },
    chosen: { attribute: false },
  };
  declare records: readonly DirtyRecord[];
  declare total: number;
  declare offset: number;
  declare pageSize: number;
  declare chosen: number;
  /** The keyboard is in the grid: focus goes with the choice. */
  private follows = false;

  override render(): TemplateResult {
    const { records, total, offset, chosen } = this;
    return html`<div class="rows">
        <table role="grid" aria-rowcount=${total + 1} aria-label=${t('Records')}>
          <thead>
            <tr aria-rowindex="1">
              <th class="time">${t('Time')}</th>
              <th class="table">${t('Table')}</th>
              <th class="operation">${t('Operation')}</th>
              <th class="key">${t('Key')}</th>
              <th>${t('Error')}</th>
            </tr>
          </thead>
          <tbody>
            ${records.map(
              (record, index) =>
                html`<tr
                  tabindex=${index === chosen ? 0 : -1}
                  aria-selected=${index === chosen ? 'true' : 'false'}
                  aria-rowindex=${offset + index + 2}
                  @click=${() => this.choose(index)}
                  @keydown=${(event: KeyboardEvent) => this.key(event, index)}
                >
                  <td class="clip" title=${new Date(record.atMs).toLocaleString(locale)}>
                    ${shownTime(record.atMs)}
                  </td>
                  <td class="clip" title=${record.source}>${record.source}</td>
                  <td class="clip operation">${record.operation}</td>
                  <td class="clip mono" title=${record.key}>${record.key}</td>
                  <td class="clip" title=${record.error.message}>
                    ${record.error.code} ${record.error.message}
                  </td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
      ${this.pager()}`;
  }

  override updated(): void {
    const row = this.renderRoot.querySelectorAll<HTMLElement>('tbody tr')[this.chosen];
    if (this.follows) row?.focus();
    else row?.scrollIntoView({ block: 'nearest' });
    this.follows = false;
  }

  private key(event: KeyboardEvent, index: number): void {
    const last = this.records.length - 1;
    const to = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: last }[event.key];
    const page = { PageDown: this.pageSize, PageUp: -this.pageSize }[event.key];
    if (to === undefined && page === undefined) return;
    event.preventDefault();
    this.follows = true;
    if (to !== undefined) this.choose(Math.max(0, Math.min(last, to)));
    else this.go(this.offset + page!);
  }

  private choose(index: number): void {
    this.dispatchEvent(new CustomEvent<number>('choose', { detail: index }));
  }

  private go(offset: number): void {
    if (offset < 0 || offset >= this.total) return;
    this.dispatchEvent(new CustomEvent<number>('go', { detail: offset }));
  }

  private pager(): TemplateResult {
    const { total, offset, pageSize } = this;
    const to = Math.min(total, offset + pageSize);
    const lastPage = Math.floor((total - 1) / pageSize) * pageSize;
    const count = (value: number) => formatCount(value, locale);
    const button = (label: string, target: number, off: boolean) =>
      html`<vscode-button appearance="secondary" ?disabled=${off} @click=${() => this.go(target)}
        >${label}</vscode-button
      >`;
    if (total <= pageSize) return html``;
    return html`<div class="row pager">
      ${button(t('First'), 0, offset === 0)}
      ${button(t('Previous'), Math.max(0, offset - pageSize), offset === 0)}
      <span role="status">${t('{0} to {1} of {2}', count(offset + 1), count(to), count(total))}</span>
      ${button(t('Next'), offset + pageSize, to >= total)} ${button(t('Last'), lastPage, to >= total)}
    </div>`;
  }
}

/** The time of day, and the day when it is another. */
function shownTime(atMs: number): string {
  const at = new Date(atMs);
  const isToday = at.toDateString() === new Date().toDateString();
  return isToday
    ? at.toLocaleTimeString(locale, { timeStyle: 'medium', hourCycle: 'h23' })
    : at.toLocaleString(locale, {
        month: '2-digit',
        day: '2-digit',
        hour: '2-digit',
        minute: '2-digit',
        hourCycle: 'h23',
      });
}

customElements.define('rf-grid', Grid);
