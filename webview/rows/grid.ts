import { css, html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import type { ShownRows } from '../../src/shared/pages.js';
import { icon } from '../components/icon.js';
import { base } from '../components/styles.js';
import { t } from '../components/words.js';

export interface Place {
  row: number;
  column: number;
}

/** A page of rows; one cell is the active one, which Tab finds and the arrow keys move. */
export class RowGrid extends LitElement {
  static override styles = [
    base,
    css`
      .scroll {
        overflow: auto;
        max-height: min(60vh, calc(100vh - 240px));
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
      tbody tr[aria-selected='true'] {
        background: var(--vscode-list-inactiveSelectionBackground);
        outline: 1px solid var(--vscode-contrastActiveBorder, transparent);
        outline-offset: -1px;
      }
      tr[aria-selected='true'] td,
      tr[aria-selected='true'] td.hint {
        color: var(--vscode-list-inactiveSelectionForeground, var(--vscode-foreground));
      }
      td:focus-visible {
        outline: 1px solid var(--vscode-focusBorder);
        outline-offset: -1px;
      }
    `,
  ];
  static override properties: PropertyDeclarations = {
    page: { attribute: false },
    label: {},
    empty: {},
    chosen: { attribute: false },
    active: { state: true },
  };
  declare page: ShownRows;
  declare label: string;
  /** What stands for a value that is not there. */
  declare empty: string;
  /** The row that more is shown of. */
  declare chosen: number | null;
  declare private active: Place;

  constructor() {
    super();
    this.chosen = null;
    this.active = { row: 0, column: 0 };
  }

  override willUpdate(changed: ReadonlyMap<PropertyKey, unknown>): void {
    if (changed.has('page')) this.active = { row: 0, column: 0 };
  }

  override render(): TemplateResult {
    const { page } = this;
    return html`<div class="scroll">
      <table role="grid" aria-label=${this.label} aria-rowcount="-1">
        <thead>
          <tr>
            ${page.columns.map(
              ({ name, type, key }) =>
                html`<th
                  scope="col"
                  title=${[type, key ? t('key') : ''].filter((word) => word !== '').join(', ')}
                >
                  ${key ? icon('key') : nothing} ${name}
                </th>`,
            )}
          </tr>
        </thead>
        <tbody>
          ${page.rows.map(
            (row, at) =>
              html`<tr aria-selected=${at === this.chosen ? 'true' : 'false'}>
                ${row.map((value, column) => this.cell(value, { row: at, column }))}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
  }

  private cell(value: string | null, place: Place): TemplateResult {
    const { active } = this;
    const isActive = place.row === active.row && place.column === active.column;
    return html`<td
      class=${value === null ? 'hint' : this.page.columns[place.column]?.key ? 'key' : ''}
      tabindex=${isActive ? 0 : -1}
      title=${value !== null && value.length > 30 ? value.slice(0, 500) : ''}
      @focus=${() => (this.active = place)}
      @click=${() => this.pick(place)}
      @keydown=${(event: KeyboardEvent) => this.key(event, place, value)}
    >
      ${value === null ? this.empty : value.length > 200 ? `${value.slice(0, 200)}…` : value}
    </td>`;
  }

  private pick(detail: Place): void {
    this.active = detail;
    this.dispatchEvent(new CustomEvent<Place>('pick', { detail }));
  }

  private key(event: KeyboardEvent, { row, column }: Place, value: string | null): void {
    if (event.key === 'Enter' || event.key === ' ') this.pick({ row, column });
    else if (event.key === 'c' && (event.ctrlKey || event.metaKey) && value !== null)
      this.dispatchEvent(new CustomEvent<string>('copycell', { detail: value }));
    else {
      const last = { row: this.page.rows.length - 1, column: this.page.columns.length - 1 };
      const to = {
        ArrowDown: { row: row + 1, column },
        ArrowUp: { row: row - 1, column },
        ArrowRight: { row, column: column + 1 },
        ArrowLeft: { row, column: column - 1 },
        PageDown: { row: Math.min(last.row, row + 20), column },
        PageUp: { row: Math.max(0, row - 20), column },
        Home: { row: event.ctrlKey ? 0 : row, column: 0 },
        End: { row: event.ctrlKey ? last.row : row, column: last.column },
      }[event.key];
      if (!to || to.row < 0 || to.row > last.row || to.column < 0 || to.column > last.column) return;
      this.active = to;
      const line = this.renderRoot.querySelectorAll('tbody tr')[to.row];
      line?.querySelectorAll<HTMLElement>('td')[to.column]?.focus();
    }
    event.preventDefault();
  }
}

customElements.define('rf-row-grid', RowGrid);
