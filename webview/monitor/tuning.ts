import { css, html, LitElement, type PropertyDeclarations, type TemplateResult } from 'lit';
import { formatCount } from '../../src/shared/format.js';
import type { MonitorState, MonitorTuning } from '../../src/shared/pages.js';
import type { Phase } from '../../src/shared/snapshot.js';
import { base } from '../components/styles.js';
import { locale, t } from '../components/words.js';

const rowSteps = [50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000];
const megabyteSteps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100];
const upTo = (most: number, least = 1) => Array.from({ length: most - least + 1 }, (_, i) => least + i);
const queueSteps = [64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384];

type Step = number | null;

/** Handles that take effect at once. A change is told by the event `tune`, when a slider is let go. */
class TuningSection extends LitElement {
  static override styles = [
    base,
    css`
      section {
        padding-top: 22px;
      }
      .grid {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(240px, 1fr));
        gap: 14px 32px;
      }
      .slider {
        display: grid;
        grid-template-columns: 1fr auto;
        gap: 2px 8px;
      }
      output {
        font-variant-numeric: tabular-nums;
      }
      input {
        grid-column: 1 / -1;
        appearance: none;
        width: 100%;
        height: 18px;
        margin: 0;
        background: none;
        cursor: pointer;
      }
      /* Drawn by us: the browser takes its colours for a white page, or none at all in high contrast. */
      input::-webkit-slider-runnable-track {
        height: 4px;
        border-radius: 2px;
        background: var(--vscode-descriptionForeground);
      }
      input::-webkit-slider-thumb {
        appearance: none;
        width: 14px;
        height: 14px;
        margin-top: -5px;
        border-radius: 50%;
        background: var(--rf-handle);
        box-shadow: 0 0 0 2px var(--vscode-editor-background);
      }
      input:focus-visible {
        outline: 1px solid var(--vscode-focusBorder);
        outline-offset: 2px;
      }
    `,
  ];
  static override properties: PropertyDeclarations = {
    write: { attribute: false },
    throttle: { attribute: false },
    phase: { attribute: false },
    held: { state: true },
  };
  declare write: NonNullable<MonitorState['write']>;
  declare throttle: NonNullable<MonitorState['throttle']>;
  declare phase: Phase;
  /** The slider that is being moved, and where it is: states that come meanwhile do not pull it away. */
  declare private held: { name: string; index: number } | null;

  constructor() {
    super();
    this.held = null;
  }

  private slider(
    name: string,
    label: string,
    value: Step,
    steps: readonly Step[],
    say: (value: Step) => string,
    tuning: (value: Step) => MonitorTuning,
  ): TemplateResult {
    const all = steps.includes(value) ? steps : [...steps, value].sort(byLimit);
    const index = this.held?.name === name ? this.held.index : all.indexOf(value);
    const chosen = (event: Event) => Number((event.target as HTMLInputElement).value);
    // Of a label with an output in it the output is what it names.
    return html`<div class="slider">
      <span>${label}</span>
      <output>${say(all[index] ?? null)}</output>
      <input
        type="range"
        name=${name}
        aria-label=${label}
        min="0"
        max=${all.length - 1}
        step="1"
        .value=${String(index)}
        aria-valuetext=${say(all[index] ?? null)}
        @input=${(event: Event) => (this.held = { name, index: chosen(event) })}
        @change=${(event: Event) => {
          const detail = tuning(all[chosen(event)] ?? null);
          this.dispatchEvent(new CustomEvent<MonitorTuning>('tune', { detail }));
          // The state that has it comes within a second.
          setTimeout(() => (this.held = null), 1500);
        }}
      />
    </div>`;
  }

  override render(): TemplateResult {
    const { write, throttle, phase } = this;
    const count = (value: Step) => formatCount(value ?? 0, locale);
    const rows = (value: Step) =>
      value === null ? t('no limit') : t('{0} rows/s', formatCount(value, locale));
    const megabytes = (value: Step) =>
      value === null ? t('no limit') : t('{0} MB/s', new Intl.NumberFormat(locale).format(value));
    const limits = (part: 'full' | 'incremental', rowsLabel: string, bytesLabel: string) => [
      this.slider(
        `${part}-rows`,
        rowsLabel,
        throttle[part].rowsPerSecond,
        [...rowSteps, null],
        rows,
        (value) => ({
          throttle: { [part]: { rowsPerSecond: value } },
        }),
      ),
      this.slider(
        `${part}-megabytes`,
        bytesLabel,
        throttle[part].megabytesPerSecond,
        [...megabyteSteps, null],
        megabytes,
        (value) => ({ throttle: { [part]: { megabytesPerSecond: value } } }),
      ),
    ];
    return html`<section>
      <h2>${t('Tuning')}</h2>
      <p class="hint">${t('Takes effect immediately. To make a change permanent, edit the task file.')}</p>
      <div class="grid">
        ${phase === 'incremental' ? '' : limits('full', t('Full load, rows'), t('Full load, bytes'))}
        ${limits('incremental', t('Incremental, rows'), t('Incremental, bytes'))}
        ${this.slider(
          'concurrency',
          t('Concurrent requests'),
          write.concurrency,
          upTo(100),
          count,
          (value) => ({
            write: {
              concurrency: value ?? 1,
              ...(write.buckets > (value ?? 1) ? { buckets: value ?? 1 } : {}),
            },
          }),
        )}
        ${this.slider('buckets', t('Buckets'), write.buckets, upTo(write.concurrency), count, (value) => ({
          write: { buckets: value ?? 1 },
        }))}
        ${this.slider(
          'queueSize',
          t('Waiting rows per bucket'),
          write.queueSize,
          queueSteps,
          count,
          (value) => ({
            write: { queueSize: value ?? 1 },
          }),
        )}
        ${this.slider('threads', t('Parallel chunks'), write.threads, upTo(16, 0), count, (value) => ({
          write: { threads: value ?? 0 },
        }))}
      </div>
    </section>`;
  }
}

/** No limit is the highest of limits. */
function byLimit(a: Step, b: Step): number {
  return (a ?? Infinity) - (b ?? Infinity);
}

customElements.define('rf-tuning', TuningSection);
