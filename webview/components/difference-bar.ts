import { html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import type { DifferenceAction } from '../../src/shared/pages.js';
import { bar } from './bar.js';
import { icon } from './icon.js';
import { base } from './styles.js';
import './toolkit.js';
import { t } from './words.js';

/** Stays for as long as a task runs with other settings than its file: which, and what to do. Tells it by the event `act`. */
class DifferenceBar extends LitElement {
  static override styles = [base, bar];
  static override properties: PropertyDeclarations = { keys: { attribute: false } };
  declare keys: readonly string[];

  constructor() {
    super();
    this.keys = [];
  }

  override render(): TemplateResult | typeof nothing {
    if (this.keys.length === 0) return nothing;
    const button = (label: string, detail: DifferenceAction, appearance = 'secondary') =>
      html`<vscode-button
        appearance=${appearance}
        @click=${() => this.dispatchEvent(new CustomEvent<DifferenceAction>('act', { detail }))}
        >${label}</vscode-button
      >`;
    return html`<div class="bar" role="status">
      ${icon('warning')}
      <span class="grow">${t('Running with other settings than the file: {0}', this.keys.join(', '))}</span>
      ${button(t('Show Changes'), 'showChanges')} ${button(t('Apply'), 'applyChanges', 'primary')}
      ${button(t('Restart'), 'restart')}
    </div>`;
  }
}

customElements.define('rf-difference', DifferenceBar);
