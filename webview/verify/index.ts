import { html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import { formatCount } from '../../src/shared/format.js';
import type { VerifyHost, VerifyState } from '../../src/shared/pages.js';
import type { VerifyReport } from '../../src/shared/protocol.js';
import { connectHost } from '../components/host.js';
import { icon } from '../components/icon.js';
import '../components/page.js';
import { panel } from '../components/panel-styles.js';
import { base } from '../components/styles.js';
import '../components/toolkit.js';
import { locale, t } from '../components/words.js';

/** The comparison of source and destination: how far it is, and what differs. */
class Verify extends LitElement {
  static override styles = [base, panel];
  static override properties: PropertyDeclarations = { state: { state: true } };
  declare private state: VerifyState | null;
  private readonly host = connectHost<VerifyHost, VerifyState>((state) => (this.state = state));

  constructor() {
    super();
    this.state = null;
  }

  override render(): TemplateResult {
    const { state } = this;
    if (!state) return html`<p class="hint" role="status">${t('Loading…')}</p>`;
    return html`<main>
      <header>
        <h1 class="grow clip">${t('Verify: {0}', state.name)}</h1>
        <vscode-button appearance="secondary" @click=${() => void this.host.openTask()}
          >${t('Open the task')}</vscode-button
        >
        <vscode-button ?disabled=${state.running} @click=${() => void this.host.again()}
          >${state.running ? t('Comparing…') : state.report ? t('Verify Again') : t('Verify')}</vscode-button
        >
      </header>
      ${
        state.problem
          ? html`<div class="card problem" role="alert">
              <strong>${state.problem.message}</strong>
              <p>${state.problem.remedy}</p>
            </div>`
          : nothing
      }
      ${state.report ? this.report(state.report) : this.progress(state)}
    </main>`;
  }

  private progress({ running, progress, problem }: VerifyState): TemplateResult {
    if (!running && progress.length === 0) {
      return problem
        ? html``
        : html`<p class="hint">
            ${t('Every row of the source is compared with its row in Tablestore, and back.')}
          </p>`;
    }
    return html`<section role="status">
      <table>
        <thead>
          <tr>
            <th>${t('Table')}</th>
            <th class="number">${t('Rows compared')}</th>
            <th class="number">${t('Rows expected')}</th>
          </tr>
        </thead>
        <tbody>
          ${progress.map(
            ({ table, compared, estimatedRows }) =>
              html`<tr>
                <td>${table}</td>
                <td class="number">${formatCount(compared, locale)}</td>
                <td class="number">
                  ${estimatedRows === null ? '' : `~${formatCount(estimatedRows, locale)}`}
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
    </section>`;
  }

  private report(report: VerifyReport): TemplateResult {
    const count = (value: number) => formatCount(value, locale);
    const figure = (value: number, label: string, tone = '') =>
      html`<div class="card">
        <span class="figure ${tone}">${count(value)}</span><span class="hint">${label}</span>
      </div>`;
    const bad = (value: number) => html`<td class="number ${value > 0 ? 'error' : ''}">${count(value)}</td>`;
    return html`
      <div class="figures" role="status">
        ${figure(report.sourceRows, t('rows in the source'))}
        ${figure(report.destinationRows, t('rows in Tablestore'))}
        ${figure(report.compared, t('rows compared'))}
        ${figure(report.differing, t('rows differ'), report.equal ? 'good' : 'error')}
      </div>
      <section>
        <h2 class="row">
          <span class=${report.equal ? 'good' : 'error'}>${icon(report.equal ? 'pass' : 'fail')}</span>
          ${report.equal ? t('Source and destination are equal.') : t('Source and destination differ.')}
        </h2>
        <table>
          <thead>
            <tr>
              <th>${t('Table')}</th>
              <th class="number">${t('Compared')}</th>
              <th class="number">${t('Missing')}</th>
              <th class="number">${t('Extra')}</th>
              <th class="number">${t('Different')}</th>
              <th class="number">${t('Still changing')}</th>
              <th class="number">${t('Kept')}</th>
              <th class="number">${t('Dirty')}</th>
            </tr>
          </thead>
          <tbody>
            ${report.tables.map(
              (table) =>
                html`<tr>
                    <td>${table.source} → ${table.destination}</td>
                    <td class="number">${count(table.compared)}</td>
                    ${bad(table.missing)} ${bad(table.extra)} ${bad(table.different)}
                    <td class="number">${count(table.suspended)}</td>
                    <td class="number">${count(table.kept)}</td>
                    <td class="number">${count(table.dirty)}</td>
                  </tr>
                  ${
                    table.examples.length > 0
                      ? html`<tr>
                          <td colspan="8">
                            <div class="sql">
                              <pre class="mono" tabindex="0" aria-label=${t('Rows that differ')}>
${table.examples.join('\n')}</pre>
                              <vscode-button
                                appearance="secondary"
                                @click=${() => void this.host.copy(table.examples.join('\n'))}
                                >${t('Copy')}</vscode-button
                              >
                            </div>
                          </td>
                        </tr>`
                      : nothing
                  }`,
            )}
          </tbody>
        </table>
        ${
          report.tables.some((table) => table.notComparable > 0)
            ? html`<p class="hint">
                ${t('Columns that depend on the operation or the clock are left out.')}
              </p>`
            : nothing
        }
      </section>
    `;
  }
}

customElements.define('rf-verify', Verify);
