import { html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import { formatCount, formatShort } from '../../../src/shared/format.js';
import type { CatalogTable } from '../../../src/shared/catalog-api.js';
import { icon } from '../../components/icon.js';
import { base } from '../../components/styles.js';
import { valueOf } from '../../components/toolkit.js';
import { locale, t } from '../../components/words.js';
import type { Catalog } from '../form/catalog.js';
import type { FormContext } from '../form/context.js';
import {
  addDatabase,
  addTables,
  addTablesOf,
  excludedBy,
  excludeTable,
  includeTable,
  removeTables,
  selection,
  type SelectedDatabase,
} from '../form/document.js';
import type { RowAttributes, RowKey, Rows } from '../../components/rows.js';
import '../form/rows.js';
import { form } from '../form/styles.js';

interface DatabaseNode {
  kind: 'database';
  name: string;
  open: boolean;
  choice: SelectedDatabase | undefined;
  position: number;
  size: number;
}
interface TableNode {
  kind: 'table';
  table: CatalogTable;
  database: SelectedDatabase | undefined;
  position: number;
  size: number;
}
type Node = DatabaseNode | TableNode | { kind: 'note'; text: string };

/**
 * The databases and tables of the source, to be searched and ticked. One flat list of rows, drawn only where it is
 * looked at: an own tree and not `vscode-tree`, whose thousand items are all elements and know no check box.
 */
export class SourceTree extends LitElement {
  static override styles = [base, form];
  static override properties: PropertyDeclarations = {
    context: { attribute: false },
    catalog: { attribute: false },
    revision: { type: Number },
    typed: { state: true },
    open: { state: true },
  };
  declare context: FormContext;
  declare catalog: Catalog;
  declare revision: number;
  declare private typed: string;
  declare private open: ReadonlySet<string>;

  /** The list of databases whose selected ones were unfolded. */
  private unfolded: readonly string[] | undefined;

  constructor() {
    super();
    this.typed = '';
    this.open = new Set();
  }

  override willUpdate(): void {
    const names = this.catalog.databases;
    if (this.unfolded === names) return;
    this.unfolded = names;
    // What the task selects is what people look for first; only what is known already is unfolded by itself.
    const selected = this.selectedNames();
    const known = (names ?? []).filter((name) => selected.has(name.toLowerCase()));
    this.open = new Set(known.filter((name) => this.catalog.knows(name)));
  }

  private selectedNames(): Set<string> {
    return new Set(selection(this.context.state.document).map(({ database }) => database.toLowerCase()));
  }

  override render(): TemplateResult {
    const { catalog } = this;
    return html`
      <div class="row nowrap">
        <vscode-text-field
          class="grow search"
          aria-label=${t('Search, or type database.table')}
          placeholder=${t('Search, or type database.table')}
          .value=${this.typed}
          @input=${(event: Event) => (this.typed = valueOf(event))}
          @keydown=${(event: KeyboardEvent) => {
            if (event.key === 'Enter') this.addTyped();
            if (event.key === 'ArrowDown') this.renderRoot.querySelector<Rows>('rf-rows')?.focus();
          }}
        ></vscode-text-field>
        <vscode-button
          appearance="icon"
          aria-label=${t('Add the typed name')}
          title=${t('Add the typed name')}
          ?disabled=${this.typed.trim() === ''}
          @click=${() => this.addTyped()}
          >${icon('add')}</vscode-button
        >
      </div>
      ${catalog.problem === null ? nothing : html`<p class="error" role="alert">${catalog.problem}</p>`}
      ${catalog.databases ? this.tree() : this.offer()}
    `;
  }

  private offer(): TemplateResult {
    const { catalog } = this;
    return html`<p class="empty">
      <vscode-button appearance="secondary" ?disabled=${catalog.loading} @click=${() => void this.load()}
        >${catalog.loading ? t('Connecting…') : t('Show the tables of the source')}</vscode-button
      >
      <span class="hint">${t('Connects to the source only when you request it.')}</span>
    </p>`;
  }

  /** The databases that are in the task already are opened: their columns serve the rest of the form. */
  private async load(): Promise<void> {
    await this.catalog.load();
    const names = this.catalog.databases ?? [];
    const selected = this.selectedNames();
    const opened = names.filter((name) => selected.has(name.toLowerCase()) || names.length === 1);
    this.unfolded = this.catalog.databases;
    this.open = new Set(opened);
    for (const name of opened) void this.catalog.loadTables(name);
  }

  private tree(): TemplateResult {
    const nodes = this.nodes();
    if (nodes.length === 0) return html`<p class="hint empty">${t('No matches.')}</p>`;
    return html`${this.typed.trim() === '' ? nothing : this.found(nodes)}<rf-rows
        .count=${nodes.length}
        .height=${28}
        .kind=${'tree'}
        .keys=${true}
        .label=${t('Databases and tables of the source')}
        .row=${(index: number) => this.node(nodes[index]!)}
        .attributesOf=${(index: number) => attributes(nodes[index]!)}
        @rowkey=${(event: CustomEvent<RowKey>) => this.key(event, nodes)}
      ></rf-rows>`;
  }

  /** What the search found, to be selected or taken out at once. */
  private found(nodes: readonly Node[]): TemplateResult | typeof nothing {
    const tables = nodes.filter((node) => node.kind === 'table' && !node.database?.whole) as TableNode[];
    if (tables.length < 2) return nothing;
    const chosen = tables.map(chosenTable).filter((table) => table !== undefined);
    const all = chosen.length === tables.length;
    const { document } = this.context.state;
    const change = () => {
      if (all)
        return removeTables(
          document,
          chosen.map(({ path }) => path),
        );
      const wanted = new Map<string, string[]>();
      for (const { table, database } of tables) {
        const name = database?.database ?? table.database;
        wanted.set(name, [...(wanted.get(name) ?? []), table.name]);
      }
      return addTablesOf(document, wanted);
    };
    return html`<div class="row found">
      <span class="hint grow" role="status"
        >${t('{0} tables found', formatCount(tables.length, locale))}</span
      >
      <vscode-button appearance="secondary" @click=${() => this.context.edit(change())}
        >${all ? t('Deselect all') : t('Select all')}</vscode-button
      >
    </div>`;
  }

  private nodes(): Node[] {
    const selected = new Map(
      selection(this.context.state.document).map((d) => [d.database.toLowerCase(), d]),
    );
    const search = this.typed.trim().toLowerCase();
    const shown = (this.catalog.databases ?? []).flatMap((name) => {
      const all = this.catalog.tablesOf(name);
      const whole = search === '' || name.toLowerCase().includes(search);
      const tables = whole
        ? all
        : all?.filter((table) => `${name}.${table.name}`.toLowerCase().includes(search));
      return !whole && (tables?.length ?? 0) === 0 ? [] : [{ name, tables, found: !whole }];
    });
    return shown.flatMap(({ name, tables, found }, index): Node[] => {
      const choice = selected.get(name.toLowerCase());
      const open = this.open.has(name) || found;
      const head: Node = { kind: 'database', name, open, choice, position: index + 1, size: shown.length };
      if (!open) return [head];
      if (!tables) return [head, { kind: 'note', text: t('Loading…') }];
      if (tables.length === 0) return [head, { kind: 'note', text: t('No tables.') }];
      return [
        head,
        ...tables.map((table, at): Node => ({
          kind: 'table',
          table,
          database: choice,
          position: at + 1,
          size: tables.length,
        })),
      ];
    });
  }

  private node(node: Node): TemplateResult {
    if (node.kind === 'note') return html`<span class="hint leaf">${node.text}</span>`;
    const checked = checkedOf(node);
    const box = html`<span class="tick" aria-hidden="true" @click=${() => this.tick(node)}>
      ${icon(checked === 'true' ? 'checked' : checked === 'mixed' ? 'mixed' : 'unchecked')}
    </span>`;
    if (node.kind === 'database') {
      return html`<span class="twist" aria-hidden="true" @click=${() => this.toggle(node)}
          >${icon(node.open ? 'open' : 'closed')}</span
        >
        ${box} ${icon('database')}
        <span class="clip grow" @click=${() => this.toggle(node)}>${node.name}</span>
        ${node.choice?.whole ? html`<span class="hint">${t('whole database')}</span>` : nothing}`;
    }
    return html`<span class="indent"></span> ${box} ${icon('table')}
      <span class="clip grow" title=${node.table.name} @click=${() => this.tick(node)}
        >${node.table.name}</span
      >
      <span class="hint"
        >${
          patternOf(node) === undefined
            ? t('~{0} rows', formatShort(node.table.estimatedRows, locale))
            : t('excluded by {0}', patternOf(node)!)
        }</span
      >`;
  }

  private toggle({ name, open }: DatabaseNode, to = !open): void {
    const next = new Set(this.open);
    if (to) next.add(name);
    else next.delete(name);
    this.open = next;
    if (to) void this.catalog.loadTables(name);
  }

  /**
   * A database is taken whole, or not at all; one of which tables are missing first becomes whole. Of a whole one a
   * table is taken out by excluding it.
   */
  private tick(node: Node): void {
    const { document } = this.context.state;
    if (node.kind === 'note') return;
    if (node.kind === 'database') {
      const { choice } = node;
      this.context.edit(
        choice?.whole
          ? [{ path: choice.exclude.length > 0 ? [...choice.path, 'exclude'] : [...choice.path] }]
          : addDatabase(document, choice?.database ?? node.name),
      );
      return;
    }
    const { table, database } = node;
    if (database?.whole) {
      const out = excludedBy(database, table.name) !== undefined;
      this.context.edit(out ? includeTable(database, table.name) : excludeTable(database, table.name));
      return;
    }
    const chosen = chosenTable(node);
    this.context.edit(
      chosen
        ? removeTables(document, [chosen.path])
        : addTables(document, database?.database ?? table.database, [table.name]),
    );
  }

  private key(event: CustomEvent<RowKey>, nodes: readonly Node[]): void {
    const { index, key } = event.detail;
    const node = nodes[index];
    if (!node) return;
    event.preventDefault();
    const rows = event.currentTarget as Rows;
    if (key === ' ' || key === 'Enter') this.tick(node);
    else if (node.kind === 'database') {
      if (key === 'ArrowRight' && node.open) rows.reveal(index + 1);
      else this.toggle(node, key === 'ArrowRight');
    } else if (key === 'ArrowLeft') {
      for (let at = index; at >= 0; at--) if (nodes[at]!.kind === 'database') return rows.reveal(at);
    }
  }

  /** `database.table`, or `database` alone; names may be in backquotes. */
  private addTyped(): void {
    const parts = /^\s*(`[^`]+`|[^.`]+)(?:\.(`[^`]+`|[^`]+))?\s*$/.exec(this.typed);
    if (!parts) return;
    const [database, table] = [parts[1], parts[2]].map((name) => name?.replaceAll('`', '').trim());
    if (!database) return;
    const { document } = this.context.state;
    const there = this.catalog.databases?.find((name) => name.toLowerCase() === database.toLowerCase());
    // With one hit of the search, Enter takes that one.
    const hits = this.nodes().filter((node) => node.kind === 'table');
    const [only] = hits;
    if (!table && !there && hits.length === 1 && only?.kind === 'table') this.tick(only);
    else this.context.edit(table ? addTables(document, database, [table]) : addDatabase(document, database));
    this.typed = '';
  }
}

function chosenTable({ table, database }: TableNode) {
  return database?.tables.find(({ name }) => name.toLowerCase() === table.name.toLowerCase());
}

function checkedOf(node: DatabaseNode | TableNode): 'true' | 'false' | 'mixed' {
  if (node.kind === 'table') {
    const { table, database } = node;
    const isIn = database?.whole ? excludedBy(database, table.name) === undefined : chosenTable(node);
    return isIn ? 'true' : 'false';
  }
  if (!node.choice) return 'false';
  return node.choice.whole && node.choice.exclude.length === 0 ? 'true' : 'mixed';
}

/** The pattern that leaves a table out: it is changed where the patterns stand, not by a tick. */
function patternOf({ table, database }: TableNode): string | undefined {
  const pattern = database?.whole ? excludedBy(database, table.name) : undefined;
  return pattern?.toLowerCase() === table.name.toLowerCase() ? undefined : pattern;
}

function attributes(node: Node): RowAttributes {
  if (node.kind === 'note') return { level: 2, position: 1, size: 1 };
  const { position, size } = node;
  const checked = checkedOf(node);
  return node.kind === 'database'
    ? { level: 1, position, size, checked, expanded: node.open ? 'true' : 'false' }
    : { level: 2, position, size, checked, ...(patternOf(node) !== undefined ? { disabled: 'true' } : {}) };
}

customElements.define('rf-source-tree', SourceTree);
