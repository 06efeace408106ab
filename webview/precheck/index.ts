import { css, html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import type { PrecheckHost, PrecheckState } from '../../src/shared/pages.js';
import type { CheckResult } from '../../src/shared/check-report.js';
import { refusedSide } from '../../src/shared/refusal.js';
import { errorCode } from '../components/error-code.js';
import { connectHost, messageOf } from '../components/host.js';
import { icon } from '../components/icon.js';
import '../components/page.js';
import { base } from '../components/styles.js';
import '../components/toolkit.js';
import { t } from '../components/words.js';
import { fixButtons } from '../components/task-fixes.js';
import { grouped, type Group } from './groups.js';
import { panel } from '../components/panel-styles.js';

/** The precheck: what fails first, each item with why it matters and how to mend it. */
class Precheck extends LitElement {
  static override styles = [
    base,
    panel,
    css`
      @media (min-width: 561px) {
        .details {
          padding-inline-start: 48px;
        }
      }
    `,
  ];
  static override properties: PropertyDeclarations = {
    state: { state: true },
    open: { state: true },
    said: { state: true },
  };
  declare private state: PrecheckState | null;
  declare private open: ReadonlySet<string>;
  declare private said: string;
  private readonly host = connectHost<PrecheckHost, PrecheckState>((state) => (this.state = state));

  constructor() {
    super();
    this.state = null;
    this.open = new Set();
    this.said = '';
  }

  override render(): TemplateResult {
    const { state } = this;
    if (!state) return html`<p class="hint" role="status">${t('Loading…')}</p>`;
    const { report } = state;
    return html`<main>
      <header>
        <h1 class="grow clip">${t('Precheck: {0}', state.name)}</h1>
        <vscode-button appearance="secondary" @click=${() => void this.host.openTask()}
          >${t('Open the task')}</vscode-button
        >
        <vscode-button
          appearance=${state.canStart ? 'secondary' : 'primary'}
          ?disabled=${state.running}
          @click=${() => this.call(this.host.again())}
          >${state.running ? t('Checking…') : report ? t('Precheck Again') : t('Precheck')}</vscode-button
        >
        ${
          state.canStart
            ? html`<vscode-button @click=${() => this.call(this.host.start())}>${t('Start')}</vscode-button>`
            : nothing
        }
      </header>
      <div role="status" aria-live="polite">
        ${report ? this.rate(report.successRate, state) : nothing}
        ${
          state.answer === null
            ? nothing
            : html`<p class=${state.answer.isError ? 'error' : 'hint'}>${state.answer.text}</p>`
        }
        ${this.said === '' ? nothing : html`<p class="error">${this.said}</p>`}
      </div>
      ${
        state.problem
          ? html`<div class="card problem" role="alert">
              <strong>${state.problem.message}</strong> ${errorCode(state.problem.code)}
              <p>${state.problem.remedy}</p>
            </div>`
          : nothing
      }
      ${!report && !state.problem && !state.running ? html`<p class="hint">${t('No precheck has run yet.')}</p>` : nothing}
      ${report ? grouped(report.results).map((group) => this.group(group)) : nothing}
    </main>`;
  }

  private rate(rate: number, state: PrecheckState): TemplateResult {
    return html`<div class="rate">
      <span class="figure ${rate === 100 ? 'good' : 'error'}">${t('{0}%', rate)}</span>
      <span class="hint"
        >${rate === 100 ? t('Everything is ready.') : t('A task starts only at 100%. Fix the failed checks; fix or accept the warnings.')}
        ${state.running ? t('Checking again…') : ''}</span
      >
    </div>`;
  }

  private group({ status, results }: Group): TemplateResult {
    return html`<section>
      <h2>${titleOf(status)} <span class="badge">${results.length}</span></h2>
      ${results.map((result) => this.item(result, status === 'fail' || status === 'warning'))}
    </section>`;
  }

  private item(result: CheckResult, startsOpen: boolean): TemplateResult {
    const open = startsOpen !== this.open.has(result.id);
    const toggle = () => {
      const next = new Set(this.open);
      if (!next.delete(result.id)) next.add(result.id);
      this.open = next;
    };
    return html`<article class="item">
      <button class="plain row nowrap grow" aria-expanded=${open ? 'true' : 'false'} @click=${toggle}>
        ${icon(open ? 'open' : 'closed')}
        <span class=${toneOf(result)}>${icon(iconOf(result))}</span>
        <span class="visually-hidden">${titleOf(result.status)}:</span>
        <strong class="title">${result.title}</strong>
        <span class="hint clip grow">${result.actual}</span>
        ${result.ignored ? html`<span class="badge">${t('ignored')}</span>` : nothing}
      </button>
      ${open ? this.details(result) : nothing}
    </article>`;
  }

  private details(result: CheckResult): TemplateResult {
    const line = (label: string, text: string) =>
      text === ''
        ? nothing
        : html`<dt>${label}</dt>
            <dd>${text}</dd>`;
    const refused = refusedSide(result.code);
    const { report = null, methods = [], fixable = {} } = this.state ?? {};
    const canRun = report?.id !== undefined && result.statements && methods.includes('runProposal');
    const all = result.fixes ?? [];
    const fixes = (fixable[result.id] ?? []).flatMap((index) => all[index] ?? []);
    return html`<div class="details">
      <dl>
        ${line(t('Expected'), result.expected)} ${line(t('Found'), result.actual)}
        ${line(t('Why it matters'), result.why)} ${line(t('What to do'), result.fix)}
      </dl>
      ${
        result.sql
          ? html`<div class="sql">
              <pre class="mono" tabindex="0">${result.sql}</pre>
              <vscode-button
                appearance="secondary"
                @click=${() => this.call(this.host.copy(result.sql ?? ''))}
                >${t('Copy SQL')}</vscode-button
              >
              ${
                canRun
                  ? html`<vscode-button
                      appearance="secondary"
                      ?disabled=${this.state?.running}
                      @click=${() => this.call(this.host.runSql(result.id))}
                      >${t('Run SQL…')}</vscode-button
                    >`
                  : nothing
              }
            </div>`
          : nothing
      }
      ${fixButtons(fixes, (fix) => this.call(this.host.fix(result.id, all.indexOf(fix))))}
      ${
        result.at === undefined
          ? nothing
          : html`<vscode-link
              class="field"
              href="#"
              @click=${(event: Event) => {
                event.preventDefault();
                this.call(this.host.openField(result.id));
              }}
              >${t('Open in the form')}</vscode-link
            >`
      }
      ${
        refused === undefined
          ? nothing
          : html`<vscode-button @click=${() => this.call(this.host.enterSecrets(refused))}
              >${refused === 'source' ? t('Enter the Password Again…') : t('Enter the AccessKey Again…')}</vscode-button
            >`
      }
      ${
        result.status === 'warning'
          ? html`<vscode-button
              appearance="secondary"
              @click=${() => this.call(this.host.ignore(result.id, result.ignored !== true))}
              >${result.ignored ? t('Stop Ignoring') : t('Ignore…')}</vscode-button
            >`
          : nothing
      }
    </div>`;
  }

  private call(work: Promise<unknown>): void {
    this.said = '';
    work.catch((error: unknown) => (this.said = messageOf(error)));
  }
}

function titleOf(status: CheckResult['status']): string {
  switch (status) {
    case 'fail':
      return t('Failed');
    case 'warning':
      return t('Warnings');
    case 'pass':
      return t('Passed');
    case 'information':
      return t('Information');
    case 'skipped':
      return t('Skipped');
  }
}

function iconOf({ status }: CheckResult): 'pass' | 'fail' | 'warning' | 'information' | 'skipped' {
  return status;
}

function toneOf({ status, ignored }: CheckResult): string {
  if (status === 'fail') return 'error';
  if (status === 'warning') return ignored ? 'hint' : 'warning';
  return status === 'pass' ? 'good' : 'hint';
}

customElements.define('rf-precheck', Precheck);
