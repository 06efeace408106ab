import type { Said } from './altered-by.js';
import type { ServerFacts } from '../../mysql/server-facts.js';
import { RowferryError } from '../../shared/errors.js';
import type { SourcePosition } from '../../shared/position.js';
import { hasReached } from '../../mysql/position.js';
import { isOfTemporary, mayTouch } from '../../mysql/statement.js';
import type { BinlogTable, Column, StatementEvent, TableDefinition } from '../../mysql/model.js';
import type { CharsetDecoders } from '../../mysql/types/index.js';
import { catalogDifference, differenceOf, type Difference } from './table-map-check.js';
import type { Transaction } from '../state/checkpoint.js';
import type { AppliedDdl } from '../ddl/applied-ddl.js';
import { applyAlter } from '../ddl/apply.js';
import { shownStatement, whereWritten } from '../ddl/shown.js';
import { unknownTextDefaults } from '../ddl/text-defaults.js';
import { UnreadableDdl } from '../ddl/cursor.js';
import { outOfStep, type Mapped } from '../ddl/in-step.js';
import { parseDdl } from '../ddl/parse.js';
import type { TableName } from '../ddl/cursor.js';
import type { DdlStatement } from '../ddl/statement.js';
import { noLongerPart, type LeftOut } from '../online-change/left-out.js';
import { isMadeBeside, triggerFamily } from '../online-change/names.js';
import { compileFilter } from '../filter/index.js';
import type { EtlProgram } from '../etl/compile.js';
import type { StreamTable } from './stream-context.js';
import { foldName, sourceName, type SourceTable } from '../../shared/source-name.js';
import {
  destinationKey,
  planOf,
  selectionOf,
  tableId,
  toleratesCascades,
  type TablePlan,
} from '../mapping/plan.js';
import { mayHoldRowsOfOthers } from '../tables/kept-rows.js';
import type { TableRecords } from '../state/table-records.js';
import { isGone, stopKindOf } from '../state/table-state.js';
import type { StopKind, TableRecord } from '../state/task-store.js';
import { withWayBack } from '../tables/table-boundary.js';
import { logStopped, type TaskLog } from '../base/task-log.js';
import type { TaskSettings } from '../base/task-settings.js';
import { RowTransform } from '../mapping/transform.js';

/** What DDL asks of the run around it; each stands still behind what was queued before. */
export interface DdlActions {
  /**
   * Loads the table anew as it is now, and forgets rows that the source no longer has. `isUnseen`: for a change that no
   * statement told, so that it has to be seen at the source.
   */
  reload(table: TableName, why: string, isUnseen?: boolean): void;
  /** The table is not replicated any more: it is part of an online schema change. */
  leaveOut(table: TableName): void;
  /** Deletes the rows of this source's table at the destination. */
  deleteRows(table: StreamTable): void;
  /** Row events of the tables look different from here on. */
  changed(): void;
  readonly log: TaskLog;
}

/**
 * The selected tables as they are at the present place of the stream (correctness rules 13 and 14): column lists
 * move on with DDL in stream order, never with what the source looks like now, and are stored with the checkpoint
 * that passes the statement.
 */
export class StreamTables {
  private readonly tables = new Map<string, Entry>();
  /** Forgotten whenever a table changes. */
  private byDestination: Map<string, { table: StreamTable; keyEnd: string | null }[]> | null = null;
  /** Selected tables of which the source was asked although no statement told of them, until one tells of the name. */
  private readonly asked = new Set<string>();

  constructor(
    private readonly settings: Pick<TaskSettings, 'task'>,
    private readonly stored: TableRecords,
    private readonly etl: EtlProgram | null,
    private readonly facts: Pick<ServerFacts, 'lowerCaseTableNames' | 'logsCascades'>,
    private readonly charsets: CharsetDecoders,
    private readonly actions: DdlActions,
    /** Of the main stream alone: what others read is behind or ahead of it. */
    private readonly leftOut: LeftOut | null = null,
  ) {}

  /** Its rows are passed over from here on. */
  remove(source: string): void {
    for (const [id, entry] of this.tables) if (entry.record.source === source) this.tables.delete(id);
    this.changed();
  }

  private changed(): void {
    this.byDestination = null;
    this.actions.changed();
  }

  /** Names in two cases are one (lower_case_table_names). */
  private get foldsCase(): boolean {
    return this.facts.lowerCaseTableNames !== 0;
  }

  private id(database: string, name: string): string {
    return tableId({ database, name }, !this.foldsCase);
  }

  /**
   * `from`: its rows are passed over up to there, or, while it is joining, until it is added again. A table that the
   * mapping does not fit as it is stops.
   */
  add(record: TableRecord, from?: SourcePosition | 'joining'): void {
    const { database, name } = record.definition;
    const entry: Entry = { record, table: null, from: from ?? null };
    this.tables.set(this.id(database, name), entry);
    this.changed();
    if (record.phase === 'stopped') return;
    try {
      entry.table = this.streamTable(record.definition);
    } catch (error) {
      if (!(error instanceof RowferryError)) throw error;
      this.stop(record.source, withWayBack(error, record.source));
    }
  }

  /** Throws planError(). */
  private streamTable(definition: TableDefinition): StreamTable {
    const plan = planOf(this.settings.task, definition);
    return {
      plan,
      transform: new RowTransform(plan, this.etl),
      filter: plan.filter === null ? null : compileFilter(plan.filter, definition),
    };
  }

  /** The table, unless it is not selected, stopped, or loaded from a later place on. */
  find(database: string, name: string): StreamTable | undefined {
    const entry = this.tables.get(this.id(database, name));
    return entry && entry.from === null ? (entry.table ?? undefined) : undefined;
  }

  /** As find(), by `database.table`. */
  follows(source: string): StreamTable | undefined {
    for (const { record, table, from } of this.tables.values())
      if (record.source === source) return (from === null && table) || undefined;
    return undefined;
  }

  /** All that follows() gives. */
  followed(): StreamTable[] {
    return [...this.tables.values()].flatMap(({ table, from }) => (from === null && table) || []);
  }

  /** Tables whose rows are passed over for now. */
  absent(): string[] {
    return [...this.tables.values()].filter(({ from }) => from !== null).map(({ record }) => record.source);
  }

  /**
   * The stream has rows of a table that it does not follow. One that is selected, and that no statement brought
   * (sql_log_bin=0), is taken in as if one had; what it was may be gone by now, so that is asked once.
   */
  passedOver(name: TableName): void {
    const id = this.id(name.database, name.table);
    if (this.tables.has(id) || this.asked.has(id) || !this.isSelected(name)) return;
    if (this.leftOut?.has(pairOf(name)) || this.leftOut?.isOpen(pairOf(name))) return;
    this.asked.add(id);
    this.actions.reload(name, 'was created by a statement that is not in the binlog');
  }

  /**
   * A statement changes a table that nobody has told of: the catalog hides what the account has no privilege on. What
   * other streams read is behind or ahead of the one that decides what is selected.
   */
  private named(name: TableName): void {
    if (this.leftOut !== null) this.passedOver(name);
  }

  /** Its names may stand for other tables from here on. */
  private forgetAsked(statement: DdlStatement): void {
    if (this.asked.size === 0) return;
    const before = this.asked.size;
    if (statement.kind === 'drop-database' || statement.kind === 'create-database') this.asked.clear();
    for (const { database, table } of namesOf(statement)) this.asked.delete(this.id(database, table));
    if (this.asked.size < before) this.changed();
  }

  /** The task selects other tables. */
  reselected(): void {
    this.asked.clear();
    this.changed();
  }

  /** The table whose row a change is about; in a merge the key says which. */
  ofChange(change: { readonly table: string; readonly key: string }): StreamTable | undefined {
    if (!this.byDestination) {
      this.byDestination = new Map();
      for (const { table } of this.tables.values()) {
        if (!table) continue;
        const { destination, mergeSource } = table.plan;
        const sharing = this.byDestination.get(destination) ?? [];
        sharing.push({ table, keyEnd: mergeSource === null ? null : mergeKeyEnd(mergeSource) });
        this.byDestination.set(destination, sharing);
      }
    }
    const { key } = change;
    return this.byDestination
      .get(change.table)
      ?.find(({ keyEnd }) => keyEnd === null || key.endsWith(keyEnd, key.length - checksumOfCell))?.table;
  }

  /** Whatever is stored of the table that has this name, in any case where the server folds names. */
  recordNamed(name: TableName): TableRecord | undefined {
    return this.entry(name)?.record;
  }

  recordOf(source: string): TableRecord | undefined {
    return this.records.find((record) => record.source === source);
  }

  get records(): TableRecord[] {
    return [...this.tables.values()].map((entry) => entry.record);
  }

  /** The stream has passed `position`: tables that were loaded from there on join in. */
  reached(position: SourcePosition): void {
    for (const entry of this.tables.values()) {
      if (entry.from && entry.from !== 'joining' && hasReached(position, entry.from)) {
        entry.from = null;
        this.changed();
      }
    }
  }

  get anyWaiting(): boolean {
    return [...this.tables.values()].some(({ from }) => from !== null && from !== 'joining');
  }

  /**
   * The table alone stops; its rows are passed over from here on, and the record says why. One that has stopped keeps
   * its reason, unless it is another table now, or none, under this name: that is the newer truth.
   */
  stop(source: string, problem: RowferryError, by?: StopKind): void {
    for (const entry of this.tables.values()) {
      const { record } = entry;
      if (record.source !== source) continue;
      const comesAndGoes = by === 'dropped' || by === 'renamed' || by === 'recreated';
      if (record.phase === 'stopped' && (!comesAndGoes || by === record.stoppedBy)) continue;
      entry.table = null;
      const plain = problem.toPlain();
      const { stoppedBy: _before, ...rest } = record;
      const kind = stopKindOf(plain, by);
      entry.record = { ...rest, phase: 'stopped', problem: plain, ...(kind && { stoppedBy: kind }) };
      this.stored.step(source, { step: 'stopped', problem: plain, by }, record.life);
      logStopped(this.actions.log, source, problem);
      this.changed();
    }
  }

  /** Throws CharsetNotLoaded, with nothing done. */
  statement(event: StatementEvent, transaction: Transaction): void {
    const statement = parseDdl(
      event,
      (table) => this.entry(table)?.record.textDefaults ?? unknownTextDefaults,
      this.charsets,
      (name) => this.kept(name),
    );
    this.forgetAsked(statement);
    switch (statement.kind) {
      case 'none':
        return;
      case 'alter':
        this.alter(event, statement, transaction);
        return;
      case 'create':
        this.create(statement);
        return;
      case 'create-trigger':
        this.createTrigger(statement);
        return;
      case 'drop-trigger':
        this.dropTrigger(statement.trigger);
        return;
      case 'drop':
        for (const table of statement.tables) {
          this.drop(table);
          this.lookAgain(this.leftOut?.dropped(pairOf(table)));
        }
        return;
      case 'drop-database':
      case 'create-database':
        this.leftOut?.droppedDatabase(statement.database);
        for (const entry of [...this.tables.values()]) {
          const { database, name } = entry.record.definition;
          if (this.id(database, '') === this.id(statement.database, '')) this.drop({ database, table: name });
        }
        return;
      case 'rename':
        this.renames(statement.pairs);
        return;
      case 'truncate':
        this.truncate(statement.table);
        return;
      case 'maintain': {
        const actions = [{ do: 'other' as const, what: statement.what, value: '' }];
        // It copies what does not fit as well, whatever sql_mode says.
        const lenient = { ...event, context: { ...event.context, isStrict: false } };
        for (const table of statement.tables)
          this.alter(lenient, { kind: 'alter', table, actions }, transaction);
        return;
      }
      case 'rows':
        this.rows(event);
        return;
      case 'unreadable':
        this.unreadable(event, statement);
    }
  }

  /** One that was dropped and is made again belongs to a whole database, or to a task that reloads by itself. */
  private create({ table: name, body, mayExist }: DdlStatement & { kind: 'create' }): void {
    const columns = body.as === 'columns' ? body.definitions.map(({ column }) => column.name) : [];
    const isPart = this.selectionOf(name)?.isWhole === true && this.leftOut?.created(pairOf(name), columns);
    if (isPart) {
      this.leaveOut(name);
      return;
    }
    const selection = this.selectionOf(name);
    const entry = this.entry(name);
    if (!selection || (entry && entry.from !== null)) return;
    const isFollowed = entry !== undefined && entry.record.phase !== 'stopped';
    if (isFollowed && mayExist) return;
    // What makes a table says that there was none: one that is followed was dropped by a statement that is not in the binlog.
    const wasGone = entry !== undefined && (isFollowed || isGone(entry.record));
    if (entry && !selection.isWhole && this.settings.task.ddl.onChange !== 'reload') {
      if (wasGone) this.recreated(entry.record, 'created again');
      return;
    }
    // It may have found the table there, which stopped for another reason. What it made of one that was not to be read
    // may be readable.
    if (entry && mayExist && !wasGone && entry.record.stoppedBy !== 'unreadable') return;
    this.actions.reload(name, 'was created');
  }

  /** Another table has the name of one that went, and the task is not to load it by itself. */
  private recreated({ source, stoppedBy }: TableRecord, how: string): void {
    this.stop(
      source,
      new RowferryError(
        'ROW-S113',
        `${source} was ${stoppedBy === 'renamed' ? 'renamed' : 'dropped'} at the source and ${how}; Tablestore has the rows from before.`,
        {
          remedy: `Reload the table: rowferry reload TASK --table ${source}`,
        },
      ),
      'recreated',
    );
  }

  private leaveOut(name: TableName): void {
    if (this.entry(name)) this.actions.leaveOut(name);
  }

  private createTrigger(statement: DdlStatement & { kind: 'create-trigger' }): void {
    const { trigger, table, body } = statement;
    const made = { database: trigger.database, name: trigger.table, on: table.table, body };
    const part = this.leftOut?.triggerCreated(made);
    if (!part) return;
    const name = { database: part.database, table: part.name };
    if (this.selectionOf(name)?.isWhole !== true) return;
    this.leftOut!.add(part);
    this.leaveOut(name);
  }

  private dropTrigger({ database, table: trigger }: TableName): void {
    const family = triggerFamily(trigger);
    if (family !== null) this.lookAgain(this.leftOut?.triggersDropped(database, family));
  }

  /** What proved that they are part of a schema change is gone. */
  private lookAgain(tables: readonly SourceTable[] = []): void {
    for (const { database, name } of tables) this.actions.reload({ database, table: name }, noLongerPart);
  }

  private entry(name: TableName): Entry | undefined {
    return this.tables.get(this.id(name.database, name.table));
  }

  /**
   * A statement may write a name in any case where the server folds names: whatever is done about it is about the table
   * that is known by it, and, with lower_case_table_names=1, about one in lower case.
   */
  private kept(name: TableName): TableName {
    const known = this.entry(name)?.record.definition;
    if (known) return { database: known.database, table: known.name };
    if (this.facts.lowerCaseTableNames !== 1) return name;
    return { database: foldName(name.database), table: foldName(name.table) };
  }

  private selectionOf({ database, table }: TableName) {
    return selectionOf(this.settings.task, { database, name: table, caseSensitive: !this.foldsCase });
  }

  /** A name in another case is the same one, where the server holds it to be (lower_case_table_names). */
  private isSame(one: TableName, other: TableName): boolean {
    return this.id(one.database, one.table) === this.id(other.database, other.table);
  }

  private isSelected(name: TableName): boolean {
    return this.selectionOf(name) !== null;
  }

  private alter(
    event: StatementEvent,
    statement: DdlStatement & { kind: 'alter' },
    transaction: Transaction,
  ): void {
    const entry = this.entry(statement.table);
    for (const action of statement.actions) {
      const partner = action.do === 'exchange' ? this.entry(action.with) : undefined;
      if (partner?.table && partner.from === null)
        this.stopOrReload(
          partner.record,
          `it exchanged its rows with a partition of ${sourceName({ database: statement.table.database, name: statement.table.table })}`,
        );
    }
    if (!entry || entry.from !== null || entry.record.phase === 'stopped') {
      // A table that is not followed, or comes by a stream of its own, may get the name of one that is.
      for (const action of statement.actions)
        if (action.do === 'rename-table') this.renames([{ from: statement.table, to: action.to }]);
      if (!entry && !statement.actions.some((action) => action.do === 'rename-table'))
        this.named(statement.table);
      return;
    }
    const { record } = entry;
    // A name in another case, where that is the same one, changes nothing that it is known by.
    const isOwnName = (action: (typeof statement.actions)[number]) =>
      action.do === 'rename-table' && this.isSame(statement.table, action.to);
    const actions = statement.actions.filter((action) => !isOwnName(action));
    const renamed = actions.findLast((action) => action.do === 'rename-table');
    if (renamed) {
      this.renames([{ from: statement.table, to: renamed.to }]);
      return;
    }
    let applied: AppliedDdl;
    try {
      applied = applyAlter(record.definition, record.textDefaults, actions, event.context);
    } catch (error) {
      if (!(error instanceof UnreadableDdl)) throw error;
      this.stopOrReload(record, notUnderstood(event, error.message));
      return;
    }
    let table: StreamTable;
    try {
      table = this.streamTable(applied.definition);
    } catch (error) {
      if (!(error instanceof RowferryError)) throw error;
      this.stopOrReload(record, error.message.replace(/\.$/, ''), {
        remedy: withWayBack(error, record.source).remedy,
      });
      return;
    }
    const reason =
      outOfStep(applied, record.definition, this.mapped(entry.table!), this.mapped(table)) ??
      this.cascadeProblem(record.definition, applied.definition);
    if (reason) {
      const [before, after] = [entry.table!, table].map(({ plan }) => JSON.stringify(destinationKey(plan)));
      this.stopOrReload(record, reason, before === after ? {} : { remedy: withNewKey(record.source) });
      return;
    }
    this.become(entry, table, applied, transaction);
    // Where a column comes back under the name of one that went, rows still have what that one held.
    const after = attributesOf(table.plan);
    const leftOver = entry.record.dropped ?? [];
    const isLeftOver = ({ name }: Column) => leftOver.includes(after.get(name) ?? '');
    const filled = [...new Set([...applied.backfill, ...applied.added.filter(isLeftOver)])];
    if (filled.length > 0) {
      this.actions.reload(
        statement.table,
        `has new values in ${filled.map((column) => column.name).join(', ')}`,
      );
    }
  }

  /** Rows that a foreign key changes from here on are in no event. */
  private cascadeProblem(before: TableDefinition, after: TableDefinition): string | null {
    const isNew = after.cascades && !before.cascades && !this.facts.logsCascades;
    return isNew && !toleratesCascades(this.settings.task)
      ? 'a new foreign key changes its rows automatically, and this source does not log these changes'
      : null;
  }

  /** As in the context. */
  asDescribed(table: StreamTable, map: BinlogTable, transaction: Transaction): StreamTable | undefined {
    const entry = this.entry({ database: map.database, table: map.name });
    if (entry?.table !== table) return undefined;
    let difference: Difference | null;
    try {
      difference = differenceOf(entry.record.definition, map, this.charsets);
    } catch (error) {
      if (!(error instanceof RowferryError)) throw error;
      this.stop(entry.record.source, error);
      return undefined;
    }
    return difference ? this.settle(entry, difference, 'the binlog', transaction) : table;
  }

  /** The same for what the source says of the table; null: it does not show it any more, for this reason if it is known. */
  asDefined(table: StreamTable, now: TableDefinition | null, reason: RowferryError | null): void {
    const { definition, source } = table.plan;
    const entry = this.entry({ database: definition.database, table: definition.name });
    if (entry?.table !== table) return;
    if (!now) {
      const message = `${source} no longer exists at the source, or the account cannot see it. No statement in the binlog dropped it.`;
      const isHidden = reason?.code === 'ROW-S103';
      const problem = isHidden ? reason : new RowferryError('ROW-S113', message);
      this.stop(source, withWayBack(problem, source), 'dropped');
      return;
    }
    const difference = catalogDifference(entry.record.definition, now);
    if (difference) this.settle(entry, difference, 'the source', null);
  }

  /**
   * What describes the table otherwise is believed where all of it is told, and rows of before are known to be right by
   * it still; a table of which that cannot be known is out of step. undefined: it is.
   */
  private settle(
    entry: Entry,
    { what, told }: Difference,
    by: 'the binlog' | 'the source',
    transaction: Transaction | null,
  ): StreamTable | undefined {
    const { record } = entry;
    const described = told && this.described(entry, told);
    const unseen = 'a statement that is not in the binlog';
    if (!told || !described) {
      const reason = `${unseen} altered it: its definition in ${by} differs (${what})`;
      this.stopOrReload(record, reason, { isUnseen: true });
      return undefined;
    }
    this.become(entry, described, { ...told, defaults: record.textDefaults }, transaction);
    this.actions.log.warn(`${unseen} altered ${record.source} (${what}): using its definition in ${by}`, {
      table: record.source,
    });
    return described;
  }

  /** null: its rows at the destination, or their key, may not be right any more. */
  private described(entry: Entry, told: NonNullable<Difference['told']>): StreamTable | null {
    const { definition, textDefaults } = entry.record;
    if (this.cascadeProblem(definition, told.definition)) return null;
    try {
      const table = this.streamTable(told.definition);
      const applied = { ...told, defaults: textDefaults };
      return outOfStep(applied, definition, this.mapped(entry.table!), this.mapped(table)) ? null : table;
    } catch (error) {
      if (!(error instanceof RowferryError)) throw error;
      return null;
    }
  }

  /** From here on the table is as `applied` says, and stored so when the checkpoint has passed it; null: at once. */
  private become(
    entry: Entry,
    table: StreamTable,
    applied: Pick<AppliedDdl, 'definition' | 'defaults' | 'dropped'>,
    transaction: Transaction | null,
  ): void {
    const { record } = entry;
    const before = attributesOf(entry.table!.plan);
    const dropped = applied.dropped.flatMap((name) => before.get(name) ?? []);
    const revision = (record.revision ?? 0) + 1;
    const changed: TableRecord = {
      ...record,
      revision,
      definition: applied.definition,
      textDefaults: applied.defaults,
      ...((record.dropped || dropped.length > 0) && { dropped: [...(record.dropped ?? []), ...dropped] }),
    };
    entry.table = table;
    entry.record = changed;
    // The stored list stays the old one until the checkpoint is behind it.
    const { source, life, definition, textDefaults } = changed;
    const step = { step: 'altered', revision, definition, textDefaults, dropped: changed.dropped } as const;
    const store = () => void this.stored.step(source, step, life);
    if (transaction) transaction.onPassed.push(store);
    else store();
    this.changed();
  }

  private mapped({ plan, filter }: StreamTable): Mapped {
    const reads = new Set([...(filter?.columns ?? []), ...(this.etl?.reads ?? [])]);
    return { key: plan.key, attributes: plan.attributes, reads, writes: this.etl?.writes ?? new Set() };
  }

  /**
   * Statements that the stream does not apply say that the table looked otherwise where the stream begins, or was another
   * one: they are `since` there. It is loaded as it is, or stops.
   */
  wasElse(record: TableRecord, said: ReadonlySet<Said> | undefined, since: string): void {
    const { database, name } = record.definition;
    const table = { database, table: name };
    if (said?.has('made')) {
      if (this.selectionOf(table)?.isWhole) this.actions.reload(table, `was created ${since}`);
      else this.stopOrReload(record, `it was dropped or renamed and re-created ${since}`);
    } else if (said?.has('altered'))
      this.stopOrReload(record, `it was altered ${since}, and its columns at that position are unknown`);
  }

  private stopOrReload(
    record: TableRecord,
    reason: string,
    {
      isUnseen = false,
      remedy = `Reload the table: rowferry reload TASK --table ${record.source}`,
    }: { isUnseen?: boolean; remedy?: string } = {},
  ): void {
    const { database, name } = record.definition;
    if (this.settings.task.ddl.onChange === 'reload')
      this.actions.reload({ database, table: name }, reason, isUnseen);
    else {
      this.stop(
        record.source,
        new RowferryError('ROW-S113', `${record.source} stopped: ${reason}.`, { remedy }),
        'altered',
      );
    }
  }

  private drop(name: TableName, renamedTo?: TableName): void {
    const entry = this.entry(name);
    if (!entry || entry.from !== null) return;
    const { source, destination, stoppedBy, definition } = entry.record;
    // Nothing was ever read of it, and nothing is missing any more.
    const wasNeverSeen = stoppedBy === 'unreadable' && definition.columns.length === 0;
    if (wasNeverSeen && this.selectionOf(name)?.isWhole) {
      this.leaveOut(name);
      return;
    }
    this.stop(
      source,
      new RowferryError(
        'ROW-S113',
        `${source} was ${
          renamedTo
            ? `renamed to ${sourceName({ database: renamedTo.database, name: renamedTo.table })}`
            : 'dropped'
        } at the source; its rows stay in ${destination}.`,
        { remedy: 'Remove it from the task, or create it again and reload it.' },
      ),
      renamedTo ? 'renamed' : 'dropped',
    );
  }

  private renames(pairs: readonly { from: TableName; to: TableName }[]): void {
    this.leftOut?.renamed(
      pairs.map(({ from, to }) => ({ from: pairOf(from), to: pairOf(to) })),
      ({ database, name }) => this.selectionOf({ database, table: name })?.isWhole === true,
    );
    for (const [index, { from, to }] of pairs.entries()) {
      const isCopy = this.isUnprovenCopy(from, to, pairs.slice(0, index));
      if (isCopy) this.leaveOut(from);
      this.rename(from, to, { isCopy });
    }
  }

  /** Nothing proved what this table was for until it replaced the one that it is named after: it goes on as that one. */
  private isUnprovenCopy(
    from: TableName,
    to: TableName,
    before: readonly { from: TableName; to: TableName }[],
  ): boolean {
    return (
      this.leftOut !== null &&
      before.some((one) => this.isSame(one.from, to)) &&
      this.selectionOf(from)?.isWhole === true &&
      isMadeBeside(from.table, to.table, !this.foldsCase)
    );
  }

  /** A swap by an online schema change ends here too: whatever now has a selected name is loaded anew. */
  private rename(from: TableName, to: TableName, { isCopy }: { isCopy: boolean }): void {
    const entry = this.entry(from);
    if (this.isSame(from, to)) return;
    if (entry && entry.from === null && !isCopy) this.drop(from, to);
    if (this.leftOut?.has(pairOf(to))) {
      this.leaveOut(to);
      return;
    }
    const there = this.entry(to);
    // A table that waits for its place was loaded with what this statement gave it.
    if (!this.isSelected(to) || (there && there.from !== null)) return;
    this.actions.reload(to, `was renamed from ${sourceName({ database: from.database, name: from.table })}`);
  }

  private truncate(name: TableName): void {
    const entry = this.entry(name);
    if (!entry) this.named(name);
    if (!entry?.table || entry.from !== null) return;
    const { task } = this.settings;
    const { source, destination } = entry.record;
    const stop = (why: string, next: string) =>
      this.stop(
        source,
        new RowferryError('ROW-S113', `${source} was truncated at the source${why}`, {
          remedy: `Reload the table: rowferry reload TASK --table ${source}. ${next}`,
        }),
        'truncated',
      );
    if (task.ddl.truncate !== 'delete')
      stop(
        ', and the task is set to stop the table.',
        'To replicate TRUNCATE in future, set ddl.truncate to "delete".',
      );
    else if (mayHoldRowsOfOthers(task, entry.record))
      stop(
        `. ${destination} existed before this task, which keeps its rows ("conflict": "ignore"), so it is unknown which rows to delete.`,
        'Then verify --repair deletes every row that the source does not have.',
      );
    else this.actions.deleteRows(entry.table);
  }

  /**
   * Row changes in statement format: their result is not in the binlog, and what they reach through views, triggers and
   * functions is not in their text. The event names the databases; without them it may be any.
   */
  private rows(event: StatementEvent): void {
    for (const entry of this.tables.values()) {
      const { database } = entry.record.definition;
      if (entry.from !== null || entry.table === null) continue;
      if (event.databases?.every((name) => this.id(name, '') !== this.id(database, ''))) continue;
      this.stop(
        entry.record.source,
        new RowferryError(
          'ROW-S109',
          `A statement in the binlog may have changed ${entry.record.source} (binlog_format is not ROW in a session), so its rows are unknown.`,
          {
            remedy: `Set binlog_format=ROW in every session. On a source without GTIDs, run FLUSH BINARY LOGS there. Then reload the table: rowferry reload TASK --table ${entry.record.source}`,
          },
        ),
        'statement',
      );
    }
  }

  private unreadable(event: StatementEvent, statement: DdlStatement & { kind: 'unreadable' }): void {
    // It may have made a table that is selected, and a whole database brings in what comes later.
    for (const name of statement.mayBeTemporary ? [] : statement.tables)
      if (!this.entry(name) && this.isSelected(name)) this.actions.reload(name, 'may have been created');
    const named = statement.tables.map((name) => this.entry(name));
    for (const entry of [...this.tables.values()]) {
      if (!entry.table || entry.from !== null) continue;
      const { record } = entry;
      if (statement.mayBeTemporary && isOfTemporary(event, record.definition.engine)) continue;
      if (named.includes(entry)) this.stopOrReload(record, notUnderstood(event, statement.reason));
      else if (!statement.isWhole && this.isTouchedBy(event, record.definition.database))
        this.stopOrReload(
          record,
          `${whereWritten(event)} that Rowferry cannot parse may have changed it (${statement.reason}): ${shownStatement(event)}`,
        );
    }
  }

  private isTouchedBy(event: StatementEvent, database: string): boolean {
    return mayTouch(event, (name) => this.id(name, '') === this.id(database, ''));
  }
}

/** Tables that a statement makes, takes away or calls otherwise. */
function namesOf(statement: DdlStatement): TableName[] {
  switch (statement.kind) {
    case 'create':
      return [statement.table];
    case 'drop':
    case 'unreadable':
      return statement.tables;
    case 'rename':
      return statement.pairs.flatMap(({ from, to }) => [from, to]);
    case 'alter':
      return statement.actions.flatMap((one) => (one.do === 'rename-table' ? [statement.table, one.to] : []));
    default:
      return [];
  }
}

const pairOf = ({ database, table }: TableName): SourceTable => ({ database, name: table });

const withNewKey = (source: string) =>
  `Delete its destination table, re-create it with the new key and reload it: rowferry reload TASK --table ${source} --remake`;

function notUnderstood(event: StatementEvent, reason: string): string {
  return `${whereWritten(event)} changed it in a way that Rowferry does not understand (${reason}): ${shownStatement(event)}`;
}

/** Attributes by the names of their columns. */
function attributesOf(plan: TablePlan): Map<string, string> {
  return new Map(plan.attributes.map((cell) => [cell.column.name, cell.name]));
}

/** Tag and checksum behind the value of a PlainBuffer cell. */
const checksumOfCell = 2;

/** What the bytes of a merge's key end with, before that: the value of its last cell, behind its length. */
function mergeKeyEnd(mergeSource: string): string {
  const value = Buffer.from(mergeSource, 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(value.length);
  return Buffer.concat([length, value]).toString('latin1');
}

interface Entry {
  /** As the stream has it: its definition may be ahead of the stored one, which the checkpoint has to pass first. */
  record: TableRecord;
  /** null while stopped. */
  table: StreamTable | null;
  /** Its rows were read at this place; what comes before it in the stream is in them already. */
  from: SourcePosition | 'joining' | null;
}
