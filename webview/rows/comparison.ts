import { html, nothing, type TemplateResult } from 'lit';
import type { RowComparison } from '../../src/shared/catalog-api.js';
import { errorCode } from '../components/error-code.js';
import { icon } from '../components/icon.js';
import { sides } from '../components/sides.js';
import { t } from '../components/words.js';

/** Both sides of one row, and in a sentence what comes of comparing them. */
export function comparisonOf(compared: RowComparison): TemplateResult {
  const { cells, isThere, reason, problem, rows, verdict } = compared;
  const isEqual = verdict === 'equal' && problem === undefined;
  const mayCome = verdict === 'different' || verdict === 'missing' || verdict === 'extra';
  return html`<p class="row nowrap" role="status">
      <span class=${isEqual ? 'good' : 'warning'}>${icon(isEqual ? 'pass' : 'warning')}</span>
      <strong>${outcomeWords(compared)}</strong>
    </p>
    ${problem ? html`<p>${problem.message} ${errorCode(problem.code)} ${problem.remedy}</p>` : nothing}
    ${
      mayCome
        ? html`<p class="hint">
            ${t('A running task may not have written the newest change yet. Compare again to be sure.')}
          </p>`
        : nothing
    }
    ${
      rows
        ? html`<ul>
            ${rows.map((row) => html`<li class="mono">${row}</li>`)}
          </ul>`
        : nothing
    }
    ${cells.length > 0 ? sides(cells, { source: reason === null, destination: isThere }) : nothing}`;
}

function outcomeWords({ verdict, reason, isThere, cells }: RowComparison): string {
  if (verdict === 'kept') return t('Tablestore had this row before the task, which keeps it as it is.');
  if (verdict === 'notComparable')
    return t(
      'This row cannot be judged: the operation or time of its last change decides whether the transformation drops it.',
    );
  switch (reason) {
    case 'none':
      return isThere ? t('Only Tablestore has this row.') : t('Neither side has this row.');
    case 'filtered':
      return isThere
        ? t('The filter of the task excludes this row, but Tablestore has it.')
        : t('The filter of the task excludes this row.');
    case 'dropped':
      return isThere
        ? t('The transformation of the task drops this row, but Tablestore has it.')
        : t('The transformation of the task drops this row.');
    case 'unwritable':
      return isThere
        ? t('This row cannot be written. Tablestore has an older version of it.')
        : t('This row cannot be written.');
    case null:
  }
  switch (verdict) {
    case 'equal':
      return t('Both sides are equal.');
    case 'missing':
      return t('Tablestore does not have this row.');
    case 'duplicate':
      return t(
        'Several rows of the source have this key, but Tablestore can store only one of them. Choose a unique key for the table.',
      );
    case 'dirty':
      return t('Tablestore refused this row as it is now: it is in the dirty data of the task.');
    default: {
      const count = cells.filter(({ differs }) => differs).length;
      return count === 1 ? t('1 column differs.') : t('{0} columns differ.', count);
    }
  }
}
