import { css, html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import { errorCode } from '../components/error-code.js';
import { formatCount } from '../../src/shared/format.js';
import { stoppedWords } from '../../src/shared/snapshot-words.js';
import type { TableProgress } from '../../src/shared/snapshot.js';
import { isEveryTableStopped, stoppedTables } from '../../src/shared/stopped-tables.js';
import { panel } from '../components/panel-styles.js';
import { base } from '../components/styles.js';
import '../components/toolkit.js';
import { locale, t } from '../components/words.js';

/** So many at first: below are the figures of what goes on. */
const shownAtFirst = 5;

/** What the monitor begins with when tables have stopped: which, why, what to do, and a way to load each again. */
class StoppedTables extends LitElement {
  static override styles = [
    base,
    panel,
    css`
      h2 {
        font-size: 1.1em;
      }
      h2::first-letter {
        text-transform: uppercase;
      }
      ul {
        list-style: none;
        margin: 0;
        padding: 0;
      }
      li {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 16px;
        align-items: center;
        padding: 8px 0;
        border-top: 1px solid var(--vscode-panel-border, var(--vscode-contrastBorder, transparent));
      }
      li p {
        margin: 0;
        overflow-wrap: anywhere;
      }
      li > .grow {
        flex: 1 1 320px;
      }
    `,
  ];
  static override properties: PropertyDeclarations = {
    tables: { attribute: false },
    canReload: { type: Boolean },
    whole: { state: true },
  };
  declare tables: readonly TableProgress[];
  declare canReload: boolean;
  declare private whole: boolean;

  constructor() {
    super();
    this.tables = [];
    this.canReload = false;
    this.whole = false;
  }

  override render(): TemplateResult | typeof nothing {
    const tables = [...this.tables];
    const stopped = stoppedTables({ tables });
    if (stopped.length === 0) return nothing;
    const shown = this.whole ? stopped : stopped.slice(0, shownAtFirst);
    const hidden = stopped.length - shown.length;
    return html`<section class="card problem" aria-label=${t('Stopped tables')}>
      <h2 class="error" role="alert">${stoppedWords({ tables }, t, locale)}</h2>
      <p class="hint">
        ${
          isEveryTableStopped({ tables })
            ? t('No changes of the source are replicated.')
            : t('No longer kept up to date; the other tables continue.')
        }
      </p>
      <ul>
        ${shown.map((table) => this.item(table))}
      </ul>
      ${
        hidden > 0
          ? html`<button class="plain" @click=${() => (this.whole = true)}>
              ${t('and {0} more', formatCount(hidden, locale))}
            </button>`
          : nothing
      }
    </section>`;
  }

  private item({ source, problem }: TableProgress): TemplateResult {
    const isNamed = problem?.message.includes(source);
    return html`<li>
      <div class="grow">
        <p>
          ${isNamed ? nothing : html`<strong>${source}</strong>`} ${problem?.message ?? t('stopped')}
          ${errorCode(problem?.code)}
        </p>
        ${problem ? html`<p class="hint">${problem.remedy}</p>` : nothing}
      </div>
      ${
        this.canReload
          ? html`<vscode-button
              appearance="secondary"
              aria-label=${t('Reload {0}', source)}
              @click=${() => this.dispatchEvent(new CustomEvent('reload', { detail: source }))}
              >${t('Reload')}</vscode-button
            >`
          : nothing
      }
    </li>`;
  }
}

customElements.define('rf-stopped-tables', StoppedTables);
