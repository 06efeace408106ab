import type { LeftOutTable } from '../../shared/snapshot.js';
import { leftOutReason } from '../../shared/left-out-words.js';
import type { SourcePosition } from '../../shared/position.js';
import { sourceName, type SourceTable } from '../../shared/source-name.js';
import type { ResolvedTask } from '../../shared/task.js';
import { selectionOf, tableId } from '../mapping/plan.js';
import { isToolName, toolOfNotes } from './names.js';
import { partByTrigger, provenPart, toolTrigger, type ToolTable, type ToolTrigger } from './traces.js';

/** Why a copy is loaded after all. */
export const noLongerPart = 'is no longer part of a running schema change';

/** A table that may be part of a schema change: its proof is waited for before it is taken in. */
export interface OpenTable extends SourceTable {
  /** Why it would be loaded. */
  readonly why: string;
  readonly sinceMs: number;
  /** Up to there the stream may still prove it. */
  readonly until: SourcePosition;
}

/** A table of which the source shows nothing; the stream may still bring why. */
export interface Doubt {
  readonly table: ToolTable;
  readonly until: SourcePosition;
}

/**
 * Tables of whole databases that belong to an online schema change, as the stream has them at its place: they are not
 * replicated. A change of them is a step of the stream like any other, taken again by whoever reads the same statement
 * once more; so the list may be stored at any time.
 */
export class LeftOut {
  private readonly tables = new Map<string, ToolTable>();
  private readonly open = new Map<string, OpenTable>();
  /** What the source did not show any more when the task began, although the stream had not come to it yet. */
  private doubts: Doubt[] = [];

  constructor(
    stored: readonly ToolTable[],
    private readonly foldsCase: boolean,
    private readonly log: (text: string) => void,
  ) {
    for (const table of stored) this.tables.set(this.id(table), table);
  }

  get all(): ToolTable[] {
    return [...this.tables.values()];
  }

  get opened(): OpenTable[] {
    return [...this.open.values()];
  }

  private id(table: SourceTable): string {
    return tableId(table, !this.foldsCase);
  }

  find(table: SourceTable): ToolTable | undefined {
    return this.tables.get(this.id(table));
  }

  has(table: SourceTable): boolean {
    return this.tables.has(this.id(table));
  }

  isOpen(table: SourceTable): boolean {
    return this.open.has(this.id(table));
  }

  add(table: ToolTable): void {
    if (this.find(table)?.as !== table.as) this.log(`left out: ${leftOutText(table)}`);
    this.open.delete(this.id(table));
    this.tables.set(this.id(table), table);
  }

  wait(table: OpenTable): void {
    this.log(`${sourceName(table)} waits until it is clear whether a schema change created it`);
    this.tables.delete(this.id(table));
    this.open.set(this.id(table), table);
  }

  remove(table: SourceTable): void {
    this.open.delete(this.id(table));
    this.tables.delete(this.id(table));
  }

  /** The task selects other tables; `proven` are those of them that are known to be part of a change. */
  retask(task: Pick<ResolvedTask, 'objects'>, proven: readonly ToolTable[]): void {
    const isSelected = (table: SourceTable) =>
      selectionOf(task, { ...table, caseSensitive: !this.foldsCase })?.isWhole === true;
    for (const one of [...this.all, ...this.opened]) if (!isSelected(one)) this.remove(one);
    for (const one of proven) this.add(one);
  }

  /** The source shows nothing of them: behind `until` the stream has passed what took them away, or never brings it. */
  doubt(tables: readonly ToolTable[], until: SourcePosition): void {
    this.doubts = tables.map((table) => ({ table, until }));
  }

  /** Those that nothing in the stream took away so far. */
  get doubtful(): readonly Doubt[] {
    this.doubts = this.doubts.filter(({ table }) => this.find(table) === table);
    return this.doubts;
  }

  resolve(doubt: Doubt): void {
    this.doubts = this.doubts.filter((one) => one !== doubt);
  }

  /** Of each table it is known whether it is left out. */
  get isDecided(): boolean {
    return this.open.size + this.doubtful.length === 0;
  }

  /** The table was made. True: what the stream has shown before proves that it is part of a change. */
  created(table: SourceTable, columns: readonly string[]): boolean {
    this.remove(table);
    if (!isToolName(table.name)) return false;
    const tool = toolOfNotes(table.name, columns);
    const own = tool === null ? [] : [{ ...table, tool }];
    const part = provenPart(table, { ...this.shown(), notes: [...this.shown().notes, ...own] });
    if (part) this.add(part);
    return part !== null;
  }

  private shown() {
    const notes = this.all.filter(({ as }) => as === 'notes');
    return { notes, triggers: [] as ToolTrigger[], caseSensitive: !this.foldsCase };
  }

  /** Gives the table that the trigger proves to be part of a change. */
  triggerCreated(trigger: Parameters<typeof toolTrigger>[0]): ToolTable | null {
    const found = toolTrigger(trigger);
    const part = found && partByTrigger(found);
    return part && isToolName(part.name) ? part : null;
  }

  /** Gives the tables whose proof is gone. The ones that were replaced stay what they are. */
  triggersDropped(database: string, family: string): SourceTable[] {
    return this.unproven(
      (one) =>
        this.id({ database, name: '' }) === this.id({ database: one.database, name: '' }) &&
        one.triggers?.toLowerCase() === family.toLowerCase(),
    );
  }

  /** The table was dropped. As triggersDropped(). */
  dropped(table: SourceTable): SourceTable[] {
    const gone = this.find(table);
    this.remove(table);
    if (gone?.as !== 'notes') return [];
    return this.unproven((one) => provenPart(one, { ...this.shown(), notes: [gone] }) !== null);
  }

  private unproven(wasProven: (table: ToolTable) => boolean): SourceTable[] {
    const found = this.all.filter((one) => one.as === 'copy' && wasProven(one));
    for (const one of found) this.remove(one);
    return found;
  }

  droppedDatabase(database: string): void {
    const isIn = (one: SourceTable) =>
      this.id({ database: one.database, name: '' }) === this.id({ database, name: '' });
    for (const one of [...this.all, ...this.opened]) if (isIn(one)) this.remove(one);
  }

  /**
   * Names of one statement were changed, in this order. The table that a copy replaces holds the rows from before the
   * change: it is left out from then on, when it `mayBe`.
   */
  renamed(
    pairs: readonly { from: SourceTable; to: SourceTable }[],
    mayBe: (table: SourceTable) => boolean,
  ): void {
    for (const [index, { from, to }] of pairs.entries()) {
      const part = this.find(from);
      this.remove(from);
      if (!part || part.as === 'notes') {
        if (mayBe(to)) this.created(to, []);
        continue;
      }
      const replaced = pairs.slice(0, index).findLast((one) => this.id(one.from) === this.id(to))?.to;
      if (replaced && mayBe(replaced)) this.add({ ...replaced, tool: part.tool, as: 'old', of: to.name });
    }
  }

  /** As people are shown them. */
  views(): LeftOutTable[] {
    const found = this.all.map(viewOf);
    const open = this.opened.map((one): LeftOutTable => ({ source: sourceName(one), as: 'open' }));
    return [...found, ...open].sort((a, b) => (a.source < b.source ? -1 : 1));
  }
}

/** `d._t_gho (gh-ost builds the new d.t in it)`. */
export function leftOutText(table: ToolTable): string {
  return `${sourceName(table)} (${leftOutReason(viewOf(table))})`;
}

function viewOf(table: ToolTable): LeftOutTable {
  const { database, tool, as, of } = table;
  const changed = of === undefined ? {} : { of: sourceName({ database, name: of }) };
  return { source: sourceName(table), as, tool, ...changed };
}
