import { html, LitElement, type PropertyDeclarations, type TemplateResult } from 'lit';
import { dropdown } from '../components/dropdown.js';
import { base } from '../components/styles.js';
import { valueOf } from '../components/toolkit.js';
import { t } from '../components/words.js';
import { noRule, previewRename, renameEdits, type RenamePreview, type RenameRule } from './batch-rename.js';
import type { FormContext } from './context.js';
import { allTables } from './document.js';
import './rows.js';
import { form } from './styles.js';

/** One rule for the names of all selected tables, with what it would give, before it is applied. */
export class BatchPanel extends LitElement {
  static override styles = [base, form];
  static override properties: PropertyDeclarations = {
    context: { attribute: false },
    rule: { state: true },
  };
  declare context: FormContext;
  declare private rule: RenameRule;

  constructor() {
    super();
    this.rule = noRule;
  }

  override render(): TemplateResult {
    const previews = previewRename(allTables(this.context.state.document), this.rule);
    const wrong = previews.filter(({ problem }) => problem !== null);
    const edits = renameEdits(previews);
    // What is wrong comes first: among a thousand it would not be found.
    const shown = [...wrong, ...previews.filter(({ problem }) => problem === null)];
    const part = (key: 'prefix' | 'suffix' | 'find' | 'replace', label: string) =>
      html`<vscode-text-field
        .value=${this.rule[key]}
        @input=${(event: Event) => (this.rule = { ...this.rule, [key]: valueOf(event) })}
        >${label}</vscode-text-field
      >`;
    const close = () => this.dispatchEvent(new CustomEvent('close'));
    return html`<div class="card details" role="group" aria-label=${t('Batch Edit')}>
      <h3>${t('Batch Edit')}</h3>
      <div class="batch">
        ${part('prefix', t('Prefix'))} ${part('suffix', t('Suffix'))} ${part('find', t('Replace'))}
        ${part('replace', t('by'))}
        <div>
          <div class="above">${t('Letters')}</div>
          ${dropdown({
            label: t('Letters'),
            value: this.rule.letters,
            options: [
              ['keep', t('Keep the case')],
              ['lower', t('Lower case')],
              ['upper', t('Upper case')],
            ],
            change: (letters) => (this.rule = { ...this.rule, letters: letters as RenameRule['letters'] }),
          })}
        </div>
      </div>
      <rf-rows
        class="short"
        .count=${shown.length}
        .height=${26}
        .kind=${'list'}
        .label=${t('Names that this gives')}
        .row=${(index: number) => preview(shown[index]!)}
      ></rf-rows>
      <div class="row foot">
        <vscode-button
          ?disabled=${edits.length === 0 || wrong.length > 0}
          @click=${() => {
            this.context.edit(edits);
            close();
          }}
          >${t('Rename {0} tables', edits.length)}</vscode-button
        >
        <vscode-button appearance="secondary" @click=${close}>${t('Cancel')}</vscode-button>
        <span class="error" role="status"
          >${wrong.length > 0 ? t('{0} names cannot be used.', wrong.length) : ''}</span
        >
      </div>
    </div>`;
  }
}

function preview({ table, name, problem }: RenamePreview): TemplateResult {
  const changed = name !== (table.rename ?? table.name);
  return html`<div class="names">
    <span class="clip hint">${table.database}.${table.name}</span>
    <span class="clip ${changed ? 'changed' : 'hint'}">${name}</span>
    <span class="clip error"
      >${problem === 'taken' ? t('two tables of this name') : problem === 'illegal' ? t('not allowed in Tablestore') : ''}</span
    >
  </div>`;
}

customElements.define('rf-batch', BatchPanel);
