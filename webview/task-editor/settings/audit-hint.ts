import { html, nothing, type TemplateResult } from 'lit';
import { auditCost } from '../../../src/shared/audit-cost.js';
import { formatCount, formatDuration } from '../../../src/shared/format.js';
import { locale, t } from '../../components/words.js';
import type { Catalog } from '../form/catalog.js';
import { excludedBy, selection, valueAt } from '../form/document.js';

/** What an audit at the chosen rate takes, as far as the form knows the tables. */
export function auditHint(document: unknown, catalog: Catalog): TemplateResult | typeof nothing {
  const rate = valueAt(document, ['audit', 'rowsPerSecond']);
  if (typeof rate !== 'number' || !(rate > 0)) return nothing;
  const tables = selection(document).flatMap((chosen) =>
    chosen.whole
      ? (catalog.tablesOf(chosen.database) ?? []).filter(({ name }) => excludedBy(chosen, name) === undefined)
      : chosen.tables.flatMap(({ name }) => catalog.table(chosen.database, name) ?? []),
  );
  const rows = tables.reduce((all, table) => all + table.estimatedRows, 0);
  if (rows === 0) {
    return html`<p class="help hint">
      ${t('Connect to the source under Objects to see how long a pass takes and how much it reads.')}
    </p>`;
  }
  const costs = tables.map((table) => auditCost(table.estimatedRows, table.averageRowBytes, rate));
  const sum = (figure: (cost: (typeof costs)[number]) => number) =>
    costs.reduce((all, cost) => all + figure(cost), 0);
  const days = sum((cost) => cost.days);
  const units = sum((cost) => cost.readUnits);
  const pass =
    days < 1
      ? formatDuration(days * 86_400_000, t, locale)
      : t('{0} days', new Intl.NumberFormat(locale, { maximumSignificantDigits: 2 }).format(days));
  return html`<p class="help hint" role="status">
    ${t(
      'About {0} rows. One pass takes {1}, consumes {2} read capacity units in Tablestore ({3} per day) and reads each source row twice.',
      formatCount(rows, locale),
      pass,
      formatCount(units, locale),
      formatCount(Math.round(units / days), locale),
    )}
  </p>`;
}
