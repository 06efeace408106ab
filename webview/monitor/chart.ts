import { css, html, LitElement, unsafeCSS, type PropertyDeclarations, type TemplateResult } from 'lit';
import uPlot from 'uplot';
import uPlotCss from 'uplot/dist/uPlot.min.css';
import type { HistoryPoint } from '../../src/shared/task-control-api.js';
import { base } from '../components/styles.js';
import { locale, t } from '../components/words.js';
import { fittingTicks, withGaps } from './scales.js';

const height = 140;
/** A chart that has just begun shows this much time, so that the line grows and the axis stands. */
const leastSpan = 60;
/** Times are labelled with their seconds while less time than this is shown. */
const secondsBelow = 300;
/** The axis of values is at least so wide, so that most charts begin below each other. */
const leastValueAxis = 44;
const valueGap = 6;

/**
 * One line over time, with its value in words above it: the newest one, or the one under the pointer. Colours are
 * read from the theme when it draws, and again when the theme changes.
 */
export class Chart extends LitElement {
  static override styles = [
    base,
    unsafeCSS(uPlotCss),
    css`
      h3 {
        display: flex;
        gap: 8px;
        align-items: baseline;
        font-weight: 400;
      }
      .value {
        font-weight: 600;
        font-variant-numeric: tabular-nums;
      }
      .plot {
        height: ${height}px;
      }
    `,
  ];
  static override properties: PropertyDeclarations = {
    points: { attribute: false },
    value: { attribute: false },
    format: { attribute: false },
    top: { attribute: false },
    label: { type: String },
    colour: { type: String },
    gapMs: { type: Number },
    hovered: { state: true },
  };
  declare points: readonly HistoryPoint[];
  declare value: (point: HistoryPoint) => number | null;
  declare format: (value: number) => string;
  /** Where the axis ends, for the highest value. */
  declare top: (most: number) => number;
  declare label: string;
  /** A theme variable. */
  declare colour: string;
  /** Longer than this between two points is a gap. */
  declare gapMs: number;
  declare private hovered: number | null;
  private plot: uPlot | undefined;
  private readonly resized = new ResizeObserver(() => this.fit());
  /** VS Code changes the class of the body with the theme. */
  private readonly themed = new MutationObserver(() => this.rebuild());

  constructor() {
    super();
    this.hovered = null;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.resized.observe(this);
    this.themed.observe(document.body, { attributes: true, attributeFilter: ['class'] });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.resized.disconnect();
    this.themed.disconnect();
    this.plot?.destroy();
    this.plot = undefined;
  }

  override render(): TemplateResult {
    const said = (value: number | null) => (value === null ? t('unknown') : this.format(value));
    const newest = this.points.at(-1);
    const hovered = this.hovered === null ? undefined : this.at(this.hovered);
    const most = Math.max(0, ...this.points.map((point) => this.value(point) ?? 0));
    return html`<h3>
        <span class="grow clip">${this.label}</span>
        ${hovered ? html`<span class="hint">${clock(hovered.atMs / 1000, true)}</span>` : ''}
        <span class="value">${(hovered ?? newest) ? said(this.value((hovered ?? newest)!)) : ''}</span>
      </h3>
      <div
        class="plot"
        role="img"
        aria-label=${newest ? t('{0}: {1} now, {2} maximum', this.label, said(this.value(newest)), said(most)) : this.label}
      ></div>`;
  }

  /** The point at an x value, which is its time in seconds. */
  private at(seconds: number): HistoryPoint | undefined {
    return this.points.find(({ atMs }) => atMs / 1000 === seconds);
  }

  private data(): uPlot.AlignedData {
    return withGaps(this.points, (point) => this.value(point), this.gapMs);
  }

  private rebuild(): void {
    this.plot?.destroy();
    this.plot = undefined;
    this.requestUpdate('points');
  }

  private fit(): void {
    const width = this.clientWidth;
    if (width > 0) this.plot?.setSize({ width, height });
  }

  override updated(changed: ReadonlyMap<PropertyKey, unknown>): void {
    const holder = this.renderRoot.querySelector<HTMLElement>('.plot');
    if (!holder) return;
    if (!this.plot) this.plot = this.build(holder);
    else if (changed.has('points')) this.plot.setData(this.data());
  }

  private build(holder: HTMLElement): uPlot {
    const style = getComputedStyle(this);
    const themed = (name: string) => style.getPropertyValue(name).trim();
    const text = themed('--vscode-descriptionForeground') || 'currentColor';
    const line = themed(this.colour) || text;
    const grid = themed('--vscode-panel-border') || themed('--vscode-contrastBorder') || 'transparent';
    const font = `11px ${themed('--vscode-font-family')}`;
    const axis: uPlot.Axis = { stroke: text, ticks: { show: false }, font };
    const widthOf = textMeasure(font);
    const offset = -new Date().getTimezoneOffset() * 60;
    return new uPlot(
      {
        width: Math.max(100, this.clientWidth),
        height,
        legend: { show: false },
        padding: [8, 2, 0, 0],
        cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
        scales: {
          x: { time: false, range: (_, from, to) => [Math.min(from, to - leastSpan), to] },
          y: { range: (_, __, most) => [0, this.top(most ?? 0)] },
        },
        axes: [
          {
            ...axis,
            grid: { show: false },
            size: 26,
            splits: (plot, _, from, to) =>
              fittingTicks(from, to, offset, {
                axis: plot.bbox.width / devicePixelRatio,
                label: widthOf(clock(to, to - from < secondsBelow)),
              }),
            values: (plot, splits) => {
              const span = (plot.scales['x']?.max ?? 0) - (plot.scales['x']?.min ?? 0);
              return splits.map((at) => clock(at, span < secondsBelow));
            },
          },
          {
            ...axis,
            grid: { stroke: grid, width: 1 },
            gap: valueGap,
            size: (_, values) => Math.max(leastValueAxis, ...(values ?? []).map(widthOf)) + valueGap,
            splits: (_, __, ___, top) => [0, top / 2, top],
            values: (_, splits) => splits.map((value) => this.format(value)),
          },
        ],
        series: [
          {},
          {
            stroke: line,
            width: 1.5,
            fill: `color-mix(in srgb, ${line} 16%, transparent)`,
            spanGaps: false,
            points: { show: false },
          },
        ],
        hooks: {
          setCursor: [
            (plot) => {
              const { idx } = plot.cursor;
              this.hovered = idx === null || idx === undefined ? null : (plot.data[0][idx] ?? null);
            },
          ],
        },
      },
      this.data(),
      holder,
    );
  }
}

/** How many pixels wide a text is in a font. */
function textMeasure(font: string): (text: string) => number {
  const context = document.createElement('canvas').getContext('2d');
  if (!context) return () => 0;
  context.font = font;
  return (text) => context.measureText(text).width;
}

/** Time of day by the reader's clock, of seconds since 1970. */
function clock(seconds: number, withSeconds: boolean): string {
  return new Date(seconds * 1000).toLocaleTimeString(locale, {
    hour: '2-digit',
    minute: '2-digit',
    ...(withSeconds ? { second: '2-digit' } : {}),
    hourCycle: 'h23',
  });
}

customElements.define('rf-chart', Chart);
