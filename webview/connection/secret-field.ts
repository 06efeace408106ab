import { css, html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import type { SecretState } from '../../src/shared/pages.js';
import { plainInput, untold } from '../components/input.js';
import { base } from '../components/styles.js';
import { valueOf } from '../components/toolkit.js';
import { t } from '../components/words.js';

/**
 * A secret that can be typed and never shown: what is stored does not come to a page. Event `commit`: what was typed,
 * as it was typed; null when the field was emptied again, and '' to have no secret.
 */
export class SecretField extends LitElement {
  static override styles = [
    base,
    plainInput,
    css`
      label {
        display: block;
        margin-bottom: 2px;
        line-height: normal;
      }
      input {
        flex: 1 1 auto;
        min-width: 0;
      }
    `,
  ];
  static override properties: PropertyDeclarations = {
    label: {},
    state: {},
    invalid: { type: Boolean },
    removable: { type: Boolean },
  };
  declare label: string;
  declare state: SecretState;
  declare invalid: boolean;
  /** There may be none. */
  declare removable: boolean;
  private typed = '';

  constructor() {
    super();
    this.label = '';
    this.state = 'none';
    this.invalid = false;
    this.removable = false;
  }

  override render(): TemplateResult {
    const hint = {
      none: '',
      stored: t('stored; type to replace'),
      entered: t('entered; type to replace'),
    }[this.state];
    return html`<label for="field">${this.label}</label>
      <div class="row nowrap">
        <input
          id="field"
          type="password"
          autocomplete="new-password"
          class=${this.invalid ? 'invalid' : nothing}
          placeholder=${hint}
          aria-invalid=${this.invalid ? 'true' : nothing}
          @input=${(event: Event) => {
            this.typed = valueOf(event);
            untold.add(this);
          }}
          @change=${() => this.flush()}
        />
        ${
          this.removable && this.state !== 'none'
            ? html`<vscode-button
                appearance="secondary"
                aria-label=${t('Remove: {0}', this.label)}
                @click=${() => {
                  this.clear();
                  this.tell('');
                }}
                >${t('Remove')}</vscode-button
              >`
            : nothing
        }
      </div>`;
  }

  override focus(): void {
    this.renderRoot.querySelector('input')?.focus();
  }

  /** Forgets what was typed. */
  clear(): void {
    untold.delete(this);
    this.typed = '';
    const input = this.renderRoot.querySelector('input');
    if (input) input.value = '';
  }

  flush(): void {
    if (untold.delete(this)) this.tell(this.typed === '' ? null : this.typed);
  }

  private tell(detail: string | null): void {
    this.dispatchEvent(new CustomEvent<string | null>('commit', { detail }));
  }

  override disconnectedCallback(): void {
    this.flush();
    super.disconnectedCallback();
  }
}

customElements.define('rf-secret', SecretField);
