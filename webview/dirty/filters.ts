import { css, html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import type { DirtyFilter } from '../../src/shared/task-control-api.js';
import { base } from '../components/styles.js';
import '../components/toolkit.js';
import { valueOf } from '../components/toolkit.js';
import { t } from '../components/words.js';

const hour = 3_600_000;
type Time = 'any' | 'between' | `${number}`;

/** Table, error and time; a change is told by the event `filter`, with the whole filter. */
class Filters extends LitElement {
  static override styles = [
    base,
    css`
      .row {
        padding-top: 14px;
      }
      vscode-dropdown {
        min-width: 140px;
      }
      input {
        height: 26px;
        padding: 0 6px;
        color: var(--vscode-input-foreground);
        background: var(--vscode-input-background);
        border: 1px solid var(--vscode-input-border, var(--vscode-contrastBorder, transparent));
        border-radius: 2px;
        font: inherit;
      }
      input:focus-visible {
        outline: 1px solid var(--vscode-focusBorder);
        outline-offset: -1px;
      }
      :host-context(.vscode-dark) input,
      :host-context(.vscode-high-contrast:not(.vscode-high-contrast-light)) input {
        color-scheme: dark;
      }
    `,
  ];
  static override properties: PropertyDeclarations = {
    filter: { attribute: false },
    sources: { attribute: false },
    codes: { attribute: false },
    time: { state: true },
  };
  declare filter: DirtyFilter;
  declare sources: readonly string[];
  /** Of every record of the task. */
  declare codes: readonly string[];
  declare private time: Time;

  constructor() {
    super();
    this.filter = {};
    this.sources = [];
    this.codes = [];
    this.time = 'any';
  }

  /** undefined takes a condition away. */
  private set(change: { [K in keyof DirtyFilter]: DirtyFilter[K] | undefined }): void {
    const all = Object.entries({ ...this.filter, ...change });
    const detail = Object.fromEntries(all.filter(([, value]) => value !== undefined)) as DirtyFilter;
    this.dispatchEvent(new CustomEvent<DirtyFilter>('filter', { detail }));
  }

  override render(): TemplateResult {
    const { source, code } = this.filter;
    const choice = (
      label: string,
      every: string,
      values: readonly string[],
      now: string | undefined,
      set: (value: string | undefined) => void,
    ) =>
      html`<vscode-dropdown
        aria-label=${label}
        @change=${(event: Event) => set(valueOf(event) === '' ? undefined : valueOf(event))}
      >
        <vscode-option value="">${every}</vscode-option>
        ${[...new Set([...values, ...(now === undefined ? [] : [now])])]
          .sort()
          .map(
            (value) =>
              html`<vscode-option value=${value} ?selected=${value === now}>${value}</vscode-option>`,
          )}
      </vscode-dropdown>`;
    return html`<div class="row" role="group" aria-label=${t('Filter')}>
      ${choice(t('Table'), t('Every table'), this.sources, source, (value) => this.set({ source: value }))}
      ${choice(t('Error'), t('Every error'), this.codes, code, (value) => this.set({ code: value }))}
      <vscode-dropdown
        aria-label=${t('Time')}
        @change=${(event: Event) => this.chooseTime(valueOf(event) as Time)}
      >
        <vscode-option value="any">${t('Any time')}</vscode-option>
        <vscode-option value=${hour}>${t('Last hour')}</vscode-option>
        <vscode-option value=${24 * hour}>${t('Last day')}</vscode-option>
        <vscode-option value=${7 * 24 * hour}>${t('Last week')}</vscode-option>
        <vscode-option value="between">${t('Between…')}</vscode-option>
      </vscode-dropdown>
      ${
        this.time === 'between'
          ? html`${this.moment(t('From'), (at) => this.set({ sinceMs: at }))}
            ${this.moment(t('To'), (at) => this.set({ untilMs: at }))}`
          : nothing
      }
    </div>`;
  }

  private chooseTime(time: Time): void {
    this.time = time;
    const sinceMs = time === 'any' || time === 'between' ? undefined : Date.now() - Number(time);
    this.set({ sinceMs, untilMs: undefined });
  }

  private moment(label: string, set: (at: number | undefined) => void): TemplateResult {
    return html`<input
      type="datetime-local"
      aria-label=${label}
      title=${label}
      @change=${(event: Event) => {
        const at = new Date(valueOf(event)).getTime();
        set(Number.isNaN(at) ? undefined : at);
      }}
    />`;
  }
}

customElements.define('rf-filters', Filters);
