import type { ChangePlan, MappingChange } from './change-plan.js';
import { formatShort, type Translate } from './format.js';
import { asItIs, type Retell } from './retelling.js';

export function mappingChangeWords(t: Translate): Record<MappingChange, string> {
  return {
    table: t('destination table changed'),
    filter: t('filter changed'),
    key: t('key changed'),
    columns: t('columns changed'),
    transformation: t('transformation changed'),
  };
}

/** What a changed file does to a running task, a sentence a line. `atOnce`: settings that take effect with it. */
export function changePlanWords(
  plan: ChangePlan,
  atOnce: readonly string[],
  t: Translate,
  locale?: string,
  retell: Retell = asItIs,
): string {
  const { added, changed, removed, unfit = [], problems, atNextStart, reloadedAtNextStart = [] } = plan;
  const what = mappingChangeWords(t);
  const rows = (count: number) => formatShort(count, locale);
  const now = atOnce.filter((key) => !atNextStart.includes(key));
  const lines = [
    ...added.map((one) =>
      t(
        'Add {0} → {1}: load about {2} rows, then replicate changes.',
        one.source,
        one.destination,
        rows(one.estimatedRows),
      ),
    ),
    ...changed.map((one) =>
      t(
        'Reload {0} → {1}, about {2} rows: {3}.',
        one.source,
        one.destination,
        rows(one.estimatedRows),
        one.what.map((change) => what[change]).join(', '),
      ),
    ),
    ...removed.map((one) =>
      t('{0} is no longer replicated; {1} in Tablestore stays.', one.source, one.destination),
    ),
    ...unfit.map((one) => t('{0} will stop: {1}', one.source, retell(one.message))),
    ...problems.map(retell),
    ...(now.length > 0 ? [t('Takes effect immediately: {0}.', now.join(', '))] : []),
    ...(atNextStart.length > 0 ? [t('Takes effect at the next start: {0}.', atNextStart.join(', '))] : []),
    ...reloadedAtNextStart.map((source) => t('The next start reloads {0}.', source)),
  ];
  const most = 20;
  return lines.length <= most
    ? lines.join('\n')
    : [...lines.slice(0, most), t('and {0} more', lines.length - most)].join('\n');
}
