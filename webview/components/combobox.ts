import { css, html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import { plainInput, untold } from './input.js';
import { base } from './styles.js';

export type Suggestion = readonly [value: string, about: string];

/**
 * A line of text with a list to choose from, searched by what is typed; another text is possible too. Event `commit`,
 * the text as detail, on a choice, on Enter, when the field is left and before a save.
 */
export class Combobox extends LitElement {
  static override styles = [
    base,
    plainInput,
    css`
      :host {
        position: relative;
      }
      label {
        display: block;
        margin-bottom: 2px;
        line-height: normal;
      }
      ul {
        position: absolute;
        z-index: 5;
        inset-inline: 0;
        max-height: 15em;
        margin: 0;
        padding: 2px;
        overflow: auto;
        list-style: none;
        color: var(--vscode-dropdown-foreground);
        background: var(--vscode-dropdown-background);
        border: 1px solid var(--vscode-focusBorder);
      }
      li {
        display: flex;
        gap: 12px;
        padding: 2px 8px;
        cursor: pointer;
        white-space: nowrap;
      }
      li[aria-selected='true'] {
        color: var(--vscode-list-activeSelectionForeground);
        background: var(--vscode-list-activeSelectionBackground);
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
    label: {},
    placeholder: {},
    invalid: { type: Boolean },
    options: { attribute: false },
    typed: { state: true },
    chosen: { state: true },
  };
  declare value: string;
  declare label: string;
  declare placeholder: string;
  declare invalid: boolean;
  declare options: readonly Suggestion[];
  /** What is in the field while the list is open; null: it is closed, and the value shows. */
  declare private typed: string | null;
  /** Of the entries that are shown; -1: the text as it is typed. */
  declare private chosen: number;

  constructor() {
    super();
    this.value = '';
    this.label = '';
    this.placeholder = '';
    this.invalid = false;
    this.options = [];
    this.typed = null;
    this.chosen = -1;
  }

  /** Everything until something is typed: one who opens the list wants to see it. */
  private get shown(): readonly Suggestion[] {
    if (this.typed === null) return [];
    const wanted = this.typed.trim().toLowerCase();
    if (wanted === this.value.toLowerCase()) return this.options;
    return this.options.filter((option) => option.join(' ').toLowerCase().includes(wanted));
  }

  override render(): TemplateResult {
    const { shown } = this;
    const open = shown.length > 0;
    // A press on the list, such as on its scrollbar, leaves the field its focus.
    return html`<label for="field">${this.label}</label>
      <input
        id="field"
        role="combobox"
        class=${this.invalid ? 'invalid' : nothing}
        autocomplete="off"
        spellcheck="false"
        placeholder=${this.placeholder}
        aria-autocomplete="list"
        aria-expanded=${open ? 'true' : 'false'}
        aria-controls=${open ? 'options' : nothing}
        aria-activedescendant=${open && this.chosen >= 0 ? `option-${this.chosen}` : nothing}
        aria-invalid=${this.invalid ? 'true' : nothing}
        .value=${live(this.typed ?? this.value)}
        @input=${(event: Event) => {
          this.typed = (event.target as HTMLInputElement).value;
          this.chosen = -1;
          untold.add(this);
        }}
        @click=${() => (this.typed ??= this.value)}
        @keydown=${(event: KeyboardEvent) => this.key(event)}
        @change=${() => this.commit(this.typed)}
        @blur=${() => this.commit(this.typed)}
      />
      ${
        open
          ? html`<ul
              id="options"
              role="listbox"
              aria-label=${this.label}
              @mousedown=${(event: Event) => event.preventDefault()}
            >
              ${shown.map(
                ([value, about], index) =>
                  html`<li
                    id="option-${index}"
                    role="option"
                    aria-selected=${index === this.chosen ? 'true' : 'false'}
                    @pointerdown=${(event: Event) => {
                      event.preventDefault();
                      this.commit(value);
                    }}
                  >
                    <span>${value}</span><span class="hint">${about}</span>
                  </li>`,
              )}
            </ul>`
          : nothing
      }`;
  }

  override updated(): void {
    this.renderRoot.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }

  private key(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      this.typed ??= this.value;
      const count = this.shown.length;
      if (count > 0) this.chosen = (Math.max(this.chosen, step > 0 ? -1 : 0) + step + count) % count;
    } else if (event.key === 'Enter') this.commit(this.shown[this.chosen]?.[0] ?? this.typed);
    else if (event.key === 'Escape' && this.typed !== null) {
      this.close();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private close(): void {
    this.typed = null;
    this.chosen = -1;
    untold.delete(this);
  }

  flush(): void {
    if (untold.has(this)) this.commit(this.typed);
  }

  private commit(text: string | null): void {
    this.close();
    const detail = text?.trim();
    if (detail !== undefined && detail !== this.value)
      this.dispatchEvent(new CustomEvent<string>('commit', { detail }));
  }

  override disconnectedCallback(): void {
    this.flush();
    super.disconnectedCallback();
  }
}

customElements.define('rf-combobox', Combobox);
