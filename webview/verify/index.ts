import { css, html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import { formatCount } from '../../src/shared/format.js';
import type { VerifyHost, VerifyState } from '../../src/shared/pages.js';
import type {
  VerifyDifference,
  VerifyProgress,
  VerifyReport,
  VerifyTable,
} from '../../src/shared/verify-report.js';
import { errorCode } from '../components/error-code.js';
import { connectHost, messageOf } from '../components/host.js';
import { icon } from '../components/icon.js';
import '../components/page.js';
import { panel } from '../components/panel-styles.js';
import { sides, sidesLook } from '../components/sides.js';
import { base } from '../components/styles.js';
import '../components/toolkit.js';
import { checkedOf } from '../components/toolkit.js';
import { locale, t } from '../components/words.js';

/** The comparison of source and destination: how far it is, and what differs, both sides of it. */
class Verify extends LitElement {
  static override styles = [
    base,
    panel,
    sidesLook,
    css`
      h3.row {
        margin-top: 10px;
      }
      .kind {
        flex: none;
        min-width: 6em;
      }
    `,
  ];
  static override properties: PropertyDeclarations = {
    state: { state: true },
    open: { state: true },
    whole: { state: true },
    said: { state: true },
  };
  declare private state: VerifyState | null;
  /** Rows whose columns are shown: `table\0key`. */
  declare private open: ReadonlySet<string>;
  /** Columns that are equal are shown too. */
  declare private whole: boolean;
  declare private said: string;
  private readonly host = connectHost<VerifyHost, VerifyState>((state) => {
    if (state.report !== this.state?.report) this.open = firstOf(state.report);
    this.state = state;
  });

  constructor() {
    super();
    this.state = null;
    this.open = new Set();
    this.whole = false;
    this.said = '';
  }

  override render(): TemplateResult {
    const { state } = this;
    if (!state) return html`<p class="hint" role="status">${t('Loading…')}</p>`;
    const { running, report, problem } = state;
    return html`<main>
      <header>
        <div class="grow">
          <h1 class="clip">${t('Verify: {0}', state.name)}</h1>
          <div class="hint" role="status">${summary(state)}</div>
        </div>
        <vscode-button appearance="secondary" @click=${() => this.call(this.host.openTask())}
          >${t('Open the task')}</vscode-button
        >
        ${
          report && report.differing > 0 && !state.repaired
            ? html`<vscode-button appearance="secondary" @click=${() => this.call(this.host.repair())}
                >${t('Repair…')}</vscode-button
              >`
            : nothing
        }
        ${
          running && state.canCancel
            ? html`<vscode-button @click=${() => this.call(this.host.cancel())}
                >${t('Cancel')}</vscode-button
              >`
            : html`<vscode-button ?disabled=${running} @click=${() => this.call(this.host.again())}
                >${running ? t('Comparing…') : report ? t('Verify Again') : t('Verify')}</vscode-button
              >`
        }
      </header>
      ${this.said === '' ? nothing : html`<p class="error" role="alert">${this.said}</p>`}
      ${
        problem
          ? html`<div class="card problem" role="alert">
              <strong>${problem.message}</strong> ${errorCode(problem.code)}
              <p>${problem.remedy}</p>
            </div>`
          : nothing
      }
      ${
        report
          ? html`${this.counts(report, state.repaired)} ${this.differences(report, state.repaired)}`
          : state.progress.length > 0
            ? this.progress(state)
            : running || problem
              ? nothing
              : html`<section>
                  <p class="hint">
                    ${t('Compares every row of the source with its row in Tablestore, and vice versa. The task can keep running: rows with changes in flight are checked again before they count as different.')}
                  </p>
                </section>`
      }
    </main>`;
  }

  private progress({ progress }: VerifyState): TemplateResult {
    return html`<section aria-label=${t('Progress')}>
      <table>
        <thead>
          <tr>
            <th>${t('Table')}</th>
            <th>${t('State')}</th>
            <th class="number">${t('Rows compared')}</th>
            <th class="number">${t('Rows expected')}</th>
            <th class="number">${t('Possibly different')}</th>
          </tr>
        </thead>
        <tbody>
          ${progress.map(
            (one) =>
              html`<tr>
                <td>${one.table}</td>
                <td class="hint">${stageWords(one)}</td>
                <td class="number">${formatCount(one.compared, locale)}</td>
                <td class="number">
                  ${one.estimatedRows === null ? '' : `~${formatCount(one.estimatedRows, locale)}`}
                </td>
                <td class="number ${one.suspects > 0 ? 'warning' : ''}">
                  ${formatCount(one.suspects, locale)}
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
    </section>`;
  }

  private counts(report: VerifyReport, repaired: boolean): TemplateResult {
    const count = (value: number) => formatCount(value, locale);
    const figure = (value: number, label: string, tone = '') =>
      html`<div class="card">
        <span class="figure ${tone}">${count(value)}</span><span class="hint">${label}</span>
      </div>`;
    const good = report.equal || (repaired && report.repaired === report.differing && report.problems === 0);
    const bad = (value: number) => html`<td class="number ${value > 0 ? 'error' : ''}">${count(value)}</td>`;
    return html`
      <div class="figures">
        ${figure(report.sourceRows, t('rows in the source'))}
        ${figure(report.destinationRows, t('rows in Tablestore'))}
        ${figure(report.compared, t('rows compared'))}
        ${
          repaired
            ? figure(report.repaired, t('repaired rows'), 'good')
            : figure(report.differing, t('rows differ'), report.equal ? 'good' : 'error')
        }
      </div>
      <section>
        <h2 class="row">
          <span class=${good ? 'good' : 'error'}>${icon(good ? 'pass' : 'fail')}</span>
          ${headline(report, repaired)}
        </h2>
        <div class="scroll" tabindex="0" role="region" aria-label=${t('Counts')}>
          <table>
            <thead>
              <tr>
                <th>${t('Table')}</th>
                <th class="number">${t('Compared')}</th>
                <th class="number">${t('Missing')}</th>
                <th class="number">${t('Extra')}</th>
                <th class="number">${t('Different')}</th>
                <th class="number">${t('Duplicate')}</th>
                <th class="number">${t('Still changing')}</th>
                <th class="number">${t('Kept')}</th>
                <th class="number">${t('Dirty')}</th>
              </tr>
            </thead>
            <tbody>
              ${report.tables.map(
                (table) =>
                  html`<tr>
                    <td>
                      ${table.source}
                      ${table.destination === '' ? nothing : html`<span class="hint">→ ${table.destination}</span>`}
                    </td>
                    <td class="number">${count(table.compared)}</td>
                    ${bad(table.missing)} ${bad(table.extra)} ${bad(table.different)} ${bad(table.duplicate)}
                    <td class="number">${count(table.suspended)}</td>
                    <td class="number">${count(table.kept)}</td>
                    <td class="number">${count(table.dirty)}</td>
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>
        ${report.tables.map(({ source, problem }) =>
          problem
            ? html`<div class="card problem" role="alert">
                <strong>${source}: ${problem.message}</strong> ${errorCode(problem.code)}
                <p>${problem.remedy}</p>
              </div>`
            : nothing,
        )}
        ${
          report.tables.some((table) => table.notComparable > 0)
            ? html`<p class="hint">
                ${t('Rows that could not be judged, because the operation or time of their last change decides whether the transformation drops them: {0}', count(report.tables.reduce((all, table) => all + table.notComparable, 0)))}
              </p>`
            : nothing
        }
      </section>
    `;
  }

  private differences(report: VerifyReport, repaired: boolean): TemplateResult | typeof nothing {
    const tables = report.tables.filter((table) => table.differences.length > 0);
    if (tables.length === 0) return nothing;
    return html`<section>
      <div class="row">
        <h2 class="grow">${repaired ? t('Repaired rows') : t('Different rows')}</h2>
        <vscode-checkbox .checked=${this.whole} @change=${(event: Event) => (this.whole = checkedOf(event))}
          >${t('Show Equal Columns')}</vscode-checkbox
        >
      </div>
      ${tables.map((table) => this.tableDifferences(table))}
    </section>`;
  }

  private tableDifferences(table: VerifyTable): TemplateResult {
    const all = table.missing + table.extra + table.different + table.duplicate;
    return html`<h3 class="row">
        <span>${table.source}</span>
        ${
          all > table.differences.length
            ? html`<span class="hint"
                >${t('The first {0} of {1}', formatCount(table.differences.length, locale), formatCount(all, locale))}</span
              >`
            : nothing
        }
      </h3>
      ${table.differences.map((difference) => this.row(table, difference))}`;
  }

  private row(table: VerifyTable, difference: VerifyDifference): TemplateResult {
    const name = `${table.source}\0${difference.key}`;
    const isOpen = this.open.has(name);
    const toggle = () => {
      const open = new Set(this.open);
      if (!open.delete(name)) open.add(name);
      this.open = open;
    };
    return html`<div class="item">
      <button class="plain row nowrap" aria-expanded=${isOpen ? 'true' : 'false'} @click=${toggle}>
        ${icon(isOpen ? 'open' : 'closed')}
        <span class="kind ${difference.kind === 'different' ? 'warning' : 'error'}"
          >${kindWords(difference)}</span
        >
        <span class="mono clip">${difference.key}</span>
      </button>
      ${isOpen ? this.sides(difference) : nothing}
    </div>`;
  }

  private sides(difference: VerifyDifference): TemplateResult {
    const { kind, cells } = difference;
    const shown = this.whole || kind !== 'different' ? cells : cells.filter(({ differs }) => differs);
    return html`<div class="details">
      ${
        difference.rows
          ? html`<p>
                ${t('Several rows of the source have this key, but Tablestore can store only one of them. Choose a unique key for the table.')}
              </p>
              <ul>
                ${difference.rows.map((row) => html`<li class="mono">${row}</li>`)}
              </ul>`
          : nothing
      }
      ${sides(shown, { source: kind !== 'extra', destination: kind !== 'missing' })}
      <p>
        <vscode-button
          appearance="secondary"
          @click=${() => this.call(this.host.copy(JSON.stringify(difference, null, 2)))}
          >${t('Copy')}</vscode-button
        >
      </p>
    </div>`;
  }

  private call(work: Promise<unknown>): void {
    this.said = '';
    work.catch((error: unknown) => (this.said = messageOf(error)));
  }
}

/** The first row of a fresh report is open: what there is to see shows without a click. */
function firstOf(report: VerifyReport | null): ReadonlySet<string> {
  const table = report?.tables.find(({ differences }) => differences.length > 0);
  return new Set(table ? [`${table.source}\0${table.differences[0]!.key}`] : []);
}

function headline(report: VerifyReport, repaired: boolean): string {
  if (report.equal) return t('Source and destination are equal.');
  if (report.differing === 0) return t('Some tables could not be compared or have stopped.');
  if (!repaired) return t('Source and destination differ.');
  return report.repaired === report.differing
    ? t('All differences were repaired.')
    : t('Some differences were repaired.');
}

function summary({ running, progress, report, finishedMs, repaired }: VerifyState): string {
  if (running) {
    const last = progress.at(-1);
    return last ? `${last.table}: ${stageWords(last)}` : t('connecting');
  }
  if (report && finishedMs !== null) {
    const at = new Date(finishedMs).toLocaleString(locale);
    return repaired ? t('Compared and repaired on {0}', at) : t('Compared on {0}', at);
  }
  return t('not compared yet');
}

function stageWords({ stage, compared, estimatedRows, repair }: VerifyProgress): string {
  switch (stage) {
    case 'source':
      return estimatedRows
        ? t(
            'looking up rows from the source, {0}%',
            Math.min(99, Math.floor((compared * 100) / estimatedRows)),
          )
        : t('looking up rows from the source');
    case 'destination':
      return t('looking up rows from Tablestore');
    case 'again':
      return t('rechecking differences');
    case 'repair':
      return t(
        'repairing differences, {0} of {1}',
        formatCount(repair?.done ?? 0, locale),
        formatCount(repair?.all ?? 0, locale),
      );
  }
}

function kindWords({ kind }: VerifyDifference): string {
  switch (kind) {
    case 'missing':
      return t('missing');
    case 'extra':
      return t('extra');
    case 'different':
      return t('different');
    case 'duplicate':
      return t('duplicate');
  }
}

customElements.define('rf-verify', Verify);
