import { css, html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import { base } from './styles.js';
import { valueOf } from './toolkit.js';

const pauseMs = 400;
/** Fields with something typed that they have not told yet. */
export const untold = new Set<{ flush(): void }>();

/** What is typed and not yet told is told now: before a save, or before the page goes. */
export function flushInputs(): void {
  for (const input of [...untold]) input.flush();
}

/** The browser's own field. */
export const plainInput = css`
  /* As the toolkit's field looks; a list of them is drawn five times as fast. */
  input {
    width: 100%;
    height: 26px;
    padding: 0 9px;
    color: var(--vscode-input-foreground);
    background: var(--vscode-input-background);
    border: 1px solid
      var(--vscode-settings-textInputBorder, var(--vscode-settings-dropdownBorder, transparent));
    border-radius: 2px;
    font: inherit;
  }
  input::placeholder {
    color: var(--vscode-input-placeholderForeground);
  }
  input:focus-visible {
    outline: none;
    border-color: var(--vscode-focusBorder);
  }
  input.invalid {
    border-color: var(--vscode-inputValidation-errorBorder);
  }
`;

/**
 * A line of text whose value lives elsewhere. What is typed is told after a pause, on Enter and when the field is
 * left (event `commit`, the text as detail); what comes back meanwhile does not disturb the typing.
 */
export class Input extends LitElement {
  static override styles = [
    base,
    plainInput,
    css`
      vscode-text-field {
        display: block;
        width: 100%;
      }
      vscode-text-field.invalid {
        --vscode-settings-textInputBorder: var(--vscode-inputValidation-errorBorder);
        --dropdown-border: var(--vscode-inputValidation-errorBorder);
      }
    `,
  ];
  static override properties: PropertyDeclarations = {
    value: {},
    label: {},
    name: {},
    placeholder: {},
    disabled: { type: Boolean },
    invalid: { type: Boolean },
    plain: { type: Boolean },
    typed: { state: true },
  };
  declare value: string;
  /** Shown above; without it `name` is the label that only screen readers tell. */
  declare label: string | undefined;
  declare name: string | undefined;
  declare placeholder: string | undefined;
  declare disabled: boolean;
  declare invalid: boolean;
  /** For rows of a long list: the browser's own field, without a visible label. */
  declare plain: boolean;
  declare private typed: string | null;
  private told: string | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private settling: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.value = '';
    this.disabled = false;
    this.invalid = false;
    this.plain = false;
    this.typed = null;
  }

  override willUpdate(changed: Map<string, unknown>): void {
    // The echo of what was told leaves the typing alone; another value (undo, the text editor) is shown.
    if (changed.has('value') && this.typed !== null && this.value !== this.told && !untold.has(this))
      this.typed = null;
  }

  override render(): TemplateResult {
    if (this.plain)
      return html`<input
        class=${this.invalid ? 'invalid' : nothing}
        aria-label=${this.name ?? nothing}
        aria-invalid=${this.invalid ? 'true' : nothing}
        placeholder=${this.placeholder ?? nothing}
        ?disabled=${this.disabled}
        .value=${live(this.typed ?? this.value)}
        @input=${(event: Event) => this.type(event)}
        @change=${() => this.flush()}
        @focusout=${() => this.leave()}
      />`;
    return html`<vscode-text-field
      class=${this.invalid ? 'invalid' : nothing}
      aria-label=${this.label === undefined ? (this.name ?? nothing) : nothing}
      aria-invalid=${this.invalid ? 'true' : nothing}
      placeholder=${this.placeholder ?? nothing}
      ?disabled=${this.disabled}
      .value=${live(this.typed ?? this.value)}
      @input=${(event: Event) => this.type(event)}
      @change=${() => this.flush()}
      @focusout=${() => this.leave()}
      >${this.label ?? nothing}</vscode-text-field
    >`;
  }

  override focus(): void {
    this.renderRoot.querySelector<HTMLElement>('input, vscode-text-field')?.focus();
  }

  private type(event: Event): void {
    this.typed = valueOf(event);
    clearTimeout(this.settling);
    clearTimeout(this.timer);
    untold.add(this);
    this.timer = setTimeout(() => this.flush(), pauseMs);
  }

  flush(): void {
    clearTimeout(this.timer);
    if (!untold.delete(this) || this.typed === null) return;
    this.told = this.typed.trim();
    if (this.told !== this.value)
      this.dispatchEvent(new CustomEvent<string>('commit', { detail: this.told }));
  }

  /** What the document made of it is shown once the field is left. */
  private leave(): void {
    this.flush();
    clearTimeout(this.settling);
    this.settling = setTimeout(() => (this.typed = null), 800);
  }

  override disconnectedCallback(): void {
    this.flush();
    super.disconnectedCallback();
  }
}

customElements.define('rf-input', Input);

export function committed(event: Event): string {
  return (event as CustomEvent<string>).detail;
}
