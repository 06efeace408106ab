import { css, html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import { formatCount, formatDuration, formatShort } from '../../src/shared/format.js';
import { latencyWords } from '../../src/shared/snapshot-words.js';
import type { HistoryPoint } from '../../src/shared/task-control-api.js';
import { messageOf } from '../components/host.js';
import { panel } from '../components/panel-styles.js';
import { base } from '../components/styles.js';
import '../components/toolkit.js';
import { checkedOf, valueOf } from '../components/toolkit.js';
import { locale, t } from '../components/words.js';
import './chart.js';
import { binned, durationTop, roundTop } from './scales.js';

const dayMs = 24 * 3_600_000;
/** The view of the day is asked for again this often; sooner while nothing was recorded yet. */
const dayEveryMs = 30_000;
const firstEveryMs = 5000;
/** Without a point for this long nothing was recorded: the engine was not there. */
const gapMs = { live: 25_000, day: 60_000 };
const binMs = { live: 10_000, day: 30 * 60_000 };

/** Rows, bytes and latency over time, as lines or as a table: live, or the last 24 hours. */
class Charts extends LitElement {
  static override styles = [
    base,
    panel,
    css`
      .charts {
        display: flex;
        flex-wrap: wrap;
        gap: 8px 20px;
        padding-top: 10px;
      }
      /* A chart that is alone in its line has all of it. */
      rf-chart {
        flex: 1 1 260px;
        min-width: 0;
      }
    `,
  ];
  static override properties: PropertyDeclarations = {
    points: { attribute: false },
    history: { attribute: false },
    span: { state: true },
    past: { state: true },
    said: { state: true },
    asText: { state: true },
  };
  /** Of the last minutes, oldest first. */
  declare points: readonly HistoryPoint[];
  /** Points since then; null while nobody can be asked. */
  declare history: ((sinceMs: number) => Promise<HistoryPoint[]>) | null;
  declare private span: 'live' | 'day';
  /** Of the last day; null until it was answered. */
  declare private past: readonly HistoryPoint[] | null;
  declare private said: string;
  declare private asText: boolean;
  private askedMs = 0;

  constructor() {
    super();
    this.points = [];
    this.history = null;
    this.span = 'live';
    this.past = null;
    this.said = '';
    this.asText = false;
  }

  override willUpdate(): void {
    const pauseMs = !this.past?.length ? firstEveryMs : dayEveryMs;
    if (this.span === 'day' && Date.now() - this.askedMs > pauseMs) void this.ask();
  }

  private async ask(): Promise<void> {
    this.askedMs = Date.now();
    try {
      this.past = (await this.history?.(Date.now() - dayMs)) ?? [];
      this.said = '';
    } catch (error) {
      this.said = messageOf(error);
    }
  }

  override render(): TemplateResult {
    const points = this.span === 'live' ? this.points : this.past;
    const chart = (
      label: string,
      value: (point: HistoryPoint) => number | null,
      format: (value: number) => string,
      colour: string,
      top: (most: number) => number = roundTop,
    ) =>
      html`<rf-chart
        .points=${points}
        .value=${value}
        .format=${format}
        .top=${top}
        .gapMs=${gapMs[this.span]}
        label=${label}
        colour=${colour}
      ></rf-chart>`;
    return html`<section aria-label=${t('Charts')}>
      <div class="row">
        <h2 class="grow">${t('Speed and latency')}</h2>
        <vscode-checkbox
          .checked=${live(this.asText)}
          @change=${(event: Event) => (this.asText = checkedOf(event))}
          >${t('As a table')}</vscode-checkbox
        >
        ${
          this.history
            ? html`<vscode-dropdown
                aria-label=${t('Time span')}
                @change=${(event: Event) => {
                  this.span = valueOf(event) === 'day' ? 'day' : 'live';
                  this.askedMs = 0;
                }}
              >
                <vscode-option value="live">${t('Last ten minutes')}</vscode-option>
                <vscode-option value="day">${t('Last 24 hours')}</vscode-option>
              </vscode-dropdown>`
            : ''
        }
      </div>
      ${this.said === '' ? '' : html`<p class="error" role="alert">${this.said}</p>`} ${this.coverage(points)}
      ${
        !points?.length
          ? nothing
          : this.asText
            ? this.table(points)
            : html`<div class="charts">
                ${chart(t('Rows per second'), rowsOf, shown.rows, '--vscode-charts-blue')}
                ${chart(t('Megabytes per second'), megabytesOf, shown.megabytes, '--vscode-charts-green')}
                ${chart(t('Latency'), latencyOf, shown.latency, '--vscode-charts-purple', durationTop)}
              </div>`
      }
    </section>`;
  }

  /** What of the time span was recorded, unless all of it was. */
  private coverage(points: readonly HistoryPoint[] | null): TemplateResult | typeof nothing {
    const hint = (text: string) => html`<p class="hint" role="status">${text}</p>`;
    if (!points) return this.said === '' ? hint(t('Loading…')) : nothing;
    const [first] = points;
    if (this.span === 'live')
      return first ? nothing : hint(t('Nothing was recorded in the last ten minutes.'));
    if (!first) return hint(t('Nothing was recorded in the last 24 hours.'));
    if (first.atMs <= Date.now() - dayMs + binMs.day) return nothing;
    const since = new Date(first.atMs).toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'short' });
    return hint(t('Recorded since {0}.', since));
  }

  private table(points: readonly HistoryPoint[]): TemplateResult {
    const rows = binned(points, binMs[this.span]);
    return html`<div class="scroll" tabindex="0" role="region" aria-label=${t('Charts')}>
      <table>
        <thead>
          <tr>
            <th>${t('Time')}</th>
            <th class="number">${t('Rows per second')}</th>
            <th class="number">${t('Megabytes per second')}</th>
            <th class="number">${t('Highest latency')}</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            (point) =>
              html`<tr>
                <td>
                  ${new Date(point.atMs).toLocaleTimeString(locale, this.span === 'live' ? { timeStyle: 'medium' } : { timeStyle: 'short' })}
                </td>
                <td class="number">${formatCount(point.rowsPerSecond, locale)}</td>
                <td class="number">${(point.bytesPerSecond / 1e6).toFixed(2)}</td>
                <td class="number">${latencyWords(point.latencyMs, t, locale)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
  }
}

// Made once: a chart that gets another function each second would draw anew.
const rowsOf = ({ rowsPerSecond }: HistoryPoint) => rowsPerSecond;
const megabytesOf = ({ bytesPerSecond }: HistoryPoint) => bytesPerSecond / 1e6;
const latencyOf = ({ latencyMs }: HistoryPoint) => latencyMs;
const shown = {
  rows: (value: number) => formatShort(value, locale),
  megabytes: (value: number) => formatShort(value, locale),
  latency: (value: number) => formatDuration(value, t, locale),
};

customElements.define('rf-charts', Charts);
