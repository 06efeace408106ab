import { css, html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import { formatCount } from '../../src/shared/format.js';
import type { DirtyHost, DirtyState } from '../../src/shared/pages.js';
import type {
  DirtyFilter,
  DirtyPage,
  DirtyRecord,
  RetryProgress,
} from '../../src/shared/task-control-api.js';
import { connectHost, messageOf } from '../components/host.js';
import '../components/page.js';
import { panel } from '../components/panel-styles.js';
import { base } from '../components/styles.js';
import '../components/toolkit.js';
import { t, locale } from '../components/words.js';
import './filters.js';
import './grid.js';
import './record.js';

const pageSize = 100;

/** Rows that could not be written: a page of them at a time, one in detail, and what can be done about them. */
class Dirty extends LitElement {
  static override styles = [
    base,
    panel,
    css`
      main {
        max-width: 1400px;
      }
      .split {
        display: grid;
        grid-template-columns: minmax(0, 3fr) minmax(0, 2fr);
        gap: 24px;
        align-items: start;
        padding-top: 14px;
      }
      .notice {
        margin: 14px 0 0;
      }
      .retrying {
        display: flex;
        align-items: center;
        gap: 10px;
        margin: 14px 0 0;
      }
      @media (max-width: 900px) {
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
    failed: { state: true },
    busy: { state: true },
  };
  declare private state: DirtyState | null;
  declare private page: DirtyPage | null;
  declare private filter: DirtyFilter;
  declare private offset: number;
  /** Place on the page: when its record is gone, the next one is there. */
  declare private chosen: number;
  declare private said: string;
  declare private failed: boolean;
  declare private busy: boolean;
  private readonly host: DirtyHost;
  private asked = 0;

  constructor() {
    super();
    this.state = null;
    this.page = null;
    this.filter = {};
    this.offset = 0;
    this.chosen = 0;
    this.said = '';
    this.failed = false;
    this.busy = false;
    this.host = connectHost<DirtyHost, DirtyState>((state) => {
      const isFresh = this.state?.revision !== state.revision;
      this.state = state;
      if (isFresh) void this.load();
    });
  }

  /** The page as it is now; what was shown stays until the new one is here. */
  private async load(): Promise<void> {
    const turn = ++this.asked;
    try {
      const page = await this.host.page(this.filter, { offset: this.offset, limit: pageSize });
      if (turn !== this.asked) return;
      if (page.records.length === 0 && page.total > 0) {
        this.offset = Math.floor((page.total - 1) / pageSize) * pageSize;
        await this.load();
        return;
      }
      const id = this.record?.id;
      this.page = page;
      // The same record, wherever it is now; else what took its place.
      const there = page.records.findIndex((record) => record.id === id);
      this.chosen = there >= 0 ? there : Math.max(0, Math.min(this.chosen, page.records.length - 1));
    } catch (error) {
      if (turn === this.asked) this.tell(messageOf(error), true);
    }
  }

  private get record(): DirtyRecord | undefined {
    return this.page?.records[this.chosen];
  }

  private get isFiltered(): boolean {
    return Object.keys(this.filter).length > 0;
  }

  override render(): TemplateResult {
    const { state, page, record } = this;
    if (!state) return html`<p class="hint" role="status">${t('Loading…')}</p>`;
    const total = page?.total ?? 0;
    return html`<main>
      <header>
        <div class="grow">
          <h1 class="clip">${t('Dirty data: {0}', state.name)}</h1>
          <div class="hint" role="status">${this.summary(total)}</div>
        </div>
        <vscode-button appearance="secondary" @click=${() => this.call(this.host.openTask())}
          >${t('Open the task')}</vscode-button
        >
        ${this.bulk(state, total)}
      </header>
      ${state.retrying ? this.retryBar(state, state.retrying) : nothing}
      ${state.blocked ? html`<p class="warning notice">${t('The task is blocked until you retry or discard these rows. A retry uses the task file as it is now.')}</p>` : nothing}
      <div role="status">
        ${this.said === '' ? nothing : html`<p class="notice ${this.failed ? 'error' : ''}">${this.said}</p>`}
      </div>
      <rf-filters
        .filter=${this.filter}
        .sources=${state.sources}
        .codes=${page?.codes ?? []}
        @filter=${(event: CustomEvent<DirtyFilter>) => {
          this.filter = event.detail;
          this.offset = 0;
          this.chosen = 0;
          void this.load();
        }}
      ></rf-filters>
      ${
        page === null
          ? nothing
          : total === 0
            ? html`<section>
                <p class="hint">
                  ${this.isFiltered ? t('No records match.') : t('No dirty records. Rows that Tablestore cannot store or rejects appear here, with the reason and what to do.')}
                </p>
              </section>`
            : html`<div class="split">
                <rf-grid
                  .records=${page.records}
                  .total=${total}
                  .offset=${this.offset}
                  .pageSize=${pageSize}
                  .chosen=${this.chosen}
                  @choose=${(event: CustomEvent<number>) => (this.chosen = event.detail)}
                  @go=${(event: CustomEvent<number>) => {
                    this.offset = event.detail;
                    this.chosen = 0;
                    void this.load();
                  }}
                ></rf-grid>
                ${
                  record
                    ? html`<rf-record
                        .record=${record}
                        .busy=${this.busy}
                        .canRetry=${state.methods.includes('retryDirty')}
                        .canDiscard=${state.methods.includes('discardDirty')}
                        @retry=${(event: CustomEvent<DirtyFilter>) => this.act('retry', event.detail)}
                        @discard=${(event: CustomEvent<DirtyFilter>) => this.act('discard', event.detail)}
                        @copy=${(event: CustomEvent<string>) => this.call(this.host.copy(event.detail))}
                      ></rf-record>`
                    : nothing
                }
              </div>`
      }
    </main>`;
  }

  private retryBar(state: DirtyState, { done, total }: RetryProgress): TemplateResult {
    const words = t('{0} of {1} records retried', formatCount(done, locale), formatCount(total, locale));
    return html`<div class="retrying">
      <progress max=${Math.max(1, total)} .value=${done} aria-label=${words}></progress>
      <span>${words}</span>
      ${
        state.methods.includes('cancelRetry')
          ? html`<vscode-button appearance="secondary" @click=${() => this.call(this.host.cancelRetry())}
              >${t('Cancel')}</vscode-button
            >`
          : nothing
      }
    </div>`;
  }

  private summary(total: number): string {
    if (this.page === null) return '';
    if (total === 0) return this.isFiltered ? t('no record shown') : t('no dirty rows');
    if (total === 1) return t('1 record');
    return t('{0} records', formatCount(total, locale));
  }

  private bulk(state: DirtyState, total: number): TemplateResult {
    const off = total === 0 || this.busy;
    const button = (label: string, act: () => void, appearance = 'secondary') =>
      html`<vscode-button appearance=${appearance} ?disabled=${off} @click=${act}>${label}</vscode-button>`;
    return html`
      ${button(t('Export CSV'), () => this.call(this.host.exportAs('csv', this.filter)))}
      ${button(t('Export JSON'), () => this.call(this.host.exportAs('json', this.filter)))}
      ${state.methods.includes('discardDirty') ? button(t('Discard all…'), () => this.act('discard', this.filter)) : nothing}
      ${state.methods.includes('retryDirty') ? button(this.retryWords(state), () => this.act('retry', this.filter), 'primary') : nothing}
    `;
  }

  private retryWords({ blocked }: DirtyState): string {
    return blocked && !this.isFiltered ? t('Retry with the current settings and continue') : t('Retry all');
  }

  private act(what: 'retry' | 'discard', filter: DirtyFilter): void {
    this.busy = true;
    this.said = '';
    this.host[what](filter)
      .then((count) => {
        if (what === 'retry') this.tell(writtenWords(count), count === 0);
        else if (count > 0) this.tell(discardedWords(count), false);
      })
      .catch((error: unknown) => this.tell(messageOf(error), true))
      .finally(() => {
        this.busy = false;
        void this.load();
      });
  }

  private tell(text: string, failed: boolean): void {
    this.said = text;
    this.failed = failed;
  }

  private call(work: Promise<unknown>): void {
    this.said = '';
    work.catch((error: unknown) => this.tell(messageOf(error), true));
  }
}

function writtenWords(count: number): string {
  if (count === 0) return t('No row could be written. See each record for the reason.');
  return count === 1 ? t('1 row written.') : t('{0} rows written.', formatCount(count, locale));
}

function discardedWords(count: number): string {
  return count === 1 ? t('1 record discarded.') : t('{0} records discarded.', formatCount(count, locale));
}

customElements.define('rf-dirty', Dirty);
