import { isAtOrBelow, keyName } from '../../src/shared/key-name.js';
import type { TaskEditorState } from '../../src/shared/pages.js';
import { t } from '../components/words.js';
import { destinationFields, sourceFields, synchronizationFields, tableFields } from './connection/fields.js';
import { allTables, selection, valueAt, type Path } from './form/document.js';
import { advancedFields } from './settings/advanced-fields.js';
import { writingFields } from './settings/writing-fields.js';

export type SectionId = 'connections' | 'objects' | 'keys' | 'writing' | 'advanced' | 'etl' | 'review';

/** Where the form shows a setting of the file. */
export interface Place {
  section: SectionId;
  /** As the form calls it; the key of the file for what the form does not show. */
  label: string;
  /** The selected table that it is about, as `objects[0].tables[1]`. */
  table?: string;
}

/** By the key of an issue: `write.queueSize`, `objects[0].tables[1].filter`. */
export function placeOf(key: string, document: unknown): Place {
  const table = /^objects\[\d+\]\.tables\[\d+\]/.exec(key)?.[0];
  if (table !== undefined) return placeOfTable(key, table, document);
  const database = /^objects\[(\d+)\](?:\.(\w+))?/.exec(key);
  if (database) {
    const name = selection(document).find(({ path }) => path[1] === Number(database[1]))?.database;
    const what =
      database[2] === 'exclude' ? t('Exclude') : database[2] === 'renameTables' ? t('Batch Edit') : '';
    return {
      section: sectionOf(key),
      label: [name ?? key, what].filter((part) => part !== '').join(': '),
    };
  }
  const own = fields();
  const known = own.find(([place]) => isAtOrBelow(key, place));
  return {
    section: sectionOf(key, own),
    label: known?.[2] ?? (key === '' ? t('The file as a whole') : key),
  };
}

/** The section alone, for which the document is not needed. */
function sectionOf(key: string, own?: readonly OwnField[]): SectionId {
  if (/^objects\[\d+\]\.tables\[\d+\]\.primaryKey(?:[.[]|$)/.test(key)) return 'keys';
  if (/^objects\[\d+\]/.test(key)) return 'objects';
  const known = (own ?? fields()).find(([place]) => isAtOrBelow(key, place));
  const [top = ''] = key.split(/[.[]/);
  return known?.[1] ?? sections[top] ?? 'advanced';
}

/** The sections with something in them that makes the task fail, and then the review too. */
export function wrongSections({
  issues,
  problems,
}: Pick<TaskEditorState, 'issues' | 'problems'>): ReadonlySet<SectionId> {
  const own = fields();
  const errors = [...issues, ...problems.filter(({ severity }) => severity === 'error')];
  const wrong = new Set(errors.map(({ key }) => sectionOf(key, own)));
  if (errors.length > 0) wrong.add('review');
  return wrong;
}

export type SectionMark = 'done' | 'problem';

/**
 * What the navigation says of a section: something in it makes the task fail, or it is ready. null: nothing to say, as
 * of one that may be left empty.
 */
export function markOf(
  section: SectionId,
  document: unknown,
  wrong: ReadonlySet<SectionId>,
): SectionMark | null {
  if (wrong.has(section)) return 'problem';
  const isEmpty =
    (section === 'etl' && !valueAt(document, ['etl'])) ||
    ((section === 'objects' || section === 'keys') && selection(document).length === 0);
  return isEmpty ? null : 'done';
}

function placeOfTable(key: string, table: string, document: unknown): Place {
  const found = allTables(document).find(({ path }) => keyName(path) === table);
  const rest = key.slice(table.length + 1);
  const [what = ''] = rest.split(/[.[]/);
  const column = /^columns(?:\.([^.[]+)|\["(.+?)"\])/.exec(rest);
  const words: Record<string, string> = {
    filter: t('Filter'),
    rename: t('Name in Tablestore'),
    primaryKey: t('Primary key'),
    columns: t('Column {0}', column?.[1] ?? column?.[2] ?? ''),
  };
  return {
    section: sectionOf(key),
    label: [found?.name ?? table, words[what] ?? ''].filter((part) => part !== '').join(': '),
    table,
  };
}

/** Settings whose place is not that of a field of its own. */
const sections: Record<string, SectionId> = {
  source: 'connections',
  destination: 'connections',
  synchronization: 'connections',
  startPosition: 'connections',
  name: 'connections',
  objects: 'objects',
  etl: 'etl',
};

type OwnField = [place: string, section: SectionId, label: string];

function fields(): OwnField[] {
  const own = (section: SectionId, list: readonly { path: Path; label: string }[]) =>
    list.map(({ path, label }): OwnField => [keyName(path), section, label]);
  const connection: [string, string][] = [
    ['source.connection', t('Source connection')],
    ['source.host', t('Host')],
    ['source.port', t('Port')],
    ['source.user', t('User')],
    ['source.password', t('Password')],
    ['source.ssl', t('Encryption')],
    ['source', t('Source: MySQL')],
    ['destination.connection', t('Destination connection')],
    ['destination.endpoint', t('Endpoint')],
    ['destination.instance', t('Instance')],
    ['destination.accessKeyId', t('AccessKey ID')],
    ['destination.accessKeySecret', t('AccessKey secret')],
    ['destination', t('Destination: Tablestore')],
    ['synchronization.operations', t('Operations to replicate')],
    ['synchronization', t('Synchronization')],
    ['startPosition', t('Start position')],
    ['name', t('Name of the task')],
  ];
  // The nearest comes first: what is said of `dirtyData.mask` is about the masked columns.
  return [
    ...own('connections', [
      ...sourceFields(),
      ...destinationFields(),
      ...tableFields(),
      ...synchronizationFields(),
    ]),
    ...own('writing', writingFields()),
    ...own(
      'advanced',
      advancedFields().flatMap((group) => group.fields),
    ),
    ...connection.map(([key, label]): OwnField => [key, 'connections', label]),
    ['objects', 'objects', t('Objects')] as OwnField,
    ['etl', 'etl', t('ETL script')] as OwnField,
  ].sort(([a], [b]) => b.length - a.length);
}
