import { html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import { keyName } from '../../../src/shared/key-name.js';
import type { TaskEdit } from '../../../src/shared/pages.js';
import {
  endpointParts,
  isInstanceName,
  isRegion,
  tablestoreEndpoint,
  type EndpointParts,
  type Network,
} from '../../../src/shared/tablestore-endpoint.js';
import { dropdown } from '../../components/dropdown.js';
import '../../components/combobox.js';
import { committed } from '../../components/input.js';
import { base } from '../../components/styles.js';
import { t } from '../../components/words.js';
import { problemsAt, type FieldContext } from '../form/context.js';
import { valueAt } from '../form/document.js';
import { form } from '../form/styles.js';
import { regions } from './regions.js';

const usualRegion = 'cn-hangzhou';

/**
 * Where an instance of Tablestore is: by region, instance and network, of which the endpoint follows, or by the
 * endpoint itself, which gives the others back. Only endpoint and instance are in the file.
 */
class EndpointFields extends LitElement {
  static override styles = [base, form];
  static override properties: PropertyDeclarations = {
    context: { attribute: false },
    problem: { state: true },
  };
  declare context: FieldContext;
  /** Of what was typed as a region, which has no place in the file. */
  declare private problem: string | null;

  constructor() {
    super();
    this.problem = null;
  }

  /** What was set a moment ago, before the document says so: the next change is made of it. */
  private sent: { endpoint?: string; instance?: string; untilMs: number } = { untilMs: 0 };

  private text(key: 'endpoint' | 'instance'): string {
    const value = valueAt(this.context.state.document, ['destination', key]);
    return typeof value === 'string' ? value : '';
  }

  private newest(): { endpoint: string; instance: string } {
    const { endpoint = this.text('endpoint'), instance = this.text('instance'), untilMs } = this.sent;
    if (Date.now() < untilMs) return { endpoint, instance };
    return { endpoint: this.text('endpoint'), instance: this.text('instance') };
  }

  /** The endpoint with another part; an address that is no instance of Alibaba Cloud becomes one. */
  private change(part: Partial<EndpointParts>): string {
    const { endpoint, instance } = this.newest();
    const now = endpointParts(endpoint) ?? { instance, region: usualRegion, network: 'public' as const };
    return tablestoreEndpoint({ ...now, ...part });
  }

  private set(change: { endpoint?: string; instance?: string }): void {
    this.problem = null;
    const now = this.newest();
    const edits = Object.entries(change).flatMap(([key, value]): TaskEdit[] =>
      value === now[key as keyof typeof change] ? [] : [{ path: ['destination', key], value }],
    );
    this.sent = { ...now, ...change, untilMs: Date.now() + 1000 };
    this.context.edit(edits);
  }

  override render(): TemplateResult {
    const [endpoint, instance] = [this.text('endpoint'), this.text('instance')];
    const parts = endpointParts(endpoint);
    const networks: [string, string][] = [
      ['public', t('Public network')],
      ['vpc', t('VPC')],
      ['internal', t('Internal network')],
    ];
    return html`<div class="pair wide-second">
        <div class="field">
          <rf-combobox
            .label=${t('Region')}
            .placeholder=${usualRegion}
            .value=${parts?.region ?? ''}
            .invalid=${this.problem !== null}
            .options=${regions()}
            @commit=${(event: Event) => {
              const region = committed(event);
              if (isRegion(region)) this.set({ endpoint: this.change({ region }) });
              else if (region !== '') this.problem = t('Enter a region such as cn-hangzhou.');
            }}
          ></rf-combobox>
          ${this.problem === null ? nothing : html`<div class="help error" role="alert">${this.problem}</div>`}
        </div>
        <div class="field">
          <div class="label">${t('Network')}</div>
          ${dropdown({
            label: t('Network'),
            value: parts?.network ?? '',
            options: parts ? networks : [['', t('Another address')], ...networks],
            change: (network) => {
              if (network !== '') this.set({ endpoint: this.change({ network: network as Network }) });
            },
          })}
        </div>
      </div>
      ${this.line('instance', t('Instance'), instance, '', this.mismatch(instance, parts?.instance), (text) =>
        this.set({
          instance: text,
          ...(endpointParts(this.newest().endpoint) && isInstanceName(text)
            ? { endpoint: this.change({ instance: text }) }
            : {}),
        }),
      )}
      ${this.line(
        'endpoint',
        t('Endpoint'),
        endpoint,
        'https://INSTANCE.REGION.ots.aliyuncs.com',
        problemsAt(this.context.state, ['destination', 'endpoint']),
        (text) => {
          const now = endpointParts(text);
          this.set({ endpoint: text, ...(now ? { instance: now.instance } : {}) });
        },
      )}`;
  }

  private mismatch(instance: string, named: string | undefined): string[] {
    const problems = problemsAt(this.context.state, ['destination', 'instance']);
    if (problems.length > 0 || named === undefined || named.toLowerCase() === instance.toLowerCase())
      return problems;
    return [t('This endpoint belongs to the instance {0}.', named)];
  }

  private line(
    key: 'endpoint' | 'instance',
    label: string,
    value: string,
    placeholder: string,
    problems: readonly string[],
    commit: (text: string) => void,
  ): TemplateResult {
    return html`<div class="field" data-key=${keyName(['destination', key])}>
      <rf-input
        .label=${label}
        .placeholder=${placeholder}
        .value=${value}
        .invalid=${problems.length > 0}
        @commit=${(event: Event) => commit(committed(event))}
      ></rf-input>
      ${problems.length === 0 ? nothing : problems.map((problem) => html`<div class="help error" role="alert">${problem}</div>`)}
    </div>`;
  }
}

customElements.define('rf-endpoint', EndpointFields);
