import { css, html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatShort,
  loadPercent,
} from '../../src/shared/format.js';
import type { DifferenceAction, MonitorHost, MonitorState, MonitorTuning } from '../../src/shared/pages.js';
import { delayWords, loadingLook, positionWords, taskLook } from '../../src/shared/snapshot-words.js';
import { refusedSide } from '../../src/shared/refusal.js';
import type { TableAudit, TaskSnapshot } from '../../src/shared/snapshot.js';
import { isEveryTableStopped } from '../../src/shared/stopped-tables.js';
import { isRunning, offers } from '../../src/shared/task-actions.js';
import { errorCode } from '../components/error-code.js';
import { connectHost, messageOf } from '../components/host.js';
import { icon } from '../components/icon.js';
import '../components/difference-bar.js';
import '../components/page.js';
import { panel } from '../components/panel-styles.js';
import { base } from '../components/styles.js';
import '../components/toolkit.js';
import { locale, t } from '../components/words.js';
import './charts.js';
import { stateWords, stepsOf } from './phases.js';
import './stopped-tables.js';
import './tables-section.js';
import './tuning.js';

/** Of what the audit found; the command line has all of it. */
const shownDifferences = 20;

function differenceWords(kind: TableAudit['first'][number]['kind']): string {
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

/** How a task does, second by second. */
class Monitor extends LitElement {
  static override styles = [
    base,
    panel,
    css`
      .phases {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 22px;
        list-style: none;
        margin: 0;
        padding: 16px 0 0;
      }
      .phases li {
        display: flex;
        gap: 6px;
        align-items: center;
        color: var(--vscode-descriptionForeground);
      }
      .phases li[aria-current] {
        color: var(--vscode-foreground);
        font-weight: 600;
      }
      .dot {
        width: 8px;
        height: 8px;
        margin: 4px;
        border-radius: 4px;
        border: 1px solid currentColor;
      }
      li[aria-current] .dot {
        background: var(--vscode-charts-green);
        border-color: var(--vscode-charts-green);
      }
      li[aria-current] .dot.idle {
        background: var(--vscode-errorForeground);
        border-color: var(--vscode-errorForeground);
      }
      progress {
        display: block;
        width: 100%;
        height: 6px;
        margin-top: 12px;
        accent-color: var(--vscode-progressBar-background);
      }
      .figures {
        grid-template-columns: repeat(3, minmax(0, 1fr));
      }
      @media (max-width: 560px) {
        .figures {
          grid-template-columns: repeat(2, minmax(0, 1fr));
        }
      }
      .limits,
      .position {
        margin: 12px 0 0;
      }
      .position {
        overflow-wrap: anywhere;
      }
      pre.log {
        height: 14em;
        max-height: none;
      }
    `,
  ];
  static override properties: PropertyDeclarations = {
    state: { state: true },
    said: { state: true },
  };
  declare private state: MonitorState | null;
  declare private said: string;
  private readonly host = connectHost<MonitorHost, MonitorState>((state) => (this.state = state));
  private readonly history = (sinceMs: number) => this.host.history(sinceMs);

  constructor() {
    super();
    this.state = null;
    this.said = '';
  }

  override render(): TemplateResult {
    const { state } = this;
    if (!state) return html`<p class="hint" role="status">${t('Loading…')}</p>`;
    const { snapshot, write, throttle } = state;
    return html`<main>
      ${this.heading(state)}
      <rf-difference
        .keys=${state.differences}
        @act=${(event: CustomEvent<DifferenceAction>) => this.call(this.host.settings(event.detail))}
      ></rf-difference>
      ${this.said === '' ? nothing : html`<p class="error" role="alert">${this.said}</p>`}
      ${
        snapshot
          ? html`${this.problem(snapshot)}
              <rf-stopped-tables
                .tables=${snapshot.tables}
                .canReload=${state.methods.includes('reload')}
                @reload=${(event: CustomEvent<string>) => this.call(this.host.reload(event.detail))}
              ></rf-stopped-tables>
              ${this.phases(state, snapshot)} ${this.figures(snapshot)}
              <rf-charts
                .points=${state.live}
                .history=${state.methods.includes('history') ? this.history : null}
              ></rf-charts>
              ${this.position(snapshot)}
              <rf-tables .tables=${snapshot.tables}></rf-tables>
              ${
                write && throttle && state.methods.includes('tune') && isRunning(snapshot.state)
                  ? html`<rf-tuning
                      .write=${write}
                      .throttle=${throttle}
                      .phase=${snapshot.phase}
                      @tune=${(event: CustomEvent<MonitorTuning>) => this.call(this.host.tune(event.detail))}
                    ></rf-tuning>`
                  : nothing
              }
              ${this.audit(snapshot)} ${this.log(state)}`
          : html`<section>
              <p class="hint" role="status">
                ${state.isLooking ? t('Loading…') : t('This task has not been started on this machine.')}
              </p>
            </section>`
      }
    </main>`;
  }

  private heading(state: MonitorState): TemplateResult {
    const { snapshot, methods } = state;
    const look =
      snapshot || !state.isLooking ? taskLook(snapshot ?? undefined, true, t, locale) : loadingLook(t);
    const button = (label: string, call: () => Promise<void>, appearance = 'secondary') =>
      html`<vscode-button appearance=${appearance} @click=${() => this.call(call())}
        >${label}</vscode-button
      >`;
    return html`<header>
      <div class="grow">
        <h1 class="clip">${t('Monitor: {0}', state.name)}</h1>
        <div class="hint clip">${look.description}</div>
        <div class="visually-hidden" role="status">${snapshot ? stateWords(snapshot, t) : ''}</div>
      </div>
      ${button(t('Open the task'), () => this.host.openTask())}
      ${methods.includes('pause') && offers(snapshot?.state, 'pause') ? button(t('Pause'), () => this.host.pause()) : nothing}
      ${methods.includes('resume') && offers(snapshot?.state, 'resume') ? button(t('Resume'), () => this.host.resume(), 'primary') : nothing}
      ${look.canStop ? button(t('Stop'), () => this.host.stop(), 'primary') : nothing}
      ${look.canStart ? button(t('Start'), () => this.host.start(), 'primary') : nothing}
    </header>`;
  }

  private problem(snapshot: TaskSnapshot): TemplateResult | typeof nothing {
    const { retry } = snapshot;
    const error = snapshot.error ?? retry?.error;
    if (!error) return nothing;
    return html`<div class="card problem">
      <div role="alert">
        <strong>${error.message}</strong> ${errorCode(error.code)}
        <p>${error.remedy}</p>
      </div>
      ${
        retry
          ? html`<p class="hint">
              ${t('Attempt {0}; retries for another {1}.', retry.attempt, formatDuration(Math.max(0, retry.untilMs - snapshot.atMs), t, locale))}
            </p>`
          : nothing
      }
      ${
        refusedSide(error.code) === undefined
          ? nothing
          : html`<p>
              <vscode-button @click=${() => this.call(this.host.enterSecrets())}
                >${t('Enter Again…')}</vscode-button
              >
            </p>`
      }
      ${
        snapshot.state === 'blocked'
          ? html`<p class="row">
              <vscode-button @click=${() => this.call(this.host.dirty())}
                >${t('Show dirty data')}</vscode-button
              >
              <vscode-button appearance="secondary" @click=${() => this.call(this.host.retryDirty())}
                >${t('Retry with the current settings and continue')}</vscode-button
              >
            </p>`
          : nothing
      }
    </div>`;
  }

  private phases(state: MonitorState, snapshot: TaskSnapshot): TemplateResult {
    const percent = loadPercent(snapshot);
    const steps = stepsOf(snapshot, state.synchronization, t);
    return html`<ol class="phases" aria-label=${t('Phases')}>
        ${steps.map(
          (step) =>
            html`<li aria-current=${step.state === 'now' ? 'step' : nothing}>
              ${step.state === 'done' ? html`<span class="good">${icon('pass')}</span>` : html`<span class="dot ${step.idle ? 'idle' : ''}"></span>`}
              <span>${step.title}</span>
              <span class="visually-hidden"
                >${step.state === 'done' ? t('done') : step.state === 'now' ? t('in progress') : t('not yet')}</span
              >
              <span>${step.detail}</span>
            </li>`,
        )}
      </ol>
      ${percent === null ? nothing : html`<progress max="100" value=${percent} aria-label=${t('Full load')}></progress>`}
      ${this.limits(snapshot)} ${this.strain(snapshot)}`;
  }

  /** What slows it down on purpose. */
  private limits({
    throttle,
    phase,
    rowsPerSecond,
    bytesPerSecond,
  }: TaskSnapshot): TemplateResult | typeof nothing {
    if (!throttle) return nothing;
    const { queriesPerSecond = null } = throttle;
    const rates = [
      throttle.rowsPerSecond === null ? '' : t('{0} rows/s', formatCount(throttle.rowsPerSecond, locale)),
      throttle.megabytesPerSecond === null
        ? ''
        : t('{0} MB/s', new Intl.NumberFormat(locale).format(throttle.megabytesPerSecond)),
      queriesPerSecond === null || phase !== 'full'
        ? ''
        : t('{0} queries/s', formatCount(queriesPerSecond, locale)),
    ].filter((rate) => rate !== '');
    if (rates.length === 0) return nothing;
    const reached =
      rowsPerSecond >= 0.9 * (throttle.rowsPerSecond ?? Infinity) ||
      bytesPerSecond >= 0.9e6 * (throttle.megabytesPerSecond ?? Infinity);
    return html`<p class="limits hint">
      ${t('Limited to {0}', rates.join(', '))}${reached ? html` · <span class="warning">${t('the limit is reached')}</span>` : nothing}
    </p>`;
  }

  private strain({ strain }: TaskSnapshot): TemplateResult | typeof nothing {
    if (!strain) return nothing;
    const values = [formatCount(strain.actual, locale), formatCount(strain.limit, locale)] as const;
    return html`<p class="limits warning">
      ${
        strain.what === 'threads-running'
          ? t('The load is paused: the source runs {0} threads (limit {1}).', ...values)
          : t('The load is paused: the source is {0} s behind its own source (limit {1} s).', ...values)
      }
    </p>`;
  }

  /** A long GTID set may wrap where it likes. */
  private position({ position }: TaskSnapshot): TemplateResult | typeof nothing {
    const lines = positionWords(position, t, locale);
    return lines.length === 0 ? nothing : html`<p class="position hint">${lines.join(' · ')}</p>`;
  }

  private figures(snapshot: TaskSnapshot): TemplateResult {
    const { full, inserted, updated, deleted } = snapshot.rows;
    const { lagTransactions } = snapshot;
    const figure = (value: string, label: string, tone = '') =>
      html`<div class="card">
        <span class="figure ${tone}">${value}</span><span class="hint">${label}</span>
      </div>`;
    const count = (value: number) => formatCount(value, locale);
    const behind = lagTransactions
      ? t('latency · {0} transactions pending', count(lagTransactions))
      : t('latency');
    return html`<div class="figures">
      ${figure(formatShort(snapshot.rowsPerSecond, locale), t('rows per second'))}
      ${figure(`${formatBytes(snapshot.bytesPerSecond, locale)}/s`, t('written'))}
      ${figure(delayWords(snapshot, t, locale), behind, isEveryTableStopped(snapshot) ? 'error' : '')}
      ${figure(count(full), t('rows loaded'))}
      ${figure(count(inserted + updated + deleted), t('changes · {0} inserted, {1} updated, {2} deleted', count(inserted), count(updated), count(deleted)))}
      <div class="card">
        <span class="figure ${snapshot.dirty > 0 ? 'warning' : ''}">${count(snapshot.dirty)}</span>
        ${
          snapshot.dirty > 0
            ? html`<vscode-link
                href="#"
                @click=${(event: Event) => {
                  event.preventDefault();
                  this.call(this.host.dirty());
                }}
                >${t('dirty rows')}</vscode-link
              >`
            : html`<span class="hint">${t('dirty rows')}</span>`
        }
      </div>
    </div>`;
  }

  /** How far the audit is, and the rows that it found. */
  private audit({ audit, tables }: TaskSnapshot): TemplateResult | typeof nothing {
    if (!audit) return nothing;
    const { differences, repaired, lastPass, rows, waits } = audit;
    const count = (value: number) => formatCount(value, locale);
    const facts = [
      t('{0} rows compared', count(rows)),
      lastPass
        ? t(
            'last full pass of {0} rows on {1}',
            count(lastPass.rows),
            new Date(lastPass.finishedMs).toLocaleString(locale),
          )
        : t('first pass in progress'),
      ...(repaired > 0 ? [t('{0} rows repaired', count(repaired))] : []),
      ...(waits === 'load'
        ? [t('waiting for a load')]
        : waits === 'lag'
          ? [t('waiting for the task to catch up')]
          : []),
    ];
    const found = tables.flatMap(({ source, audit: own }) =>
      (own?.first ?? []).map((difference) => ({ source, ...difference })),
    );
    const problems = tables.flatMap(({ source, audit: own }) =>
      own?.problem ? [`${source}: ${own.problem.message} ${own.problem.remedy}`] : [],
    );
    return html`<section aria-label=${t('Audit')}>
      <h2>${t('Audit')}</h2>
      <p class="hint">${facts.join(' · ')}</p>
      ${
        differences > 0
          ? html`<p class="warning" role="status">
                ${differences === 1 ? t('1 row differs') : t('{0} rows differ', count(differences))}
              </p>
              <table>
                <thead>
                  <tr>
                    <th>${t('Table')}</th>
                    <th>${t('Key')}</th>
                    <th>${t('Difference')}</th>
                    <th>${t('Since')}</th>
                  </tr>
                </thead>
                <tbody>
                  ${found.slice(0, shownDifferences).map(
                    ({ source, key, kind, rows: several, sinceMs }) =>
                      html`<tr>
                        <td>${source}</td>
                        <td class="mono">
                          ${key}${several ? ` ← ${several.map((row) => `(${row})`).join(', ')}` : ''}
                        </td>
                        <td>${differenceWords(kind)}</td>
                        <td>${new Date(sinceMs).toLocaleString(locale)}</td>
                      </tr>`,
                  )}
                </tbody>
              </table>`
          : nothing
      }
      ${problems.map((problem) => html`<p class="warning">${problem}</p>`)}
    </section>`;
  }

  private log(state: MonitorState): TemplateResult {
    return html`<section>
      <div class="row">
        <h2 class="grow">${t('Log')}</h2>
        <vscode-button appearance="secondary" @click=${() => this.call(this.host.logs())}
          >${t('Show Logs')}</vscode-button
        >
      </div>
      ${
        state.logTail.length === 0
          ? html`<p class="hint">${t('No log entries since this window opened.')}</p>`
          : html`<pre class="mono log" tabindex="0" role="log" aria-live="off" aria-label=${t('Log')}>
${state.logTail.join('\n')}</pre>`
      }
    </section>`;
  }

  /** The log shows its end, unless somebody scrolled up to read. */
  private atEnd = true;
  override willUpdate(): void {
    const log = this.renderRoot.querySelector('.log');
    this.atEnd = !log || log.scrollHeight - log.scrollTop - log.clientHeight < 8;
  }
  override updated(): void {
    const log = this.renderRoot.querySelector('.log');
    if (log && this.atEnd) log.scrollTop = log.scrollHeight;
  }

  private call(work: Promise<unknown>): void {
    this.said = '';
    work.catch((error: unknown) => (this.said = messageOf(error)));
  }
}

customElements.define('rf-monitor', Monitor);
