import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { live } from 'lit/directives/live.js';
import type { CatalogTable } from '../../src/shared/workbench-api.js';
import { icon } from '../components/icon.js';
import { valueOf } from '../components/toolkit.js';
import { t } from '../components/words.js';
import type { Catalog } from './catalog.js';
import { problemsAt, type FormContext } from './context.js';
import { allTables, type SelectedTable } from './document.js';
import { keyProblems } from './keys.js';

/** A grid of tables: their key in Tablestore, one to four columns in order, and what speaks against it. */
export function keysSection(context: FormContext, catalog: Catalog): TemplateResult {
  const tables = allTables(context.state.document);
  if (tables.length === 0) {
    return html`<p class="hint">
      ${t('Each table keeps its primary key. Select tables one by one to choose other key columns.')}
    </p>`;
  }
  return html`<div class="preview">
    <table>
      <thead>
        <tr>
          <th>${t('Table')}</th>
          <th>${t('Definition')}</th>
          <th>${t('Key columns, in order')}</th>
        </tr>
      </thead>
      <tbody>
        ${repeat(
          tables,
          (table) => table.path.join('/'),
          (table) => keyRow(context, table, catalog.table(table.database, table.name)),
        )}
      </tbody>
    </table>
  </div>`;
}

function keyRow(context: FormContext, table: SelectedTable, known: CatalogTable | undefined): TemplateResult {
  const { primaryKey } = table;
  const set = (columns: string[] | undefined) =>
    context.edit([
      {
        path: [...table.path, 'primaryKey'],
        ...(columns === undefined || columns.length === 0 ? {} : { value: columns }),
      },
    ]);
  const problems = [
    ...problemsAt(context.state, [...table.path, 'primaryKey']),
    ...(known && primaryKey ? keyProblems(known, primaryKey, t) : []),
  ];
  const standard =
    known?.keys.find((key) => key.primary)?.columns ?? known?.keys.find((key) => key.unique)?.columns;
  return html`<tr>
    <td>${table.database}.${table.name}</td>
    <td>
      ${primaryKey ? t('Chosen') : t('Default')}
      ${
        primaryKey
          ? html`<vscode-button
              appearance="icon"
              title=${t('Back to the default')}
              aria-label=${t('Default key for {0}', table.name)}
              @click=${() => set(undefined)}
              >${icon('close')}</vscode-button
            >`
          : nothing
      }
    </td>
    <td>
      ${known ? keyPicker(table, known, primaryKey ?? standard ?? [], set) : keyText(table, primaryKey, set)}
      ${problems.map((problem) => html`<div class="help error" role="alert">${problem}</div>`)}
    </td>
  </tr>`;
}

/** Without the catalog: names as they are typed. */
function keyText(
  table: SelectedTable,
  columns: string[] | undefined,
  set: (columns: string[] | undefined) => void,
): TemplateResult {
  return html`<vscode-text-field
    aria-label=${t('Key columns of {0}, separated by commas', table.name)}
    placeholder=${t('the primary key')}
    .value=${live((columns ?? []).join(', '))}
    @change=${(event: Event) =>
      set(
        valueOf(event)
          .split(',')
          .map((name) => name.trim())
          .filter((name) => name !== ''),
      )}
  ></vscode-text-field>`;
}

function keyPicker(
  table: SelectedTable,
  known: CatalogTable,
  columns: readonly string[],
  set: (columns: string[]) => void,
): TemplateResult {
  const free = known.columns.filter((column) => !columns.includes(column.name));
  const moved = (index: number, by: number) => {
    const next = [...columns];
    const [column] = next.splice(index, 1);
    next.splice(index + by, 0, column!);
    return next;
  };
  return html`<div class="row">
    ${columns.map(
      (column, index) =>
        html`<span class="row">
          <span class="numbered">${index + 1}</span> ${column}
          ${
            index > 0
              ? html`<vscode-button
                  appearance="icon"
                  aria-label=${t('Move {0} forward', column)}
                  title=${t('Move {0} forward', column)}
                  @click=${() => set(moved(index, -1))}
                  >${icon('up')}</vscode-button
                >`
              : nothing
          }
          ${
            columns.length > 1
              ? html`<vscode-button
                  appearance="icon"
                  aria-label=${t('Remove {0}', column)}
                  title=${t('Remove {0}', column)}
                  @click=${() => set(columns.filter((name) => name !== column))}
                  >${icon('close')}</vscode-button
                >`
              : nothing
          }
        </span>`,
    )}
    ${
      columns.length < 4
        ? html`<vscode-dropdown
            aria-label=${t('Add a key column to {0}', table.name)}
            @change=${(event: Event) => {
              const name = valueOf(event);
              if (name !== '') set([...columns, name]);
            }}
          >
            <vscode-option value="" ?selected=${true}>${t('Add a column…')}</vscode-option>
            ${free.map(
              (column) =>
                html`<vscode-option value=${column.name} ?disabled=${column.keyProblem !== null}
                  >${column.name} (${column.keyProblem ?? column.type})</vscode-option
                >`,
            )}
          </vscode-dropdown>`
        : nothing
    }
  </div>`;
}
