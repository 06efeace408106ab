import { css, html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import { repeat } from 'lit/directives/repeat.js';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatShort,
  loadPercent,
} from '../../src/shared/format.js';
import type { MonitorHost, MonitorState, MonitorTuning } from '../../src/shared/pages.js';
import { isRunning, latencyWords, tableLook, taskLook } from '../../src/shared/snapshot-words.js';
import type { TaskSnapshot } from '../../src/shared/snapshot.js';
import type { HistoryPoint } from '../../src/shared/workbench-api.js';
import { connectHost, messageOf } from '../components/host.js';
import '../components/page.js';
import { panel } from '../components/panel-styles.js';
import { base } from '../components/styles.js';
import '../components/toolkit.js';
import { valueOf } from '../components/toolkit.js';
import { locale, t } from '../components/words.js';
import './charts.js';
import { percentOf, shownTables, type SortKey, type Sorting } from './tables.js';

const day = 24 * 3_600_000;

/** How a task does, second by second. */
class Monitor extends LitElement {
  static override styles = [
    base,
    panel,
    css`
      .charts {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(280px, 1fr));
        gap: 16px;
        padding-top: 18px;
      }
      progress {
        width: 100%;
        height: 6px;
        accent-color: var(--vscode-progressBar-background);
      }
      th button {
        font-weight: 600;
      }
      .tuning {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(220px, 1fr));
        gap: 12px 24px;
      }
      .tuning input {
        width: 100%;
        accent-color: var(--vscode-button-background);
      }
      tbody tr {
        content-visibility: auto;
      }
    `,
  ];
  static override properties: PropertyDeclarations = {
    state: { state: true },
    search: { state: true },
    sorting: { state: true },
    span: { state: true },
    past: { state: true },
    said: { state: true },
    asText: { state: true },
  };
  declare private state: MonitorState | null;
  declare private search: string;
  declare private sorting: Sorting;
  declare private span: 'live' | 'day';
  declare private past: HistoryPoint[];
  declare private said: string;
  declare private asText: boolean;
  private readonly host = connectHost<MonitorHost, MonitorState>((state) => (this.state = state));

  constructor() {
    super();
    this.state = null;
    this.search = '';
    this.sorting = { key: 'source', descending: false };
    this.span = 'live';
    this.past = [];
    this.said = '';
    this.asText = false;
  }

  override render(): TemplateResult {
    const { state } = this;
    if (!state) return html`<p class="hint" role="status">${t('Loading…')}</p>`;
    const { snapshot } = state;
    return html`<main>
      ${this.heading(state)}
      ${this.said === '' ? nothing : html`<p class="error" role="alert">${this.said}</p>`}
      ${
        snapshot
          ? html`${this.problem(snapshot)} ${this.figures(snapshot)} ${this.charts(state)}
            ${this.tables(snapshot)} ${this.tuning(state, snapshot)} ${this.log(state)}`
          : html`<p class="hint">${t('This task has not been started on this machine.')}</p>`
      }
    </main>`;
  }

  private heading(state: MonitorState): TemplateResult {
    const { snapshot, methods } = state;
    const look = taskLook(snapshot ?? undefined, true, t, locale);
    const button = (label: string, call: () => Promise<void>, appearance = 'secondary') =>
      html`<vscode-button appearance=${appearance} @click=${() => this.call(call())}
        >${label}</vscode-button
      >`;
    return html`<header>
      <div class="grow">
        <h1 class="clip">${t('Monitor: {0}', state.name)}</h1>
        <div class="hint" role="status">${look.description}</div>
      </div>
      ${button(t('Open the task'), () => this.host.openTask())}
      ${methods.includes('pause') && snapshot?.state === 'running' ? button(t('Pause'), () => this.host.pause()) : nothing}
      ${methods.includes('resume') && snapshot?.state === 'paused' ? button(t('Resume'), () => this.host.resume(), 'primary') : nothing}
      ${look.canStop ? button(t('Stop'), () => this.host.stop(), 'primary') : nothing}
      ${look.canStart ? button(t('Start'), () => this.host.start(), 'primary') : nothing}
    </header>`;
  }

  private problem(snapshot: TaskSnapshot): TemplateResult | typeof nothing {
    const { retry } = snapshot;
    const error = snapshot.error ?? retry?.error;
    if (!error) return nothing;
    return html`<div class="card problem" role="alert">
      <strong>${error.message}</strong>
      <p>${error.remedy}</p>
      ${
        retry
          ? html`<p class="hint">
              ${t('Attempt {0}; it goes on trying for {1}.', retry.attempt, formatDuration(Math.max(0, retry.untilMs - snapshot.atMs), t, locale))}
            </p>`
          : nothing
      }
    </div>`;
  }

  private figures(snapshot: TaskSnapshot): TemplateResult {
    const { full, inserted, updated, deleted } = snapshot.rows;
    const percent = loadPercent(snapshot);
    const figure = (value: string, label: string, tone = '') =>
      html`<div class="card">
        <span class="figure ${tone}">${value}</span><span class="hint">${label}</span>
      </div>`;
    return html`<div class="figures">
        ${figure(formatShort(snapshot.rowsPerSecond, locale), t('rows per second'))}
        ${figure(`${formatBytes(snapshot.bytesPerSecond, locale)}/s`, t('bytes'))}
        ${figure(latencyWords(snapshot.latencyMs, t, locale), t('latency'))}
        ${figure(formatCount(full, locale), t('rows loaded'))}
        ${figure(formatCount(inserted + updated + deleted, locale), t('changes: {0} inserts, {1} updates, {2} deletes', inserted, updated, deleted))}
        <div class="card">
          <span class="figure ${snapshot.dirty > 0 ? 'warning' : ''}"
            >${formatCount(snapshot.dirty, locale)}</span
          >
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
      </div>
      ${percent === null ? nothing : html`<p><progress max="100" value=${percent} aria-label=${t('Full load')}></progress></p>`}`;
  }

  private charts(state: MonitorState): TemplateResult {
    const points = this.span === 'live' ? state.live : this.past;
    const chart = (
      label: string,
      value: (point: HistoryPoint) => number | null,
      format: (value: number) => string,
      colour: string,
    ) =>
      html`<rf-chart
        .points=${points}
        .value=${value}
        .format=${format}
        label=${label}
        colour=${colour}
      ></rf-chart>`;
    return html`<section aria-label=${t('Charts')}>
      <div class="row">
        <vscode-checkbox
          .checked=${live(this.asText)}
          @change=${(event: Event) => (this.asText = (event.target as HTMLInputElement).checked)}
          >${t('As a table')}</vscode-checkbox
        >
        ${
          state.methods.includes('history')
            ? html`<vscode-dropdown
                aria-label=${t('Time span')}
                @change=${(event: Event) => void this.choose(valueOf(event))}
              >
                <vscode-option value="live" ?selected=${this.span === 'live'}
                  >${t('Last ten minutes')}</vscode-option
                >
                <vscode-option value="day" ?selected=${this.span === 'day'}
                  >${t('Last 24 hours')}</vscode-option
                >
              </vscode-dropdown>`
            : nothing
        }
      </div>
      ${
        this.asText
          ? this.textTable(points)
          : html`<div class="charts">
              ${chart(t('Rows per second'), rowsOf, (v) => formatShort(v, locale), '--vscode-charts-blue')}
              ${chart(t('Megabytes per second'), megabytesOf, (v) => formatShort(v, locale), '--vscode-charts-green')}
              ${chart(t('Latency'), latencyOf, (v) => formatDuration(v, t, locale), '--vscode-charts-orange')}
            </div>`
      }
    </section>`;
  }

  private async choose(span: string): Promise<void> {
    this.span = span === 'day' ? 'day' : 'live';
    if (this.span === 'day') {
      try {
        this.past = await this.host.history(Date.now() - day);
      } catch (error) {
        this.said = messageOf(error);
      }
    }
  }

  private textTable(points: readonly HistoryPoint[]): TemplateResult {
    return html`<div class="scroll">
      <table>
        <thead>
          <tr>
            <th>${t('Time')}</th>
            <th class="number">${t('Rows per second')}</th>
            <th class="number">${t('Megabytes per second')}</th>
            <th class="number">${t('Latency')}</th>
          </tr>
        </thead>
        <tbody>
          ${points
            .slice(-60)
            .reverse()
            .map(
              (point) =>
                html`<tr>
                  <td>${new Date(point.atMs).toLocaleTimeString(locale)}</td>
                  <td class="number">${formatCount(point.rowsPerSecond, locale)}</td>
                  <td class="number">${(point.bytesPerSecond / 1e6).toFixed(2)}</td>
                  <td class="number">${latencyWords(point.latencyMs, t, locale)}</td>
                </tr>`,
            )}
        </tbody>
      </table>
    </div>`;
  }

  private tables(snapshot: TaskSnapshot): TemplateResult {
    const shown = shownTables(snapshot.tables, this.search, this.sorting);
    const head = (key: SortKey, label: string, number = false) => {
      const on = this.sorting.key === key;
      const order = on ? (this.sorting.descending ? 'descending' : 'ascending') : 'none';
      return html`<th class=${number ? 'number' : ''} aria-sort=${order}>
        <button
          class="plain"
          @click=${() => (this.sorting = { key, descending: on ? !this.sorting.descending : number })}
        >
          ${label} ${on ? (this.sorting.descending ? '▾' : '▴') : ''}
        </button>
      </th>`;
    };
    return html`<section>
      <div class="row">
        <h2 class="grow">
          ${t('Tables')} <span class="badge">${formatCount(snapshot.tables.length, locale)}</span>
        </h2>
        <vscode-text-field
          aria-label=${t('Search tables')}
          placeholder=${t('Search tables')}
          .value=${live(this.search)}
          @input=${(event: Event) => (this.search = valueOf(event))}
        ></vscode-text-field>
      </div>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              ${head('source', t('Table'))} ${head('phase', t('State'))} ${head('rows', t('Rows'), true)}
              ${head('percent', t('Loaded'), true)}
            </tr>
          </thead>
          <tbody>
            ${repeat(
              shown,
              (table) => table.source,
              (table) => {
                const percent = percentOf(table);
                return html`<tr>
                  <td>${table.source} <span class="hint">→ ${table.destination}</span></td>
                  <td class=${table.problem ? 'error' : ''}>${tableLook(table, t, locale).description}</td>
                  <td class="number">${formatCount(table.rows, locale)}</td>
                  <td class="number">${percent === null ? '' : t('{0}%', percent)}</td>
                </tr>`;
              },
            )}
          </tbody>
        </table>
      </div>
    </section>`;
  }

  /** Handles that take effect at once; the file keeps what is to last. */
  private tuning(state: MonitorState, snapshot: TaskSnapshot): TemplateResult | typeof nothing {
    const { write, throttle } = state;
    if (!write || !throttle || !state.methods.includes('tune') || !isRunning(snapshot.state)) return nothing;
    const slider = (
      label: string,
      value: number,
      from: number,
      to: number,
      tuning: (value: number) => MonitorTuning,
    ) =>
      html`<label>
        ${label}
        <input
          type="range"
          min=${from}
          max=${to}
          .value=${String(value)}
          aria-valuetext=${String(value)}
          @change=${(event: Event) => this.call(this.host.tune(tuning(Number(valueOf(event)))))}
        />
      </label>`;
    const limit = (label: string, value: number | null, tuning: (value: number | null) => MonitorTuning) =>
      html`<vscode-text-field
        placeholder=${t('no limit')}
        .value=${value === null ? '' : String(value)}
        @change=${(event: Event) => {
          const text = valueOf(event).trim();
          if (text !== '' && !(Number(text) > 0)) this.said = t('Enter a number, or nothing for no limit.');
          else this.call(this.host.tune(tuning(text === '' ? null : Number(text))));
        }}
        >${label}</vscode-text-field
      >`;
    return html`<section>
      <h2>${t('Tuning')}</h2>
      <p class="hint">${t('Takes effect at once. What is to last belongs in the task file.')}</p>
      <div class="tuning">
        ${slider(t('Concurrency'), write.concurrency, 1, 100, (concurrency) => ({ write: { concurrency } }))}
        ${slider(t('Buckets'), write.buckets, 1, 100, (buckets) => ({ write: { buckets } }))}
        ${limit(t('Full load: rows'), throttle.full.rowsPerSecond, (rowsPerSecond) => ({ throttle: { full: { rowsPerSecond } } }))}
        ${limit(t('Incremental: rows'), throttle.incremental.rowsPerSecond, (rowsPerSecond) => ({ throttle: { incremental: { rowsPerSecond } } }))}
      </div>
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
      <pre class="mono scroll" tabindex="0" role="log">${state.logTail.slice(-12).join('\n')}</pre>
    </section>`;
  }

  private call(work: Promise<unknown>): void {
    this.said = '';
    work.catch((error: unknown) => (this.said = messageOf(error)));
  }
}

const rowsOf = ({ rowsPerSecond }: HistoryPoint) => rowsPerSecond;
const megabytesOf = ({ bytesPerSecond }: HistoryPoint) => bytesPerSecond / 1e6;
const latencyOf = ({ latencyMs }: HistoryPoint) => latencyMs;

customElements.define('rf-monitor', Monitor);
