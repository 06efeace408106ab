import { taskJsonSchema, type JsonSchema } from './task-json-schema.js';

/** What is known of the settings of a task file as Markdown, from their schema: docs/settings.md, and what the editor shows. */

export interface SettingHelp {
  /** `objects[].tables[].filter`; `*` stands for names that a person gives. */
  readonly path: string;
  readonly description: string;
  /** What may stand there, as JSON has it. */
  readonly values: string;
  /** As JSON; absent when there is none. */
  readonly default?: string;
  /** always: whoever has it around has this too. inForm: so in one of the forms that the one around may have. */
  readonly required?: 'always' | 'inForm';
}

let known: Map<string, SettingHelp> | undefined;

/** By path, in the order of the schema. */
export function settings(): ReadonlyMap<string, SettingHelp> {
  if (known) return known;
  known = new Map();
  walk(taskJsonSchema(), '', known);
  known.delete('$schema');
  return known;
}

/** The setting at a place of a document: names of properties and indices of lists. */
export function settingAt(place: readonly (string | number)[]): SettingHelp | undefined {
  const steps = place.map((step) => (typeof step === 'number' ? '[]' : step));
  const join = (all: readonly string[]) =>
    all.reduce((path, step) => (step === '[]' || path === '' ? path + step : `${path}.${step}`), '');
  const exact = settings().get(join(steps));
  if (exact) return exact;
  // One of the names is a person's own.
  for (const index of steps.keys()) {
    const found = settings().get(join(steps.with(index, '*')));
    if (found) return found;
  }
  return undefined;
}

export function allSettingsPage(): string {
  const sections = sectionNames().map((name) => sectionText(name, '##'));
  return `# Settings of a task file\n\nA task file is JSON with comments. \`[]\` stands for an entry of a list, \`*\` for a name that you give. **Required** settings are needed wherever the object or entry around them is written; *in this form* means that the object can be written in another way, without the setting: a \`source\` has either a \`connection\` or a \`user\`.\n\n${sections.join('\n')}`;
}

/** The settings of one section: `source`, `write`. All of them when there is no such section. */
export function settingsPage(section: string): string {
  return sectionNames().includes(section) ? sectionText(section, '#') : allSettingsPage();
}

export const sectionOf = (path: string): string => /^[^.[]+/.exec(path)?.[0] ?? path;

function sectionNames(): string[] {
  return [...new Set([...settings().keys()].map(sectionOf))];
}

function sectionText(name: string, level: string): string {
  const all = [...settings().values()].filter(({ path }) => sectionOf(path) === name);
  return all
    .map(({ path, description, values, default: standard, required }) => {
      const facts = [
        required === undefined ? '' : required === 'always' ? '**required**' : '**required** in this form',
        values,
        standard === undefined ? '' : `default \`${standard}\``,
      ];
      const told = facts.filter((fact) => fact !== '').join('; ');
      return `${path === name ? level : `${level}#`} \`${path}\`\n\n${[description, told === '' ? '' : `(${told})`].filter((part) => part !== '').join(' ')}\n`;
    })
    .filter((text) => text.trim() !== '')
    .join('\n');
}

function walk(schema: JsonSchema, path: string, into: Map<string, SettingHelp>, isOneForm = false): void {
  const needed = new Set(Array.isArray(schema['required']) ? schema['required'] : []);
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    const required = needed.has(name) ? (isOneForm ? 'inForm' : 'always') : undefined;
    add(inner, path === '' ? name : `${path}.${name}`, into, required);
  }
  if (schema.items) walk(schema.items, `${path}[]`, into);
  if (typeof schema.additionalProperties === 'object') walk(schema.additionalProperties, `${path}.*`, into);
  const forms = (schema.anyOf ?? []).filter(({ type }) => type !== 'null');
  for (const form of forms) walk(form, path, into, isOneForm || forms.length > 1);
}

function add(
  schema: JsonSchema,
  path: string,
  into: Map<string, SettingHelp>,
  required: SettingHelp['required'],
): void {
  const standard = schema['default'];
  const help = {
    path,
    // As Markdown: a star within words is none of its own.
    description: (schema.description ?? '').replaceAll('*', '\\*'),
    values: valuesOf(schema),
    ...(isTold(standard) && { default: JSON.stringify(standard) }),
    ...(required !== undefined && { required }),
  };
  // Two variants may have it: what one does not say the other does.
  const before = into.get(path);
  into.set(path, before && before.description.length > help.description.length ? before : help);
  walk(schema, path, into);
}

/** An object that stands for the defaults within it says nothing. */
function isTold(standard: unknown): boolean {
  if (standard === undefined) return false;
  return typeof standard !== 'object' || standard === null || Array.isArray(standard);
}

function valuesOf(schema: JsonSchema): string {
  const { type, enum: choices, const: only, anyOf } = schema;
  if (choices) return choices.map((choice) => `\`${JSON.stringify(choice)}\``).join(', ');
  if (only !== undefined) return `\`${JSON.stringify(only)}\``;
  if (anyOf) return [...new Set(anyOf.map(valuesOf))].join(' or ');
  const name = [type ?? []].flat().join(' or ').replace('array', 'list');
  const bounds = boundsOf(schema);
  return bounds === '' ? name : `${name} ${bounds}`;
}

/** In words; empty where the type alone decides. Whole numbers have the ends of those that JavaScript can count: no bounds. */
function boundsOf(schema: JsonSchema): string {
  const end = (key: string) => {
    const value = schema[key];
    return typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER ? value : undefined;
  };
  const above = end('exclusiveMinimum');
  if (above !== undefined) return `above ${above}`;
  const [items, most] = [end('minItems'), end('maxItems')];
  if (items !== undefined || most !== undefined)
    return `of ${most === undefined ? `at least ${items}` : `${items ?? 0} to ${most}`}`;
  const [least, greatest] = [end('minimum'), end('maximum')];
  if (least !== undefined && greatest !== undefined) return `from ${least} to ${greatest}`;
  if (least !== undefined) return `of at least ${least}`;
  return greatest === undefined ? '' : `of at most ${greatest}`;
}
