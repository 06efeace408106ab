import { css, html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import { formatCount } from '../../src/shared/format.js';
import type { DirtyHost, DirtyState } from '../../src/shared/pages.js';
import type { DirtyFilter, DirtyPage, DirtyRecord } from '../../src/shared/workbench-api.js';
import { connectHost, messageOf } from '../components/host.js';
import '../components/page.js';
import { panel } from '../components/panel-styles.js';
import { base } from '../components/styles.js';
import '../components/toolkit.js';
import { valueOf } from '../components/toolkit.js';
import { locale, t } from '../components/words.js';

const pageSize = 100;

/** Rows that could not be written: a page of them at a time, one in detail, and what can be done about them. */
class Dirty extends LitElement {
  static override styles = [
    base,
    panel,
    css`
      .split {
        display: grid;
        grid-template-columns: minmax(0, 3fr) minmax(0, 2fr);
        gap: 20px;
        align-items: start;
        padding-top: 14px;
      }
      tbody tr {
        cursor: pointer;
      }
      tbody tr[aria-selected='true'] {
        background: var(--vscode-list-activeSelectionBackground);
        color: var(--vscode-list-activeSelectionForeground);
        outline: 1px solid var(--vscode-contrastActiveBorder, transparent);
      }
      tbody tr:focus-visible {
        outline: 1px solid var(--vscode-focusBorder);
        outline-offset: -1px;
      }
      td {
        max-width: 18em;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .detail td {
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      @media (max-width: 800px) {
        .split {
          grid-template-columns: minmax(0, 1fr);
        }
      }
    `,
  ];
  static override properties: PropertyDeclarations = {
    state: { state: true },
    page: { state: true },
    filter: { state: true },
    offset: { state: true },
    chosen: { state: true },
    said: { state: true },
    busy: { state: true },
  };
  declare private state: DirtyState | null;
  declare private page: DirtyPage | null;
  declare private filter: DirtyFilter;
  declare private offset: number;
  declare private chosen: string | null;
  declare private said: string;
  declare private busy: boolean;
  private readonly host: DirtyHost;
  private asked = 0;

  constructor() {
    super();
    this.state = null;
    this.page = null;
    this.filter = {};
    this.offset = 0;
    this.chosen = null;
    this.said = '';
    this.busy = false;
    this.host = connectHost<DirtyHost, DirtyState>((state) => {
      const fresh = this.state?.revision !== state.revision;
      this.state = state;
      if (fresh) void this.load();
    });
  }

  private async load(): Promise<void> {
    const turn = ++this.asked;
    try {
      const page = await this.host.page(this.filter, { offset: this.offset, limit: pageSize });
      if (turn !== this.asked) return;
      this.page = page;
      if (page.records.length === 0 && this.offset > 0) {
        this.offset = 0;
        await this.load();
      }
    } catch (error) {
      this.said = messageOf(error);
    }
  }

  override render(): TemplateResult {
    const { state, page } = this;
    if (!state) return html`<p class="hint" role="status">${t('Loading…')}</p>`;
    const total = page?.total ?? 0;
    const record = page?.records.find(({ id }) => id === this.chosen) ?? page?.records[0];
    return html`<main>
      <header>
        <h1 class="grow clip">${t('Dirty data: {0}', state.name)}</h1>
        <vscode-button appearance="secondary" @click=${() => void this.host.openTask()}
          >${t('Open the task')}</vscode-button
        >
        ${this.bulk(state, total)}
      </header>
      ${state.blocked ? html`<p class="warning" role="status">${t('The task is blocked: it waits until these rows are retried or discarded.')}</p>` : nothing}
      ${this.said === '' ? nothing : html`<p role="alert">${this.said}</p>`} ${this.filters(state)}
      ${
        page === null
          ? nothing
          : total === 0
            ? html`<p class="hint" role="status">${t('No row is dirty.')}</p>`
            : html`<div class="split">
                <div>${this.grid(page, record)} ${this.pager(total)}</div>
                ${record ? this.detail(state, record) : nothing}
              </div>`
      }
    </main>`;
  }

  private bulk(state: DirtyState, total: number): TemplateResult {
    const off = total === 0 || this.busy;
    return html`
      <vscode-button
        appearance="secondary"
        ?disabled=${off}
        @click=${() => this.call(this.host.exportAs('csv', this.filter))}
        >CSV</vscode-button
      >
      <vscode-button
        appearance="secondary"
        ?disabled=${off}
        @click=${() => this.call(this.host.exportAs('json', this.filter))}
        >JSON</vscode-button
      >
      ${
        state.methods.includes('discardDirty')
          ? html`<vscode-button
              appearance="secondary"
              ?disabled=${off}
              @click=${() => this.act('discard', this.filter)}
              >${t('Discard all')}</vscode-button
            >`
          : nothing
      }
      ${
        state.methods.includes('retryDirty')
          ? html`<vscode-button ?disabled=${off} @click=${() => this.act('retry', this.filter)}
              >${t('Retry all')}</vscode-button
            >`
          : nothing
      }
    `;
  }

  private filters(state: DirtyState): TemplateResult {
    const set = (change: DirtyFilter) => {
      this.filter = change;
      this.offset = 0;
      void this.load();
    };
    const { source: _, ...withoutSource } = this.filter;
    const { code: __, ...withoutCode } = this.filter;
    const { sinceMs: ___, ...withoutTime } = this.filter;
    const codes = [
      ...new Set([
        ...(this.page?.records.map(({ error }) => error.code) ?? []),
        ...(this.filter.code ? [this.filter.code] : []),
      ]),
    ].sort();
    const ages: [number, string][] = [
      [3_600_000, t('last hour')],
      [86_400_000, t('last day')],
    ];
    return html`<div class="row" role="group" aria-label=${t('Filter')}>
      <vscode-dropdown
        aria-label=${t('Table')}
        @change=${(event: Event) => set(valueOf(event) === '' ? withoutSource : { ...withoutSource, source: valueOf(event) })}
      >
        <vscode-option value="">${t('every table')}</vscode-option>
        ${state.sources.map((source) => html`<vscode-option value=${source}>${source}</vscode-option>`)}
      </vscode-dropdown>
      <vscode-dropdown
        aria-label=${t('Error')}
        @change=${(event: Event) => set(valueOf(event) === '' ? withoutCode : { ...withoutCode, code: valueOf(event) })}
      >
        <vscode-option value="">${t('every error')}</vscode-option>
        ${codes.map((code) => html`<vscode-option value=${code} ?selected=${code === this.filter.code}>${code}</vscode-option>`)}
      </vscode-dropdown>
      <vscode-dropdown
        aria-label=${t('Time')}
        @change=${(event: Event) =>
          set(
            valueOf(event) === ''
              ? withoutTime
              : { ...withoutTime, sinceMs: Date.now() - Number(valueOf(event)) },
          )}
      >
        <vscode-option value="">${t('any time')}</vscode-option>
        ${ages.map(([age, label]) => html`<vscode-option value=${age}>${label}</vscode-option>`)}
      </vscode-dropdown>
    </div>`;
  }

  private grid(page: DirtyPage, chosen: DirtyRecord | undefined): TemplateResult {
    const select = (record: DirtyRecord) => (this.chosen = record.id);
    const move = (event: KeyboardEvent, index: number) => {
      const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
      const next = page.records[index + step];
      if (step === 0 || !next) return;
      event.preventDefault();
      select(next);
      const rows = this.renderRoot.querySelectorAll<HTMLElement>('tbody tr[tabindex]');
      rows[index + step]?.focus();
    };
    return html`<div class="scroll">
      <table role="grid" aria-rowcount=${page.total}>
        <thead>
          <tr>
            <th>${t('Time')}</th>
            <th>${t('Table')}</th>
            <th>${t('Operation')}</th>
            <th>${t('Key')}</th>
            <th>${t('Error')}</th>
          </tr>
        </thead>
        <tbody>
          ${page.records.map(
            (record, index) =>
              html`<tr
                tabindex=${record === chosen ? 0 : -1}
                aria-selected=${record === chosen ? 'true' : 'false'}
                aria-rowindex=${this.offset + index + 1}
                @click=${() => select(record)}
                @keydown=${(event: KeyboardEvent) => move(event, index)}
              >
                <td>${new Date(record.atMs).toLocaleString(locale)}</td>
                <td>${record.source}</td>
                <td>${record.operation}</td>
                <td class="mono">${record.key}</td>
                <td>${record.error.code} ${record.error.message}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
  }

  private pager(total: number): TemplateResult {
    const to = Math.min(total, this.offset + pageSize);
    const go = (offset: number) => {
      this.offset = offset;
      void this.load();
    };
    return html`<div class="row">
      <vscode-button
        appearance="secondary"
        ?disabled=${this.offset === 0}
        @click=${() => go(Math.max(0, this.offset - pageSize))}
        >${t('Previous')}</vscode-button
      >
      <span role="status"
        >${t('{0} to {1} of {2}', formatCount(this.offset + 1, locale), formatCount(to, locale), formatCount(total, locale))}</span
      >
      <vscode-button
        appearance="secondary"
        ?disabled=${to >= total}
        @click=${() => go(this.offset + pageSize)}
        >${t('Next')}</vscode-button
      >
    </div>`;
  }

  private detail(state: DirtyState, record: DirtyRecord): TemplateResult {
    const names = [...new Set([...Object.keys(record.sourceRow), ...Object.keys(record.cells)])];
    const cell = (value: string | null | undefined) =>
      value === null ? html`<td class="hint">NULL</td>` : html`<td class="mono">${value ?? ''}</td>`;
    const one: DirtyFilter = { ids: [record.id] };
    return html`<div class="card detail" aria-label=${t('Record')}>
      <h2>${record.error.code}</h2>
      <p>${record.error.message}</p>
      <p class="hint">${record.error.remedy}</p>
      <p>${record.source} → ${record.destination}, ${record.operation}</p>
      <p class="row">
        ${state.methods.includes('retryDirty') ? html`<vscode-button ?disabled=${this.busy} @click=${() => this.act('retry', one)}>${t('Retry')}</vscode-button>` : nothing}
        ${
          state.methods.includes('retryDirty')
            ? html`<vscode-button
                appearance="secondary"
                ?disabled=${this.busy}
                @click=${() => this.act('retry', { code: record.error.code, source: record.source })}
                >${t('Retry all like this')}</vscode-button
              >`
            : nothing
        }
        ${state.methods.includes('discardDirty') ? html`<vscode-button appearance="secondary" ?disabled=${this.busy} @click=${() => this.act('discard', one)}>${t('Discard…')}</vscode-button>` : nothing}
        <vscode-button
          appearance="secondary"
          @click=${() => this.call(this.host.copy(JSON.stringify(record, null, 2)))}
          >${t('Copy')}</vscode-button
        >
      </p>
      <table>
        <thead>
          <tr>
            <th>${t('Column')}</th>
            <th>${t('In MySQL')}</th>
            <th>${t('For Tablestore')}</th>
          </tr>
        </thead>
        <tbody>
          ${names.map(
            (name) =>
              html`<tr>
                <td>${name}</td>
                ${cell(record.sourceRow[name])} ${cell(record.cells[name])}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
  }

  private act(what: 'retry' | 'discard', filter: DirtyFilter): void {
    this.busy = true;
    this.said = '';
    this.host[what](filter)
      .then((count) => {
        if (count > 0 || what === 'retry') {
          this.said =
            what === 'retry'
              ? t('{0} rows written.', formatCount(count, locale))
              : t('{0} records discarded.', formatCount(count, locale));
        }
      })
      .catch((error: unknown) => (this.said = messageOf(error)))
      .finally(() => {
        this.busy = false;
        void this.load();
      });
  }

  private call(work: Promise<unknown>): void {
    this.said = '';
    work.catch((error: unknown) => (this.said = messageOf(error)));
  }
}

customElements.define('rf-dirty', Dirty);
