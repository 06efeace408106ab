import { css, html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import { errorCodes, type ErrorDefinition } from '../../src/shared/errors.js';
import type { DirtyFilter, DirtyRecord } from '../../src/shared/task-control-api.js';
import { errorCode } from '../components/error-code.js';
import { base } from '../components/styles.js';
import '../components/toolkit.js';
import { locale, t } from '../components/words.js';

/** One record: what happened, what to do, the row of the source and the cells that were to be written. */
class RecordDetail extends LitElement {
  static override styles = [
    base,
    css`
      .card {
        max-height: calc(100vh - 190px);
        overflow: auto;
      }
      .row {
        margin: 12px 0;
      }
      dl {
        display: grid;
        grid-template-columns: max-content minmax(0, 1fr);
        gap: 2px 14px;
        margin: 0 0 4px;
      }
      dt {
        color: var(--vscode-descriptionForeground);
      }
      dd {
        margin: 0;
        overflow-wrap: anywhere;
      }
      h3 {
        margin-top: 14px;
      }
      table {
        table-layout: fixed;
      }
      td {
        vertical-align: top;
        overflow-wrap: anywhere;
        white-space: pre-wrap;
      }
      td:first-child {
        width: 32%;
        color: var(--vscode-descriptionForeground);
      }
    `,
  ];
  static override properties: PropertyDeclarations = {
    record: { attribute: false },
    busy: { attribute: false },
    canRetry: { attribute: false },
    canDiscard: { attribute: false },
  };
  declare record: DirtyRecord;
  declare busy: boolean;
  declare canRetry: boolean;
  declare canDiscard: boolean;

  override render(): TemplateResult {
    const { record } = this;
    const { error } = record;
    const known = Object.hasOwn(errorCodes, error.code)
      ? (errorCodes as Record<string, ErrorDefinition>)[error.code]
      : undefined;
    const one: DirtyFilter = { ids: [record.id] };
    const alike: DirtyFilter = { code: error.code, source: record.source };
    const tell = (name: 'retry' | 'discard', detail: DirtyFilter) => () =>
      this.dispatchEvent(new CustomEvent<DirtyFilter>(name, { detail }));
    const button = (label: string, act: () => void) =>
      html`<vscode-button appearance="secondary" ?disabled=${this.busy} @click=${act}
        >${label}</vscode-button
      >`;
    return html`<div class="card" role="region" aria-label=${t('Record')} tabindex="0">
      <h2>${known ? errorCode(error.code) : error.code}</h2>
      <p>${error.message}</p>
      <dl>
        ${known ? line(t('Cause'), t(known.cause)) : nothing} ${line(t('What to do'), error.remedy)}
        ${line(t('Table'), `${record.source} → ${record.destination}`)}
        ${line(t('Operation'), record.operation)} ${line(t('Key'), record.key)}
        ${line(t('Time'), new Date(record.atMs).toLocaleString(locale))}
      </dl>
      <div class="row">
        ${this.canRetry ? html`${button(t('Retry'), tell('retry', one))} ${button(t('Retry all with this error'), tell('retry', alike))}` : nothing}
        ${this.canDiscard ? button(t('Discard…'), tell('discard', one)) : nothing}
        ${button(t('Copy'), () =>
          this.dispatchEvent(new CustomEvent<string>('copy', { detail: JSON.stringify(record, null, 2) })),
        )}
      </div>
      <h3>${t('Row in MySQL')}</h3>
      ${values(record.sourceRow)}
      <h3>${t('Cells for Tablestore')}</h3>
      ${Object.keys(record.cells).length > 0 ? values(record.cells) : html`<p class="hint">${t('The row could not be converted to cells.')}</p>`}
    </div>`;
  }
}

function line(label: string, text: string): TemplateResult | typeof nothing {
  return text === ''
    ? nothing
    : html`<dt>${label}</dt>
        <dd>${text}</dd>`;
}

function values(row: Readonly<Record<string, string | null>>): TemplateResult {
  return html`<table>
    <tbody>
      ${Object.entries(row).map(
        ([name, value]) =>
          html`<tr>
            <td>${name}</td>
            ${value === null ? html`<td class="hint">NULL</td>` : html`<td class="mono">${value}</td>`}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

customElements.define('rf-record', RecordDetail);
