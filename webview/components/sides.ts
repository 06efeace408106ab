import { css, html, nothing, type TemplateResult } from 'lit';
import type { VerifyCell } from '../../src/shared/verify-report.js';
import { t } from './words.js';

/** The look of sides(). */
export const sidesLook = css`
  .sides td,
  .sides th {
    width: 40%;
    vertical-align: top;
  }
  .sides td:first-child,
  .sides th:first-child {
    width: 20%;
  }
  .sides td {
    overflow-wrap: anywhere;
  }
  .sides td .mono {
    white-space: pre-wrap;
  }
  .sides tr.same {
    color: var(--vscode-descriptionForeground);
  }
  .sides td.missing-side {
    background: var(--vscode-diffEditor-removedTextBackground, transparent);
    outline: 1px solid var(--vscode-diffEditor-removedTextBorder, transparent);
    outline-offset: -1px;
  }
  .sides td.present-side {
    background: var(--vscode-diffEditor-insertedTextBackground, transparent);
    outline: 1px solid var(--vscode-diffEditor-insertedTextBorder, transparent);
    outline-offset: -1px;
  }
  .sides td + td {
    padding-inline-start: 10px;
  }
  .sides + p {
    margin-top: 8px;
  }
`;

/** Columns of one row, both sides of each; `has`: which sides have the row at all. */
export function sides(
  cells: readonly VerifyCell[],
  has: { source: boolean; destination: boolean },
): TemplateResult {
  const side = (value: string | null, isThere: boolean) =>
    value !== null
      ? html`<span class="mono">${value}</span>`
      : html`<span class="hint">${isThere ? 'NULL' : t('no row')}</span>`;
  return html`<table class="sides">
    <thead>
      <tr>
        <th>${t('Column')}</th>
        <th>${t('Value in the source')}</th>
        <th>${t('Value in Tablestore')}</th>
      </tr>
    </thead>
    <tbody>
      ${cells.map(
        ({ name, source, destination, differs }) =>
          html`<tr class=${differs ? '' : 'same'}>
            <td>${name}${differs ? nothing : html` <span class="visually-hidden">${t('equal')}</span>`}</td>
            <td class=${differs ? 'present-side' : ''}>${side(source, has.source)}</td>
            <td class=${differs ? 'missing-side' : ''}>${side(destination, has.destination)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}
