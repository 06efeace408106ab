import { html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import type { TaskEditorState } from '../../src/shared/pages.js';
import { bar } from './bar.js';
import { icon } from './icon.js';
import { base } from './styles.js';
import './toolkit.js';
import { t } from './words.js';

/** Stays until the side that did not take its secret takes one. Tells by the event `enter` that it is to be asked for. */
class RefusalBar extends LitElement {
  static override styles = [base, bar];
  static override properties: PropertyDeclarations = { refusal: { attribute: false } };
  declare refusal: TaskEditorState['refused'];

  constructor() {
    super();
    this.refusal = null;
  }

  override render(): TemplateResult | typeof nothing {
    if (this.refusal === null) return nothing;
    const { side, message } = this.refusal;
    return html`<div class="bar" role="alert">
      ${icon('warning')}
      <span class="grow">${message}</span>
      <vscode-button @click=${() => this.dispatchEvent(new CustomEvent('enter'))}
        >${side === 'source' ? t('Enter the Password Again…') : t('Enter the AccessKey Again…')}</vscode-button
      >
    </div>`;
  }
}

customElements.define('rf-refusal', RefusalBar);
