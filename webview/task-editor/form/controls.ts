import { html, nothing, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import { dropdown } from '../../components/dropdown.js';
import { committed } from '../../components/input.js';
import { checkedOf } from '../../components/toolkit.js';
import { locale, t } from '../../components/words.js';
import { formatCount } from '../../../src/shared/format.js';
import { keyName } from '../../../src/shared/key-name.js';
import { problemsAt, type FieldContext } from './context.js';
import { effective, ruleAt, setEdit, type Path } from './document.js';
import type { Field } from './fields.js';

/** One setting: label, control, one line of help with range and default, and what the file has against it. */
export function fieldControl(field: Field, context: FieldContext): TemplateResult {
  const { state } = context;
  const value = effective(state.document, state.schema, field.path);
  const idle = field.idle?.(state.document, state.schema);
  const set = (next: unknown) =>
    context.edit(
      (field.write ?? ((d, s, v) => setEdit(d, s, field.path, v)))(state.document, state.schema, next),
    );
  const problems = problemsAt(state, field.path);
  return html`<div
    class="field ${field.kind === 'switch' ? 'switch' : ''}"
    data-key=${keyName(field.path)}
    ?data-idle=${idle !== undefined}
  >
    ${
      field.kind === 'switch'
        ? html`<vscode-checkbox
            .checked=${live(value === true)}
            ?disabled=${idle !== undefined}
            @change=${(event: Event) => set(checkedOf(event))}
            >${field.label}</vscode-checkbox
          >`
        : html`<div class="label">${field.label}</div>
            ${valueControl(field, value, ruleAt(state.schema, field.path).standard, idle !== undefined, problems.length > 0, set, () => context.host.chooseFile(field.label))}`
    }
    <div class="help hint">
      ${idle ?? [field.help, bounds(field, context)].filter((part) => part !== '').join(' ')}
    </div>
    ${problems.map((problem) => html`<div class="help error" role="alert">${problem}</div>`)}
  </div>`;
}

function valueControl(
  field: Field,
  value: unknown,
  standard: unknown,
  disabled: boolean,
  invalid: boolean,
  set: (value: unknown) => void,
  choose: () => Promise<string | null>,
): TemplateResult {
  if (field.kind === 'choice') {
    // dirtyData may be an object whose policy is the choice.
    const chosen =
      typeof value === 'object' && value !== null
        ? ((value as { policy?: string }).policy ?? 'block')
        : value;
    const usual = typeof standard === 'object' && standard !== null ? 'block' : standard;
    return dropdown({
      label: field.label,
      value: String(chosen ?? field.choices?.[0]?.[0] ?? ''),
      options: (field.choices ?? []).map(([option, label]) => [
        option,
        option === usual ? t('{0} (default)', label) : label,
      ]),
      disabled,
      change: (next) => set(typeof value === 'object' && value !== null ? { ...value, policy: next } : next),
    });
  }
  const shown = Array.isArray(value)
    ? value.map(String).join(', ')
    : value === null || value === undefined
      ? ''
      : String(value);
  const numeric = field.kind === 'number' || field.kind === 'optional-number';
  return html`<div class="row nowrap">
    <rf-input
      class=${numeric ? 'narrow' : 'wide'}
      .name=${field.label}
      .placeholder=${field.placeholder ?? (field.kind === 'optional-number' ? t('no limit') : undefined)}
      .value=${shown}
      .disabled=${disabled}
      .invalid=${invalid}
      @commit=${(event: Event) => set(parsed(field, committed(event)))}
    ></rf-input>
    ${
      field.kind === 'file'
        ? html`<vscode-button
            appearance="secondary"
            aria-label=${t('Choose a file: {0}', field.label)}
            ?disabled=${disabled}
            @click=${() => void choose().then((file) => (file === null ? undefined : set(file)))}
            >${t('Choose…')}</vscode-button
          >`
        : nothing
    }
    ${field.unit === undefined ? nothing : html`<span class="hint">${field.unit}</span>`}
  </div>`;
}

/** A line of text, or a number, that needs no explanation. */
export function textControl(
  context: FieldContext,
  path: Path,
  label: string,
  placeholder: string,
): TemplateResult {
  const { state } = context;
  const value = effective(state.document, state.schema, path);
  const number = typeof ruleAt(state.schema, path).minimum === 'number';
  return html`<div class="field" data-key=${keyName(path)}>
    <rf-input
      .label=${label}
      .placeholder=${placeholder}
      .value=${value === undefined || value === null ? '' : String(value)}
      .invalid=${problemsAt(state, path).length > 0}
      @commit=${(event: Event) => {
        const text = committed(event);
        const next = number && /^\d+$/.test(text) ? Number(text) : text;
        context.edit(setEdit(state.document, state.schema, path, next));
      }}
    ></rf-input>
    ${problemsAt(state, path).map((problem) => html`<div class="help error" role="alert">${problem}</div>`)}
  </div>`;
}

function parsed(field: Field, text: string): unknown {
  if (field.kind === 'list') {
    return text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  }
  if (text === '') {
    if (field.kind === 'optional-number') return null;
    if (field.kind === 'optional-text' || field.kind === 'file') return undefined;
    // A number that is wiped away goes back to its default.
    if (field.kind === 'number') return undefined;
  }
  const numeric = field.kind === 'number' || field.kind === 'optional-number';
  // What is no number goes into the file as it is: the file then says what is wrong with it.
  return numeric && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

/** Range and default in words. */
function bounds(field: Field, { state }: FieldContext): string {
  const { minimum, maximum, standard } = ruleAt(state.schema, field.path);
  const number = (value: number) => formatCount(value, locale);
  const parts: string[] = [];
  if (minimum !== undefined && maximum !== undefined)
    parts.push(t('From {0} to {1}', number(minimum), number(maximum)));
  else if (minimum !== undefined && minimum > 0 && field.kind === 'number')
    parts.push(t('At least {0}', number(minimum)));
  if (field.kind === 'number' && typeof standard === 'number') parts.push(t('default {0}', number(standard)));
  if (field.kind === 'switch' && standard === true) parts.push(t('default on'));
  if (parts.length === 0) return '';
  const line = parts.join(', ');
  return `${line.charAt(0).toUpperCase()}${line.slice(1)}.`;
}
