import { css, html, LitElement, unsafeCSS, type PropertyDeclarations, type TemplateResult } from 'lit';
import uPlot from 'uplot';
import uPlotCss from 'uplot/dist/uPlot.min.css';
import type { HistoryPoint } from '../../src/shared/workbench-api.js';
import { base } from '../components/styles.js';

/** One line over time. Colours are read from the theme when it draws, and again when the theme changes. */
export class Chart extends LitElement {
  static override styles = [
    base,
    unsafeCSS(uPlotCss),
    css`
      .plot {
        height: 150px;
      }
    `,
  ];
  static override properties: PropertyDeclarations = {
    points: { attribute: false },
    value: { attribute: false },
    format: { attribute: false },
    label: { type: String },
    colour: { type: String },
  };
  declare points: readonly HistoryPoint[];
  declare value: (point: HistoryPoint) => number | null;
  declare format: (value: number) => string;
  declare label: string;
  /** A theme variable. */
  declare colour: string;
  private plot: uPlot | undefined;
  private readonly resized = new ResizeObserver(() => this.fit());
  /** VS Code changes the class of the body with the theme. */
  private readonly themed = new MutationObserver(() => this.rebuild());

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
    return html`<h3>${this.label}</h3>
      <div class="plot" role="img" aria-label=${this.label}></div>`;
  }

  private data(): uPlot.AlignedData {
    return [this.points.map(({ atMs }) => atMs / 1000), this.points.map((point) => this.value(point))];
  }

  private rebuild(): void {
    this.plot?.destroy();
    this.plot = undefined;
    this.requestUpdate();
  }

  private fit(): void {
    const width = this.clientWidth;
    if (width > 0) this.plot?.setSize({ width, height: 150 });
  }

  override updated(): void {
    const holder = this.renderRoot.querySelector<HTMLElement>('.plot');
    if (!holder) return;
    if (this.plot) {
      this.plot.setData(this.data());
      return;
    }
    const style = getComputedStyle(this);
    const themed = (name: string) => style.getPropertyValue(name).trim();
    const text = themed('--vscode-descriptionForeground') || 'currentColor';
    const line = themed(this.colour) || text;
    const grid = themed('--vscode-panel-border') || 'transparent';
    const axis: uPlot.Axis = {
      stroke: text,
      grid: { stroke: grid, width: 1 },
      ticks: { show: false },
      font: `11px ${themed('--vscode-font-family')}`,
    };
    this.plot = new uPlot(
      {
        width: Math.max(100, this.clientWidth),
        height: 150,
        legend: { show: false },
        cursor: { y: false, points: { show: false } },
        scales: { y: { range: (_, __, most) => [0, Math.max(1, most * 1.15)] } },
        axes: [axis, { ...axis, size: 62, values: (_, splits) => splits.map((v) => this.format(v)) }],
        series: [
          {},
          { stroke: line, width: 1.5, fill: `color-mix(in srgb, ${line} 18%, transparent)`, spanGaps: false },
        ],
      },
      this.data(),
      holder,
    );
  }
}

customElements.define('rf-chart', Chart);
