import { html, nothing, type TemplateResult } from 'lit';
import { dropdown } from '../../components/dropdown.js';
import { committed } from '../../components/input.js';
import { t } from '../../components/words.js';
import { problemsAt, type FormContext } from '../form/context.js';
import { effective, valueAt } from '../form/document.js';

type Kind = 'none' | 'now' | 'gtid' | 'file' | 'time';

/** Where to begin in the binlog when nothing is loaded first. */
export function startPosition(context: FormContext): TemplateResult {
  const { state } = context;
  const value = valueAt(state.document, ['startPosition']);
  const full = effective(state.document, state.schema, ['synchronization', 'full']) !== false;
  const incremental = effective(state.document, state.schema, ['synchronization', 'incremental']) !== false;
  const kind = kindOf(value);
  // It may always be taken out of a file that has it.
  const disabled = (full || !incremental) && kind === 'none';
  const set = (next: unknown) =>
    context.edit([{ path: ['startPosition'], ...(next === undefined ? {} : { value: next as never }) }]);
  const part = (key: string, label: string, placeholder = '', number = false) =>
    html`<rf-input
      class="grow"
      .name=${label}
      .placeholder=${placeholder === '' ? label : placeholder}
      .value=${String(valueAt(value, [key]) ?? '')}
      @commit=${(event: Event) => {
        const text = committed(event);
        set({ ...(value as object), [key]: number && /^\d+$/.test(text) ? Number(text) : text });
      }}
    ></rf-input>`;
  const first: Record<Kind, unknown> = {
    none: undefined,
    now: 'now',
    gtid: { gtid: '' },
    file: { file: 'binlog.000001', position: 4 },
    time: { time: new Date().toISOString().slice(0, 19) + 'Z' },
  };
  const problems = problemsAt(state, ['startPosition']);
  return html`<div class="field" data-key="startPosition" ?data-idle=${disabled}>
    <div class="label">${t('Start position')}</div>
    <div class="row">
      ${dropdown({
        label: t('Start position'),
        value: kind,
        disabled,
        options: [
          ['none', t('Where the full load began')],
          ['now', t('Now')],
          ['gtid', t('A GTID set')],
          ['file', t('A binlog file and position')],
          ['time', t('A time')],
        ],
        change: (next) => set(first[next as Kind]),
      })}
      ${kind === 'gtid' ? part('gtid', t('GTID set')) : nothing}
      ${kind === 'file' ? html`${part('file', t('File'))} ${part('position', t('Position'), '', true)}` : nothing}
      ${kind === 'time' ? part('time', t('Time'), '2026-01-31T08:00:00Z') : nothing}
    </div>
    <div class="help hint">
      ${
        !incremental
          ? t('The incremental phase is off.')
          : full
            ? t('The full load is on: incremental replication starts where the full load began.')
            : t('Without a full load, choose where to begin in the binlog.')
      }
    </div>
    ${problems.map((problem) => html`<div class="help error" role="alert">${problem}</div>`)}
  </div>`;
}

function kindOf(value: unknown): Kind {
  if (value === 'now') return 'now';
  if (typeof value !== 'object' || value === null) return 'none';
  if ('gtid' in value) return 'gtid';
  return 'time' in value ? 'time' : 'file';
}
