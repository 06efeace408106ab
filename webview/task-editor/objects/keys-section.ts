import { html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import { keyProblems } from '../../../src/shared/key-problems.js';
import type { CatalogTable } from '../../../src/shared/catalog-api.js';
import { dropdown, select } from '../../components/dropdown.js';
import { icon } from '../../components/icon.js';
import { committed } from '../../components/input.js';
import { base } from '../../components/styles.js';
import { valueOf } from '../../components/toolkit.js';
import { t } from '../../components/words.js';
import type { Catalog } from '../form/catalog.js';
import { problemsAt, type FormContext } from '../form/context.js';
import { allTables, type SelectedTable } from '../form/document.js';
import '../form/rows.js';
import { form } from '../form/styles.js';
import { sourceName } from '../../../src/shared/source-name.js';

const mostColumns = 4;

/** A grid of tables: their key in Tablestore, one to four columns in order, and what speaks against it. */
export class KeysSection extends LitElement {
  static override styles = [base, form];
  static override properties: PropertyDeclarations = {
    context: { attribute: false },
    catalog: { attribute: false },
    revision: { type: Number },
    search: { state: true },
    status: { state: true },
  };
  declare context: FormContext;
  declare catalog: Catalog;
  declare revision: number;
  declare private search: string;
  declare private status: 'any' | 'default' | 'all' | 'problems';

  constructor() {
    super();
    this.search = '';
    this.status = 'any';
  }

  override render(): TemplateResult {
    const tables = allTables(this.context.state.document);
    if (tables.length === 0) {
      return html`<p class="hint">
        ${t('Each table keeps its primary key. To choose other key columns, select tables individually.')}
      </p>`;
    }
    const unknown = [
      ...new Set(tables.map(({ database }) => database).filter((name) => !this.catalog.tablesOf(name))),
    ];
    const wanted = this.search.trim().toLowerCase();
    const shown = tables.filter(
      (table) =>
        sourceName(table).toLowerCase().includes(wanted) &&
        (this.status === 'any' ||
          (this.status === 'problems'
            ? this.problems(table).length > 0
            : (this.status === 'all') === (table.primaryKey !== undefined))),
    );
    return html`
      <div class="row tools">
        <vscode-text-field
          class="search"
          aria-label=${t('Search tables')}
          placeholder=${t('Search tables')}
          .value=${this.search}
          @input=${(event: Event) => (this.search = valueOf(event))}
        ></vscode-text-field>
        ${dropdown({
          label: t('Show tables by definition status'),
          value: this.status,
          options: [
            ['any', t('Every table')],
            ['default', t('Definition status: Default')],
            ['all', t('Definition status: All')],
            ['problems', t('With problems')],
          ],
          change: (status) => (this.status = status as typeof this.status),
        })}
        ${
          unknown.length === 0
            ? nothing
            : html`<vscode-button
                appearance="secondary"
                @click=${() => unknown.forEach((name) => void this.catalog.loadTables(name))}
                >${t('Read keys and columns from the source')}</vscode-button
              >`
        }
      </div>
      ${
        this.catalog.problem === null
          ? nothing
          : html`<p class="error" role="alert">${this.catalog.problem}</p>`
      }
      <div class="keys head" aria-hidden="true">
        <span>${t('Table')}</span><span>${t('Definition Status')}</span>
        <span>${t('Primary Key Columns, in order')}</span><span>${t('Problems')}</span>
      </div>
      <rf-rows
        .count=${shown.length}
        .height=${38}
        .kind=${'table'}
        .ruled=${true}
        .label=${t('Keys of the selected tables')}
        .row=${(index: number) => this.row(shown[index]!)}
      ></rf-rows>
    `;
  }

  private problems(table: SelectedTable): string[] {
    const known = this.catalog.table(table.database, table.name);
    const told = problemsAt(this.context.state, [...table.path, 'primaryKey']);
    if (told.length > 0 || !known) return told;
    const columns = table.primaryKey ?? defaultKey(known);
    if (!columns) return [t('The table has no primary key and no NOT NULL unique key. Choose key columns.')];
    return keyProblems(known, columns, t);
  }

  private row(table: SelectedTable): TemplateResult {
    const known = this.catalog.table(table.database, table.name);
    const { primaryKey } = table;
    const standard = known && defaultKey(known);
    const problems = this.problems(table);
    const set = (columns: readonly string[] | undefined) =>
      this.context.edit([
        {
          path: [...table.path, 'primaryKey'],
          ...(columns === undefined || columns.length === 0 ? {} : { value: [...columns] }),
        },
      ]);
    return html`<div class="keys">
      <span role="rowheader" class="clip" title="${sourceName(table)}">${sourceName(table)}</span>
      <span role="cell"
        >${select({
          label: t('Definition status of {0}', table.name),
          value: primaryKey ? 'all' : 'default',
          options: [
            ['default', t('Default')],
            ['all', t('All')],
          ],
          // Without a key to begin with, and nothing known of the table, the first column is asked for as text.
          change: (status) =>
            set(status === 'all' ? (standard ?? (known ? [known.columns[0]!.name] : ['id'])) : undefined),
        })}</span
      >
      <span role="cell" class="row nowrap picks"
        >${
          primaryKey
            ? known
              ? picker(table, known, primaryKey, set)
              : typed(table, primaryKey, set)
            : html`<span class="hint">${standard?.join(', ') ?? t('the primary key')}</span>`
        }</span
      >
      <span role="cell" class="clip ${problems.length > 0 ? 'error' : 'hint'}" title=${problems.join('\n')}
        >${problems.length > 0 ? html`${icon('warning')} ${problems.join(' ')}` : known ? html`${icon('pass')}<span class="visually-hidden">${t('none')}</span>` : ''}</span
      >
    </div>`;
  }
}

/** As the engine chooses: the primary key, else the first unique key without NULL. */
export function defaultKey(table: CatalogTable): readonly string[] | undefined {
  const whole = (columns: readonly string[]) =>
    columns.every((name) => table.columns.find((column) => column.name === name)?.nullable === false);
  return (table.keys.find((key) => key.primary) ?? table.keys.find((key) => key.unique && whole(key.columns)))
    ?.columns;
}

/** Without the catalog: names as they are typed. */
function typed(
  table: SelectedTable,
  columns: readonly string[],
  set: (columns: string[] | undefined) => void,
): TemplateResult {
  return html`<rf-input
    class="grow"
    plain
    .name=${t('Key columns of {0}, separated by commas', table.name)}
    .value=${columns.join(', ')}
    @commit=${(event: Event) =>
      set(
        committed(event)
          .split(',')
          .map((name) => name.trim())
          .filter((name) => name !== ''),
      )}
  ></rf-input>`;
}

/** One select a place; choosing a column that stands elsewhere swaps the two, so that order is a matter of choosing. */
function picker(
  table: SelectedTable,
  known: CatalogTable,
  columns: readonly string[],
  set: (columns: string[]) => void,
): TemplateResult {
  const options = known.columns.map(
    ({ name, type, keyProblem }) =>
      [name, keyProblem === null ? `${name} (${type})` : `${name} (${keyProblem})`] as const,
  );
  const choose = (index: number, name: string) => {
    const next = [...columns];
    const other = next.indexOf(name);
    if (name === '') next.splice(index, 1);
    else {
      if (other >= 0 && index < columns.length) next[other] = columns[index]!;
      next[index] = name;
    }
    set(next);
  };
  const places = Math.min(mostColumns, columns.length + 1);
  return html`${Array.from({ length: places }, (_, index) => {
    const column = columns[index];
    const free = options.filter(([name]) => !columns.includes(name));
    return select({
      label:
        column === undefined
          ? t('Add a key column to {0}', table.name)
          : t('Key column {0} of {1}', index + 1, table.name),
      value: column ?? '',
      options:
        column === undefined
          ? [['', t('Add…')], ...free]
          : [
              ...(columns.length > 1 ? [['', t('Remove')] as const] : []),
              // The chosen one stands there by its name alone: that is what has to be read.
              ...options.map(([name, text]) => [name, name === column ? name : text] as const),
            ],
      change: (name) => {
        if (name !== '' || column !== undefined) choose(index, name);
      },
    });
  })}`;
}

customElements.define('rf-keys', KeysSection);
