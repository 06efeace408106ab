import {
  css,
  html,
  LitElement,
  nothing,
  type CSSResultGroup,
  type PropertyDeclarations,
  type TemplateResult,
} from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { base } from './styles.js';

/** Rows drawn beyond what can be seen, so that Tab finds the next control. */
const spare = 6;
/** While it is scrolled, rows are drawn this many at a time: fewer passes over those that stay. */
const stride = 3;

/**
 * A list of any length whose rows have one height: only those in sight exist. With `keys` it takes the focus itself
 * and moves an active row by the arrow keys; what other keys do is its user's (event `rowkey`). A page defines the
 * element, with the styles of what its rows hold.
 */
export class Rows extends LitElement {
  static override styles: CSSResultGroup = [
    base,
    css`
      .scroll {
        position: relative;
        overflow: auto;
        max-height: 440px;
      }
      .scroll:focus-visible {
        outline: 1px solid var(--vscode-focusBorder);
        outline-offset: -1px;
      }
      .slice {
        position: absolute;
        inset-inline: 0;
      }
      .line {
        display: flex;
        align-items: center;
        overflow: hidden;
        contain: layout style;
      }
      .line.ruled {
        border-bottom: 1px solid var(--vscode-panel-border, transparent);
      }
      .line.active {
        background: var(--vscode-list-inactiveSelectionBackground);
      }
      .scroll:focus .line.active {
        background: var(--vscode-list-activeSelectionBackground);
        color: var(--vscode-list-activeSelectionForeground);
        outline: 1px solid var(--vscode-contrastActiveBorder, transparent);
        outline-offset: -1px;
      }
      .scroll:focus .line.active .hint {
        color: inherit;
      }
      .line:hover {
        background: var(--vscode-list-hoverBackground);
      }
      .line.head {
        position: sticky;
        top: 0;
        z-index: 1;
        background: var(--vscode-editor-background);
      }
    `,
  ];
  static override properties: PropertyDeclarations = {
    count: { type: Number },
    height: { type: Number },
    label: {},
    kind: {},
    head: { attribute: false },
    row: { attribute: false },
    attributesOf: { attribute: false },
    keys: { type: Boolean },
    ruled: { type: Boolean },
    active: { state: true },
    from: { state: true },
  };
  declare count: number;
  /** Of a row, in pixels. */
  declare height: number;
  declare label: string;
  declare kind: 'list' | 'tree' | 'table';
  /** Cells of a first row that stays in sight, for a table. */
  declare head: TemplateResult | undefined;
  declare row: (index: number) => TemplateResult;
  declare attributesOf: ((index: number) => RowAttributes) | undefined;
  declare keys: boolean;
  declare ruled: boolean;
  declare private active: number;
  declare private from: number;

  constructor() {
    super();
    this.count = 0;
    this.height = 30;
    this.kind = 'list';
    this.keys = false;
    this.ruled = false;
    this.active = 0;
    this.from = 0;
  }

  override render(): TemplateResult {
    const shown = Math.ceil(440 / this.height) + 2 * spare + stride;
    const from = Math.max(0, Math.min(this.from, this.count - 1) - spare);
    const to = Math.min(this.count, from + shown);
    const rows = Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
    const item = this.kind === 'tree' ? 'treeitem' : this.kind === 'table' ? 'row' : 'listitem';
    return html`<div
      class="scroll"
      role=${this.kind}
      aria-label=${this.label}
      aria-rowcount=${this.kind === 'table' ? this.count + this.heads : nothing}
      tabindex=${this.keys || this.head ? 0 : nothing}
      aria-activedescendant=${this.keys && this.count > 0 ? `row-${this.active}` : nothing}
      @scroll=${(event: Event) => {
        this.from = this.firstOf(event.currentTarget as HTMLElement);
      }}
      @keydown=${(event: KeyboardEvent) => this.key(event)}
    >
      ${this.head ? html`<div class="line ruled head" role="row" aria-rowindex="1">${this.head}</div>` : nothing}
      <div class="whole"></div>
      <div class="slice">
        ${repeat(
          rows,
          (index) => index,
          (index) => {
            const more = this.attributesOf?.(index) ?? {};
            return html`<div
              class="line ${this.keys && index === this.active ? 'active' : ''} ${this.ruled ? 'ruled' : ''}"
              id="row-${index}"
              role=${item}
              aria-posinset=${this.kind === 'table' ? nothing : (more.position ?? index + 1)}
              aria-setsize=${this.kind === 'table' ? nothing : (more.size ?? this.count)}
              aria-rowindex=${this.kind === 'table' ? index + 1 + this.heads : nothing}
              aria-level=${more.level ?? nothing}
              aria-expanded=${more.expanded ?? nothing}
              aria-checked=${more.checked ?? nothing}
              aria-disabled=${more.disabled ?? nothing}
              @pointerdown=${() => {
                if (this.keys) this.active = index;
              }}
            >
              ${this.row(index)}
            </div>`;
          },
        )}
      </div>
    </div>`;
  }

  private get heads(): number {
    return this.head ? 1 : 0;
  }

  override updated(): void {
    // Sizes that only the script knows: the CSP allows them as properties, not as attributes.
    const [whole, slice, scroll] = ['.whole', '.slice', '.scroll'].map((name) =>
      this.renderRoot.querySelector<HTMLElement>(name)!,
    );
    const from = Math.max(0, Math.min(this.from, this.count - 1) - spare);
    whole!.style.height = `${this.count * this.height}px`;
    slice!.style.top = `${(from + this.heads) * this.height}px`;
    for (const line of this.renderRoot.querySelectorAll<HTMLElement>('.line'))
      line.style.height = `${this.height}px`;
    // Rows that went leave the view beyond the end.
    this.from = this.firstOf(scroll!);
  }

  private firstOf({ scrollTop }: HTMLElement): number {
    return Math.floor(scrollTop / this.height / stride) * stride;
  }

  override focus(): void {
    this.renderRoot.querySelector<HTMLElement>('.scroll')?.focus();
  }

  /** Gives the focus to what a row marked by `data-focus`, if it is drawn. */
  focusRow(mark: string): void {
    this.renderRoot.querySelector<HTMLElement>(`[data-focus=${CSS.escape(mark)}]`)?.focus();
  }

  /** Puts the row in sight and makes it the active one. */
  reveal(index: number): void {
    const scroll = this.renderRoot.querySelector<HTMLElement>('.scroll');
    if (!scroll) return;
    this.active = Math.max(0, Math.min(this.count - 1, index));
    const top = this.active * this.height;
    if (top < scroll.scrollTop) scroll.scrollTop = top;
    else if (top + this.height > scroll.scrollTop + scroll.clientHeight)
      scroll.scrollTop = top + this.height - scroll.clientHeight;
  }

  private key(event: KeyboardEvent): void {
    if (!this.keys || event.target !== event.currentTarget) return;
    const page = Math.max(1, Math.floor((event.currentTarget as HTMLElement).clientHeight / this.height) - 1);
    const moves: Record<string, number> = {
      ArrowDown: this.active + 1,
      ArrowUp: this.active - 1,
      PageDown: this.active + page,
      PageUp: this.active - page,
      Home: 0,
      End: this.count - 1,
    };
    const to = moves[event.key];
    if (to !== undefined) this.reveal(to);
    else if (
      !['ArrowLeft', 'ArrowRight', ' ', 'Enter'].includes(event.key) ||
      this.dispatchEvent(
        new CustomEvent<RowKey>('rowkey', {
          detail: { index: this.active, key: event.key },
          cancelable: true,
        }),
      )
    )
      return;
    event.preventDefault();
  }
}

export interface RowAttributes {
  level?: number;
  position?: number;
  size?: number;
  expanded?: 'true' | 'false';
  checked?: 'true' | 'false' | 'mixed';
  disabled?: 'true';
}
export interface RowKey {
  index: number;
  key: string;
}
