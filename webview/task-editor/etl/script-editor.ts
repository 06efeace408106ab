import { css, html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import { completeEtl, etlTokens, type EtlCompletions } from '../../../src/shared/etl-words.js';
import { base } from '../../components/styles.js';
import { t } from '../../components/words.js';

const pauseMs = 400;

export interface Mark {
  at: number;
  length: number;
  message: string;
}

/**
 * A script with colours, completion and underlined errors: a text area over the same text in colour. What is typed
 * is told after a pause and when the field is left (event `commit`). Escape closes the list, then Tab leaves.
 */
export class ScriptEditor extends LitElement {
  static override styles = [
    base,
    css`
      .editor {
        position: relative;
        border: 1px solid var(--vscode-input-border, var(--vscode-contrastBorder, var(--vscode-panel-border)));
        background: var(--vscode-input-background);
      }
      .editor.wrong {
        border-color: var(--vscode-inputValidation-errorBorder);
      }
      .editor:focus-within {
        outline: 1px solid var(--vscode-focusBorder);
        outline-offset: -1px;
      }
      textarea,
      pre {
        display: block;
        width: 100%;
        min-height: 10em;
        margin: 0;
        padding: 8px 10px;
        border: 0;
        font-family: var(--vscode-editor-font-family, monospace);
        font-size: var(--vscode-editor-font-size, 13px);
        font-weight: normal;
        line-height: 1.5;
        letter-spacing: 0;
        tab-size: 2;
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      pre {
        color: var(--vscode-input-foreground);
        pointer-events: none;
      }
      textarea {
        position: absolute;
        inset: 0;
        height: 100%;
        overflow: hidden;
        resize: none;
        color: transparent;
        caret-color: var(--vscode-editorCursor-foreground, var(--vscode-input-foreground));
        background: none;
        outline: none;
      }
      textarea::placeholder {
        color: var(--vscode-input-placeholderForeground);
      }
      textarea::selection {
        color: transparent;
        background: var(--vscode-editor-selectionBackground);
      }
      .function {
        color: var(--vscode-symbolIcon-functionForeground, var(--vscode-charts-purple));
      }
      .column {
        color: var(--vscode-symbolIcon-fieldForeground, var(--vscode-charts-blue));
      }
      .variable {
        color: var(--vscode-symbolIcon-variableForeground, var(--vscode-charts-blue));
      }
      .string {
        color: var(--vscode-debugTokenExpression-string, var(--vscode-charts-orange));
      }
      .number {
        color: var(--vscode-debugTokenExpression-number, var(--vscode-charts-green));
      }
      .unknown {
        color: var(--vscode-errorForeground);
      }
      .mark {
        text-decoration: underline wavy var(--vscode-editorError-foreground, var(--vscode-errorForeground));
        text-decoration-skip-ink: none;
        text-underline-offset: 3px;
      }
      ul {
        position: absolute;
        z-index: 5;
        width: min(34em, 95%);
        max-height: 15em;
        margin: 0;
        padding: 2px;
        overflow: auto;
        list-style: none;
        color: var(--vscode-editorSuggestWidget-foreground);
        background: var(--vscode-editorSuggestWidget-background);
        border: 1px solid var(--vscode-editorSuggestWidget-border, var(--vscode-contrastBorder));
        box-shadow: 0 2px 8px var(--vscode-widget-shadow);
      }
      li {
        display: flex;
        gap: 12px;
        padding: 2px 8px;
        cursor: pointer;
        white-space: nowrap;
      }
      li .hint {
        overflow: hidden;
        text-overflow: ellipsis;
      }
      li[aria-selected='true'] {
        color: var(--vscode-editorSuggestWidget-selectedForeground);
        background: var(--vscode-editorSuggestWidget-selectedBackground);
        outline: 1px solid var(--vscode-contrastActiveBorder, transparent);
        outline-offset: -1px;
      }
      li[aria-selected='true'] .hint {
        color: inherit;
      }
    `,
  ];
  static override properties: PropertyDeclarations = {
    value: {},
    name: {},
    placeholder: {},
    marks: { attribute: false },
    columns: { attribute: false },
    typed: { state: true },
    offers: { state: true },
    chosen: { state: true },
  };
  declare value: string;
  declare name: string;
  declare placeholder: string;
  declare marks: readonly Mark[];
  /** Columns that may be completed. */
  declare columns: readonly { name: string; type: string }[];
  declare private typed: string | null;
  declare private offers: EtlCompletions | null;
  declare private chosen: number;
  private told: string | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.value = '';
    this.name = '';
    this.placeholder = '';
    this.marks = [];
    this.columns = [];
    this.typed = null;
    this.offers = null;
    this.chosen = 0;
  }

  override willUpdate(changed: Map<string, unknown>): void {
    if (changed.has('value') && this.typed !== null && this.value !== this.told && !this.timer)
      this.typed = null;
  }

  private get text(): string {
    return this.typed ?? this.value;
  }

  override render(): TemplateResult {
    // While typing goes on the marks are those of an older text: they wait.
    const marks = this.typed === null || this.typed === this.value ? this.marks : [];
    const items = this.offers?.items ?? [];
    return html`<div class="editor ${marks.length > 0 ? 'wrong' : ''}">
      <pre aria-hidden="true">${this.coloured(marks)}<br /></pre>
      <textarea
        spellcheck="false"
        autocapitalize="off"
        aria-label=${this.name}
        aria-multiline="true"
        aria-autocomplete="list"
        aria-controls=${items.length > 0 ? 'offers' : nothing}
        aria-activedescendant=${items.length > 0 ? `offer-${this.chosen}` : nothing}
        aria-invalid=${marks.length > 0 ? 'true' : nothing}
        placeholder=${this.placeholder}
        @input=${() => this.input()}
        @keydown=${(event: KeyboardEvent) => this.key(event)}
        @click=${() => (this.offers = null)}
        @blur=${() => {
          this.offers = null;
          this.flush();
        }}
      ></textarea>
      ${
        items.length === 0
          ? nothing
          : html`<ul id="offers" role="listbox" aria-label=${t('Completions')}>
              ${items.map(
                (item, index) =>
                  html`<li
                    id="offer-${index}"
                    role="option"
                    aria-selected=${index === this.chosen ? 'true' : 'false'}
                    @pointerdown=${(event: Event) => {
                      event.preventDefault();
                      this.accept(index);
                    }}
                  >
                    <span class="mono ${item.kind}">${item.signature}</span>
                    <span class="hint">${item.help}</span>
                  </li>`,
              )}
            </ul>`
      }
    </div>`;
  }

  private coloured(marks: readonly Mark[]): TemplateResult[] {
    const caret = this.offers?.from ?? -1;
    const pieces: TemplateResult[] = [];
    for (const { kind, text, at } of etlTokens(this.text)) {
      // Cut where a mark begins or ends, and at the anchor of the list.
      const cuts = new Set([0, text.length]);
      for (const place of [caret, ...marks.flatMap((mark) => [mark.at, mark.at + mark.length])])
        if (place > at && place < at + text.length) cuts.add(place - at);
      const edges = [...cuts].sort((a, b) => a - b);
      for (let i = 0; i + 1 < edges.length; i++) {
        const from = at + edges[i]!;
        const marked = marks.some((mark) => from >= mark.at && from < mark.at + mark.length);
        pieces.push(
          html`<span class="${kind} ${marked ? 'mark' : ''}" data-at=${from}
            >${text.slice(edges[i], edges[i + 1])}</span
          >`,
        );
      }
    }
    return pieces;
  }

  override updated(): void {
    const area = this.area;
    if (area.value !== this.text) area.value = this.text;
    const list = this.renderRoot.querySelector<HTMLElement>('ul');
    if (!list || !this.offers) return;
    const { from } = this.offers;
    const anchor = this.renderRoot.querySelector<HTMLElement>(`pre span[data-at="${from}"]`);
    const last = this.renderRoot.querySelector<HTMLElement>('pre span:last-of-type');
    const place = anchor ?? last;
    const left = anchor ? anchor.offsetLeft : last ? last.offsetLeft + last.offsetWidth : 10;
    const room = area.clientWidth - list.offsetWidth;
    list.style.left = `${Math.max(0, Math.min(left, room))}px`;
    list.style.top = `${(place?.offsetTop ?? 8) + (place?.offsetHeight ?? 20) + 2}px`;
    list.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }

  private get area(): HTMLTextAreaElement {
    return this.renderRoot.querySelector('textarea')!;
  }

  private input(): void {
    this.typed = this.area.value;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), pauseMs);
    const before = this.text.slice(0, this.area.selectionStart);
    if (/(^|[^\w`])[A-Za-z_]\w*$/.test(before) || before.split('`').length % 2 === 0) this.suggest();
    else this.offers = null;
  }

  private suggest(): void {
    const offers = completeEtl(this.text, this.area.selectionStart, this.columns, t);
    const word = this.text.slice(offers.from, offers.to);
    const done = offers.items.length === 1 && offers.items[0]!.name === word;
    this.offers = offers.items.length === 0 || done ? null : offers;
    this.chosen = 0;
  }

  private key(event: KeyboardEvent): void {
    if (event.key === ' ' && event.ctrlKey) {
      event.preventDefault();
      event.stopPropagation();
      this.suggest();
      return;
    }
    const count = this.offers?.items.length ?? 0;
    if (count === 0) return;
    if (event.key === 'ArrowDown') this.chosen = (this.chosen + 1) % count;
    else if (event.key === 'ArrowUp') this.chosen = (this.chosen + count - 1) % count;
    else if (event.key === 'Enter' || event.key === 'Tab') this.accept(this.chosen);
    else if (event.key === 'Escape') this.offers = null;
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private accept(index: number): void {
    const { offers } = this;
    const item = offers?.items[index];
    if (!offers || !item) return;
    const called = item.kind === 'function' && this.text[offers.to] === '(';
    const insert = called ? item.name : item.insert;
    this.area.setRangeText(insert, offers.from, offers.to, 'end');
    const caret = offers.from + (called ? item.name.length + 1 : item.caret);
    this.area.setSelectionRange(caret, caret);
    this.offers = null;
    this.area.focus();
    this.typed = this.area.value;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), pauseMs);
  }

  flush(): void {
    clearTimeout(this.timer);
    if (!this.timer || this.typed === null) return;
    this.timer = undefined;
    this.told = this.typed;
    if (this.told !== this.value)
      this.dispatchEvent(new CustomEvent<string>('commit', { detail: this.told }));
  }
}

customElements.define('rf-script', ScriptEditor);
