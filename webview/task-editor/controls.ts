import { html, nothing, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import { checkedOf, valueOf } from '../components/toolkit.js';
import { t } from '../components/words.js';
import { problemsAt, type FormContext } from './context.js';
import { effective, ruleAt, setEdit } from './document.js';
import type { Field } from './fields.js';

/** One setting: label, control, range and help, and what the file has against it. */
export function fieldControl(field: Field, context: FormContext): TemplateResult {
  const { state } = context;
  const value = effective(state.document, state.schema, field.path);
  const idle = field.idle?.(state.document, state.schema);
  const set = (next: unknown) => context.edit(setEdit(state.document, state.schema, field.path, next));
  const problems = problemsAt(state, field.path);
  const rule = ruleAt(state.schema, field.path);
  const range = rangeWords(rule.minimum, rule.maximum);
  const standard =
    field.kind === 'number' && rule.standard !== undefined ? t('Default {0}', String(rule.standard)) : '';
  const help = [field.help, [range, standard].filter((part) => part !== '').join(', ')]
    .filter((part) => part !== '')
    .join(' ');
  return html`<div class="field ${field.kind}" ?data-idle=${idle !== undefined}>
    ${
      field.kind === 'switch'
        ? html`<vscode-checkbox
            .checked=${live(value === true)}
            ?disabled=${idle !== undefined}
            @change=${(event: Event) => set(checkedOf(event))}
            >${field.label}</vscode-checkbox
          >`
        : html`<div class="label">${field.label}</div>
            ${valueControl(field, value, idle !== undefined, set)}`
    }
    <div class="help hint">${idle ?? help}</div>
    ${problems.map((problem) => html`<div class="help error" role="alert">${problem}</div>`)}
  </div>`;
}

function valueControl(
  field: Field,
  value: unknown,
  disabled: boolean,
  set: (value: unknown) => void,
): TemplateResult {
  if (field.kind === 'choice') {
    // dirtyData may be an object whose policy is the choice.
    const chosen =
      typeof value === 'object' && value !== null ? (value as { policy?: string }).policy : value;
    return html`<vscode-dropdown
      aria-label=${field.label}
      ?disabled=${disabled}
      @change=${(event: Event) => {
        const next = valueOf(event);
        set(typeof value === 'object' && value !== null ? { ...value, policy: next } : next);
      }}
    >
      ${(field.choices ?? []).map(
        ([option, label]) =>
          html`<vscode-option value=${option} ?selected=${option === chosen}>${label}</vscode-option>`,
      )}
    </vscode-dropdown>`;
  }
  const shown = value === null || value === undefined ? '' : String(value);
  const optional = field.kind === 'optional-number' || field.kind === 'optional-text';
  const numeric = field.kind === 'number' || field.kind === 'optional-number';
  return html`<div class="row">
    <vscode-text-field
      class=${numeric ? 'narrow' : 'wide'}
      aria-label=${field.label}
      placeholder=${optional && numeric ? t('no limit') : nothing}
      .value=${live(shown)}
      ?disabled=${disabled}
      @change=${(event: Event) => {
        const text = valueOf(event).trim();
        if (text === '' && optional) set(field.kind === 'optional-number' ? null : undefined);
        // What is no number goes into the file as it is: the file then says what is wrong with it.
        else set(numeric && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text);
      }}
    ></vscode-text-field>
    ${field.unit === undefined ? nothing : html`<span class="hint">${field.unit}</span>`}
  </div>`;
}

function rangeWords(minimum: number | undefined, maximum: number | undefined): string {
  if (minimum !== undefined && maximum !== undefined) return t('From {0} to {1}', minimum, maximum);
  return '';
}
