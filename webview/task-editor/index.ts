import { html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import { isAtOrBelow } from '../../src/shared/key-name.js';
import type { DifferenceAction, TaskEditorHost, TaskEditorState } from '../../src/shared/pages.js';
import { connectHost } from '../components/host.js';
import { base } from '../components/styles.js';
import { icon } from '../components/icon.js';
import { committed, flushInputs } from '../components/input.js';
import '../components/difference-bar.js';
import '../components/page.js';
import '../components/refusal-bar.js';
import '../components/toolkit.js';
import { t } from '../components/words.js';
import { advancedFields } from './settings/advanced-fields.js';
import { auditHint } from './settings/audit-hint.js';
import { Catalog } from './form/catalog.js';
import { connectionSection } from './connection/section.js';
import type { FormContext } from './form/context.js';
import { fieldControl } from './form/controls.js';
import { valueAt } from './form/document.js';
import './etl/section.js';
import { writingFields } from './settings/writing-fields.js';
import './objects/keys-section.js';
import './objects/section.js';
import './review.js';
import type { ScriptEditor } from './etl/script-editor.js';
import { form } from './form/styles.js';
import type { ObjectsSection } from './objects/section.js';
import { markOf, placeOf, wrongSections, type SectionId, type SectionMark } from './problem-places.js';

/** The form of a task file. The file is its only state: it draws what the file says and sends edits to it. */
class TaskEditor extends LitElement {
  static override styles = [base, form];
  static override properties: PropertyDeclarations = {
    state: { state: true },
    revision: { state: true },
    current: { state: true },
  };
  declare private state: TaskEditorState | null;
  declare private revision: number;
  declare private current: string;
  private readonly host: TaskEditorHost;
  private readonly catalog: Catalog;
  /** The number of the last wish to see a setting. */
  private wentTo = -1;
  /** The newest edit on its way. */
  private edits: Promise<void> = Promise.resolve();

  constructor() {
    super();
    this.state = null;
    this.revision = 0;
    this.current = 'connections';
    this.host = connectHost<TaskEditorHost, TaskEditorState>((state) => {
      this.state = state;
      this.catalog.follow(state);
      if (!state.goTo || state.goTo.number === this.wentTo) return;
      this.wentTo = state.goTo.number;
      void this.goTo(state.goTo.key);
    });
    this.catalog = new Catalog(this.host, () => this.revision++);
    // The editor saves what the document holds: what was typed a moment ago must be there first.
    document.addEventListener('keydown', (event) => void this.saveFirst(event), { capture: true });
  }

  private sections(
    context: FormContext,
  ): { id: SectionId; title: string; lead: string; body: TemplateResult }[] {
    const fields = (list: ReturnType<typeof writingFields>) =>
      html`<div class="fields">${list.map((field) => fieldControl(field, context))}</div>`;
    return [
      {
        id: 'connections',
        title: t('Source and destination'),
        lead: t('Where rows come from, where they go, and in which phases.'),
        body: connectionSection(context),
      },
      {
        id: 'objects',
        title: t('Objects'),
        lead: t('Whole databases, or tables with names, rows and columns of your choice.'),
        body: html`<rf-objects
          .context=${context}
          .catalog=${this.catalog}
          .revision=${this.revision}
        ></rf-objects>`,
      },
      {
        id: 'keys',
        title: t('Keys'),
        lead: t(
          'A Tablestore key has one to four columns. The first column distributes rows across partitions.',
        ),
        body: html`<rf-keys
          .context=${context}
          .catalog=${this.catalog}
          .revision=${this.revision}
        ></rf-keys>`,
      },
      {
        id: 'writing',
        title: t('Writing'),
        lead: t('How rows are written, and what happens to rows that cannot be written.'),
        body: fields(writingFields()),
      },
      {
        id: 'advanced',
        title: t('Advanced'),
        lead: t('The defaults fit most tasks. Change them only for a reason.'),
        body: html`${advancedFields().map(
          (group) =>
            html`<h3>${group.title}</h3>
              ${fields(group.fields)}
              ${
                group.fields.some(({ path }) => path[0] === 'audit')
                  ? auditHint(context.state.document, this.catalog)
                  : nothing
              }`,
        )}`,
      },
      {
        id: 'etl',
        title: t('ETL'),
        lead: t(
          'A script in the DTS language changes or drops rows before they are written, in the full load and the incremental phase.',
        ),
        body: html`<rf-etl .context=${context} .catalog=${this.catalog} .revision=${this.revision}></rf-etl>`,
      },
      {
        id: 'review',
        title: t('Review'),
        lead: t('What happens when you start the task.'),
        body: html`<rf-review .context=${context}></rf-review>`,
      },
    ];
  }

  override render(): TemplateResult {
    const { state } = this;
    if (!state) return html`<p class="hint" role="status">${t('Loading…')}</p>`;
    const broken = state.document === undefined;
    if (broken && state.lastDocument === undefined) return this.notJson(state);
    const context: FormContext = {
      state: broken ? { ...state, document: state.lastDocument, problems: [] } : state,
      host: this.host,
      edit: (edits) => {
        if (edits.length > 0) this.edits = this.host.edit(edits).catch(() => undefined);
      },
      show: (key) => void this.show(key),
      run: (action) => void this.run(action),
    };
    const sections = this.sections(context);
    const wrong = wrongSections(context.state);
    return html`<div class="frame">
      <nav aria-label=${t('Sections')}>
        ${sections.map(
          ({ id, title }) =>
            html`<a
              href="#${id}"
              aria-current=${this.current === id ? 'true' : 'false'}
              @click=${(event: Event) => this.go(event, id)}
              >${title}${broken ? nothing : mark(markOf(id, state.document, wrong))}</a
            >`,
        )}
      </nav>
      <main class=${broken ? 'broken' : ''} @scroll=${(event: Event) => this.follow(event)}>
        ${broken ? this.brokenText(state) : this.heading(context)}
        <rf-refusal .refusal=${state.refused} @enter=${() => void this.run('enterSecrets')}></rf-refusal>
        <rf-difference
          .keys=${state.differences}
          @act=${(event: CustomEvent<DifferenceAction>) => void this.run(event.detail)}
        ></rf-difference>
        ${sections.map(
          ({ id, title, lead, body }) =>
            html`<section id=${id} aria-labelledby="${id}-title" ?inert=${broken}>
              <h2 id="${id}-title">${title}</h2>
              <p class="lead hint">${lead}</p>
              ${body}
            </section>`,
        )}
      </main>
    </div>`;
  }

  private heading({ state, edit }: FormContext): TemplateResult {
    const name = valueAt(state.document, ['name']);
    const { look } = state;
    const action = (label: string, name: 'start' | 'stop', isPossible: boolean, appearance = 'secondary') =>
      html`<vscode-button
        appearance=${appearance}
        ?disabled=${!isPossible}
        @click=${() => void this.run(name)}
        >${label}</vscode-button
      >`;
    return html`<header>
      <div class="grow">
        <rf-input
          class="name"
          .name=${t('Name of the task')}
          .placeholder=${state.fileName}
          .value=${typeof name === 'string' ? name : ''}
          @commit=${(event: Event) => {
            const text = committed(event);
            edit([{ path: ['name'], ...(text === '' ? {} : { value: text }) }]);
          }}
        ></rf-input>
        <span class="state" role="status">${look.description}</span>
      </div>
      <vscode-button appearance="secondary" @click=${() => void this.run('openText')}
        >${t('Open as JSON')}</vscode-button
      >
      <vscode-button
        appearance="secondary"
        ?disabled=${state.issues.length > 0}
        @click=${() => void this.run('check')}
        >${t('Save and Precheck')}</vscode-button
      >
      ${look.canStop ? action(t('Stop'), 'stop', true) : nothing}
      ${look.canStart || !look.canStop ? action(t('Start'), 'start', look.canStart, 'primary') : nothing}
    </header>`;
  }

  private async saveFirst(event: KeyboardEvent): Promise<void> {
    if (
      event.key.toLowerCase() !== 's' ||
      !(event.ctrlKey || event.metaKey) ||
      event.shiftKey ||
      event.altKey
    )
      return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.flush();
    await this.edits;
    await this.host.save();
  }

  private flush(): void {
    flushInputs();
    for (const section of this.renderRoot.querySelectorAll('rf-etl'))
      section.shadowRoot?.querySelector<ScriptEditor>('rf-script')?.flush();
  }

  /** What a button does sees all that was typed before it. */
  private async run(action: Parameters<TaskEditorHost['run']>[0]): Promise<void> {
    this.flush();
    await this.edits;
    await this.host.run(action);
  }

  private notJson(state: TaskEditorState): TemplateResult {
    const [first] = state.issues;
    return html`<main>
      <section>
        <h2>${t('The form cannot read this file')}</h2>
        <p role="alert">${first ? t('Line {0}: {1}', first.line, first.message) : ''}</p>
        <vscode-button @click=${() => void this.run('openText')}>${t('Open as JSON')}</vscode-button>
      </section>
    </main>`;
  }

  /** In the place of the heading, whose buttons need a text that can be read. */
  private brokenText({ issues: [first] }: TaskEditorState): TemplateResult {
    return html`<header>
      <div class="broken-text" role="alert">
        <div class="error">${first ? t('Line {0}: {1}', first.line, first.message) : ''}</div>
        <div class="hint">${t('The form shows the last text that it could read.')}</div>
      </div>
      <vscode-button @click=${() => void this.run('openText')}>${t('Open as JSON')}</vscode-button>
    </header>`;
  }

  /** Sections are there one update after the first state, and what they show one after that. */
  private async goTo(key: string): Promise<void> {
    await this.updateComplete;
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    await this.show(key);
  }

  /** Its section, and there the control that is nearest to it. */
  private async show(key: string): Promise<void> {
    const { section, table } = placeOf(key, this.state?.document);
    this.current = section;
    const element = this.renderRoot.querySelector(`#${section}`);
    element?.scrollIntoView();
    if (table !== undefined && section === 'objects')
      return this.renderRoot.querySelector<ObjectsSection>('rf-objects')?.open(table);
    // A field, or what holds it: `write.batch` is in a field of its own, `dirtyData.policy` in that of `dirtyData`.
    const fields = element ? deepAll(element, '[data-key]') : [];
    const at = fields
      .filter(({ dataset: { key: own = '' } }) => isAtOrBelow(key, own))
      .sort((a, b) => b.dataset['key']!.length - a.dataset['key']!.length)[0];
    at?.closest('details')?.setAttribute('open', '');
    at?.scrollIntoView({ block: 'center' });
    at?.querySelector<HTMLElement>('rf-input, vscode-dropdown, vscode-checkbox')?.focus();
  }

  private go(event: Event, id: string): void {
    event.preventDefault();
    this.current = id;
    this.renderRoot.querySelector(`#${id}`)?.scrollIntoView();
  }

  /** The section at the top of the view is the current one. */
  private follow(event: Event): void {
    const main = event.currentTarget as HTMLElement;
    const sections = [...this.renderRoot.querySelectorAll('section')];
    const top = main.scrollTop + 90;
    const atEnd = main.scrollTop + main.clientHeight >= main.scrollHeight - 4;
    const above = sections.filter((section) => section.offsetTop <= top);
    this.current = (atEnd ? sections.at(-1) : (above.at(-1) ?? sections[0]))?.id ?? this.current;
  }
}

/** Elements below, in the shadow of others too. */
function deepAll(root: ParentNode, selector: string): HTMLElement[] {
  const inside = [...root.querySelectorAll('*')].flatMap(({ shadowRoot }) =>
    shadowRoot ? deepAll(shadowRoot, selector) : [],
  );
  return [...root.querySelectorAll<HTMLElement>(selector), ...inside];
}

function mark(one: SectionMark | null): TemplateResult | typeof nothing {
  if (one === null) return nothing;
  return one === 'problem'
    ? html`<span class="error"
        >${icon('warning')}<span class="visually-hidden">${t('has problems')}</span></span
      >`
    : html`<span class="good">${icon('pass')}<span class="visually-hidden">${t('done')}</span></span>`;
}

customElements.define('rf-task-editor', TaskEditor);
