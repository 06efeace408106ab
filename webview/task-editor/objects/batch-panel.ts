import { html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import { dropdown } from '../../components/dropdown.js';
import { base } from '../../components/styles.js';
import { valueOf } from '../../components/toolkit.js';
import { t } from '../../components/words.js';
import {
  noRule,
  previewRename,
  previewRules,
  renameEdits,
  ruleOf,
  rulesEdits,
  rulesFrom,
  type Named,
  type RenamePreview,
  type RenameRule,
} from './batch-rename.js';
import type { Catalog } from '../form/catalog.js';
import type { FormContext } from '../form/context.js';
import { allTables, matches, selection } from '../form/document.js';
import '../form/rows.js';
import { form } from '../form/styles.js';
import { sourceName } from '../../../src/shared/source-name.js';

/**
 * One rule for the names of all selected tables, or for those of a whole database whenever they come, with what it
 * would give, before it is applied.
 */
export class BatchPanel extends LitElement {
  static override styles = [base, form];
  static override properties: PropertyDeclarations = {
    context: { attribute: false },
    catalog: { attribute: false },
    revision: { type: Number },
    rule: { state: true },
    of: { state: true },
  };
  declare context: FormContext;
  declare catalog: Catalog;
  declare revision: number;
  /** The database whose tables are named whenever they come; '': the tables that are selected one by one. */
  declare private of: string | null;
  declare private rule: RenameRule;

  constructor() {
    super();
    this.rule = noRule;
    this.of = null;
  }

  override render(): TemplateResult {
    const { document } = this.context.state;
    const tables = allTables(document);
    const whole = selection(document).filter((one) => one.whole);
    const of = this.of ?? (tables.length > 0 ? '' : (whole[0]?.database ?? ''));
    const database = whole.find((one) => one.database === of);
    const rule = this.of === null && database ? ruleOf(database.renames) : this.rule;
    const rules = database && rulesFrom(rule, database.renames);
    const known = database && this.catalog.tablesOf(database.database)?.map(({ name }) => name);
    const kept = known?.filter((name) => !database!.exclude.some((pattern) => matches(pattern, name)));
    const named = rules ? [] : previewRename(tables, rule);
    const previews = rules ? previewRules(database, kept ?? [], rules) : named;
    const wrong = previews.filter(({ problem }) => problem !== null);
    const edits = rules ? rulesEdits(database, rules) : renameEdits(named);
    // What is wrong comes first: among a thousand it would not be found.
    const byHand = rules ? [] : named.filter(overwrites);
    const shown = [...wrong, ...previews.filter(({ problem }) => problem === null)];
    const part = (key: 'prefix' | 'suffix' | 'find' | 'replace', label: string) =>
      html`<vscode-text-field
        .value=${rule[key]}
        @input=${(event: Event) => {
          this.of = of;
          this.rule = { ...rule, [key]: valueOf(event) };
        }}
        >${label}</vscode-text-field
      >`;
    const close = () => this.dispatchEvent(new CustomEvent('close'));
    return html`<div class="card details" role="group" aria-label=${t('Batch Edit')}>
      <h3>${t('Batch Edit')}</h3>
      <div class="batch">
        ${
          whole.length === 0
            ? nothing
            : html`<div>
                <div class="above">${t('Rename')}</div>
                ${dropdown({
                  label: t('Rename'),
                  value: of,
                  options: [
                    ...(tables.length > 0 ? ([['', t('the selected tables')]] as const) : []),
                    ...whole.map((one) => [one.database, t('all of {0}', one.database)] as const),
                  ],
                  change: (chosen) => {
                    const next = whole.find((one) => one.database === chosen);
                    this.of = chosen;
                    this.rule = next ? ruleOf(next.renames) : noRule;
                  },
                })}
              </div>`
        }
        ${part('prefix', t('Prefix'))} ${part('suffix', t('Suffix'))} ${part('find', t('Find'))}
        ${part('replace', t('Replace with'))}
        ${
          database
            ? nothing
            : html`<div>
                <div class="above">${t('Case')}</div>
                ${dropdown({
                  label: t('Case'),
                  value: rule.letters,
                  options: [
                    ['keep', t('Keep the case')],
                    ['lower', t('Lower case')],
                    ['upper', t('Upper case')],
                  ],
                  change: (letters) => (this.rule = { ...rule, letters: letters as RenameRule['letters'] }),
                })}
              </div>`
        }
      </div>
      <rf-rows
        class="short"
        .count=${shown.length}
        .height=${26}
        .kind=${'list'}
        .label=${t('Resulting names')}
        .row=${(index: number) => preview(shown[index]!)}
      ></rf-rows>
      ${
        byHand.length === 0
          ? nothing
          : html`<p class="warning" role="status">
              ${t(
                'Overwrites {0} names given by hand: {1}',
                byHand.length,
                byHand
                  .slice(0, 5)
                  .map(({ table, name }) => `${table.rename} → ${name}`)
                  .join(', ') + (byHand.length > 5 ? ', …' : ''),
              )}
            </p>`
      }
      <div class="row foot">
        <vscode-button
          appearance="secondary"
          ?disabled=${edits.length === 0 || wrong.length > 0}
          @click=${() => {
            this.context.edit(edits);
            close();
          }}
          >${
            database
              ? t('Rename all tables of {0}, including those created later', database.database)
              : t('Rename {0} tables', edits.length)
          }</vscode-button
        >
        <vscode-button appearance="secondary" @click=${close}>${t('Cancel')}</vscode-button>
        <span class="error" role="status"
          >${wrong.length > 0 ? t('{0} names are not valid.', wrong.length) : ''}</span
        >
      </div>
    </div>`;
  }
}

/** A name that a person gave to this table alone, and that another one would take the place of. */
function overwrites({ table, name }: RenamePreview): boolean {
  return table.rename !== undefined && table.rename !== name;
}

function preview({ table, name, problem }: Omit<RenamePreview, 'table'> & { table: Named }): TemplateResult {
  const changed = name !== (table.rename ?? table.ruled);
  return html`<div class="names">
    <span class="clip hint">${sourceName(table)}</span>
    <span class="clip ${changed ? 'changed' : 'hint'}">${name}</span>
    <span class="clip error"
      >${problem === 'taken' ? t('duplicate table name') : problem === 'illegal' ? t('not allowed in Tablestore') : ''}${
        problem === null && table.rename !== undefined && changed
          ? html`<span class="warning">${t('instead of {0}', table.rename)}</span>`
          : nothing
      }</span
    >
  </div>`;
}

customElements.define('rf-batch', BatchPanel);
