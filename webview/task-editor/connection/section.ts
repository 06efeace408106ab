import { html, nothing, type TemplateResult } from 'lit';
import type { Side } from '../../../src/shared/refusal.js';
import { live } from 'lit/directives/live.js';
import { dropdown } from '../../components/dropdown.js';
import { t } from '../../components/words.js';
import type { FormContext } from '../form/context.js';
import { fieldControl, textControl } from '../form/controls.js';
import { effective, setEdit, valueAt, type Path } from '../form/document.js';
import {
  destinationFields,
  encryptionField,
  sourceFields,
  synchronizationFields,
  tableFields,
} from './fields.js';
import './endpoint-fields.js';
import type { Field } from '../form/fields.js';
import { startPosition } from './start-position.js';

const inFile = '\u0000in this file';

/** Source and destination: a saved connection by name, or one written in the file; and what is synchronized. */
export function connectionSection(context: FormContext): TemplateResult {
  const { state } = context;
  const text = (path: Path, label: string, placeholder = '') =>
    textControl(context, path, label, placeholder);
  return html`
    <div class="two">
      <div class="card">
        <h3>${t('Source: MySQL')}</h3>
        ${connectionChoice(context, 'source', state.sources, { host: '127.0.0.1', port: 3306, user: 'root', password: '${env:MYSQL_PASSWORD}' })}
        ${
          usesSaved(state.document, 'source')
            ? refusedSecret(context, 'source')
            : html`
                <div class="pair">
                  ${text(['source', 'host'], t('Host'), '127.0.0.1')}
                  ${text(['source', 'port'], t('Port'), '3306')}
                </div>
                ${text(['source', 'user'], t('User'))}
                ${text(['source', 'password'], t('Password'), '${env:MYSQL_PASSWORD}')}
                ${refusedSecret(context, 'source')} ${fieldControl(encryptionField(), context)}
                ${further(context, t('Certificates, more addresses, server_id'), sourceFields(), needsAuthority(context))}
              `
        }
      </div>
      <div class="card">
        <h3>${t('Destination: Tablestore')}</h3>
        ${connectionChoice(context, 'destination', state.destinations, {
          endpoint: 'https://instance.cn-hangzhou.ots.aliyuncs.com',
          instance: 'instance',
          accessKeyId: '${env:OTS_KEY}',
          accessKeySecret: '${env:OTS_SECRET}',
        })}
        ${
          usesSaved(state.document, 'destination')
            ? refusedSecret(context, 'destination')
            : html`
                <rf-endpoint .context=${context}></rf-endpoint>
                ${text(['destination', 'accessKeyId'], t('AccessKey ID'), '${env:OTS_KEY}')}
                ${text(['destination', 'accessKeySecret'], t('AccessKey secret'), '${env:OTS_SECRET}')}
                ${refusedSecret(context, 'destination')}
                ${further(context, t('Temporary credentials'), destinationFields())}
              `
        }
        ${further(context, t('Table options'), tableFields())}
      </div>
    </div>
    <div class="fields switches" role="group" aria-label=${t('Synchronization')}>
      ${synchronizationFields().map((field) => fieldControl(field, context))}
    </div>
    ${operations(context)} ${startPosition(context)}
  `;
}

/** Beside the field whose secret the side did not take: the field itself holds a variable, or the name of a connection. */
function refusedSecret({ state, run }: FormContext, side: Side): TemplateResult | typeof nothing {
  if (state.refused?.side !== side) return nothing;
  return html`<div class="field refused">
    <div class="help error">${state.refused.message}</div>
    <vscode-button appearance="secondary" @click=${() => run('enterSecrets')}
      >${side === 'source' ? t('Enter the Password Again…') : t('Enter the AccessKey Again…')}</vscode-button
    >
  </div>`;
}

function usesSaved(document: unknown, side: 'source' | 'destination'): boolean {
  return typeof valueAt(document, [side, 'connection']) === 'string';
}

function connectionChoice(
  context: FormContext,
  side: 'source' | 'destination',
  saved: readonly string[],
  inline: Record<string, string | number>,
): TemplateResult {
  const named = valueAt(context.state.document, [side, 'connection']);
  const names = typeof named === 'string' && !saved.includes(named) ? [named, ...saved] : saved;
  const label = side === 'source' ? t('Source connection') : t('Destination connection');
  return dropdown({
    label,
    wide: true,
    value: typeof named === 'string' ? named : inFile,
    options: [...names.map((name) => [name, name] as const), [inFile, t('Written in this file')]],
    change: (choice) => {
      const options = side === 'destination' ? tableOptions(context.state.document) : {};
      const value = choice === inFile ? inline : { connection: choice };
      context.edit([{ path: [side], value: { ...value, ...options } as never }]);
    },
  });
}

/** What is said of tables stays when another destination is chosen. */
function tableOptions(document: unknown): Record<string, unknown> {
  const there = valueAt(document, ['destination']);
  return Object.fromEntries(
    ['tables', 'tableLimit'].flatMap((key) => {
      const value = valueAt(there, [key]);
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

/** An encryption that checks the server is worth nothing without the file to check it by. */
function needsAuthority({ state }: FormContext): boolean {
  return String(effective(state.document, state.schema, ['source', 'ssl'])).startsWith('verify');
}

/** Further settings, folded away until one of them is set or asked for. */
function further(
  context: FormContext,
  title: string,
  fields: readonly Field[],
  needed = false,
): TemplateResult {
  const used = needed || fields.some(({ path }) => valueAt(context.state.document, path) !== undefined);
  return html`<details ?open=${used}>
    <summary>${title}</summary>
    ${fields.map((field) => fieldControl(field, context))}
  </details>`;
}

const kinds = ['INSERT', 'UPDATE', 'DELETE'] as const;

function operations(context: FormContext): TemplateResult {
  const { state } = context;
  const path = ['synchronization', 'operations'];
  const chosen = effective(state.document, state.schema, path);
  const list: unknown[] = Array.isArray(chosen) ? chosen : [...kinds];
  const off = effective(state.document, state.schema, ['synchronization', 'incremental']) === false;
  return html`<div class="row operations" role="group" aria-label=${t('Operations to replicate')}>
    <span class="label">${t('Operations to replicate')}</span>
    ${kinds.map(
      (kind) =>
        html`<vscode-checkbox
          .checked=${live(list.includes(kind))}
          ?disabled=${off || (list.length === 1 && list.includes(kind))}
          @change=${(event: Event) => {
            const on = (event.target as HTMLInputElement).checked;
            const next = kinds.filter((k) => (k === kind ? on : list.includes(k)));
            context.edit(setEdit(state.document, state.schema, path, next));
          }}
          >${kind}</vscode-checkbox
        >`,
    )}
  </div>`;
}
