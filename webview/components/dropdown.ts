import { html, nothing, type ElementPart, type TemplateResult } from 'lit';
import { Directive, directive, PartType, type PartInfo } from 'lit/directive.js';
import { valueOf } from './toolkit.js';

/** A dropdown takes its value only once its options are there, and forgets it when they change. */
class Chosen extends Directive {
  constructor(part: PartInfo) {
    super(part);
    if (part.type !== PartType.ELEMENT) throw new Error('chosen() stands in the tag of a dropdown');
  }
  render(_value: string): undefined {
    return undefined;
  }
  override update(part: ElementPart, [value]: [string]): undefined {
    const element = part.element as HTMLElement & { value: string };
    queueMicrotask(() => {
      if (element.value !== value) element.value = value;
    });
    return undefined;
  }
}
const chosen = directive(Chosen);

export interface Dropdown {
  label: string;
  value: string;
  options: readonly (readonly [value: string, label: string])[];
  disabled?: boolean;
  wide?: boolean;
  change(value: string): void;
}

/** A value that is none of the options is shown as it is: the file may say anything. */
export function dropdown({ label, value, options, disabled, wide, change }: Dropdown): TemplateResult {
  const known = options.some(([option]) => option === value);
  const all = known ? options : [...options, [value, value] as const];
  return html`<vscode-dropdown
    class=${wide ? 'wide' : nothing}
    aria-label=${label}
    ?disabled=${disabled ?? false}
    @change=${(event: Event) => change(valueOf(event))}
    ${chosen(value)}
  >
    ${all.map(([option, text]) => html`<vscode-option value=${option}>${text}</vscode-option>`)}
  </vscode-dropdown>`;
}

/**
 * For rows of a long list: the browser's own select, because the list of the toolkit's dropdown is cut off by the
 * edge of what scrolls around it, and a thousand of them are slow.
 */
export function select({ label, value, options, disabled, change }: Dropdown): TemplateResult {
  const known = options.some(([option]) => option === value);
  const all = known ? options : [...options, [value, value] as const];
  return html`<select
    aria-label=${label}
    ?disabled=${disabled ?? false}
    @change=${(event: Event) => change(valueOf(event))}
    ${chosen(value)}
  >
    ${all.map(([option, text]) => html`<option value=${option} ?selected=${option === value}>${text}</option>`)}
  </select>`;
}
