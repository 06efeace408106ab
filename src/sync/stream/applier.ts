import { historyCheck } from '../../mysql/binlog/history.js';
import { BinlogStream } from '../../mysql/binlog/stream.js';
import { atLeast } from '../../mysql/server-facts.js';
import type { BinlogHandler } from '../../mysql/model.js';
import type { SourcePosition } from '../../shared/position.js';
import { CheckpointTracker } from '../state/checkpoint.js';
import { askSource } from '../filter/answers.js';
import type { LeftOut } from '../online-change/left-out.js';
import { PauseGate } from '../base/pause-gate.js';
import { fetchRow } from './refetch.js';
import type { ApplierServices, StreamPosition } from './run-services.js';
import { SourceReader } from '../source/retry.js';
import type { StreamContext, StreamTable } from './stream-context.js';
import { StreamHandler } from './stream-handler.js';
import { StreamTables, type DdlActions } from './stream-tables.js';
import { XaBranches, type XaOwner } from './xa-branches.js';

/** What of the binlog is applied: from where to where, which tables, and what becomes of their definitions. */
export interface Feed {
  readonly from: SourcePosition;
  /** Aborted when it ends at once. */
  readonly signal: AbortSignal;
  /** Nothing more is to be applied: what is not passed comes again with the next run. */
  isOver(): boolean;
  /** Is this table, one of its own, to be applied just now? */
  applies(source: string): boolean;
  /** Whose rows of prepared XA branches it keeps (correctness rule 2). */
  readonly branches: XaOwner;
  /** As in StreamContext. */
  unknownRows: StreamContext['unknownRows'];
  /** What statements ask for. */
  readonly ddl: Omit<DdlActions, 'changed' | 'log'>;
  /** null: what is left out is not for this feed to decide, which is before or after the stream that does. */
  readonly leftOut: LeftOut | null;
  /** A transaction ended just before `position`. */
  sealed?(position: SourcePosition): void;
  /** What is to see the events on their way. */
  tap?(handler: BinlogHandler): BinlogHandler;
}

const lookMs = 500;

/**
 * Applies the binlog to some tables: reads it from a place on, again wherever the link breaks, brings its rows to the
 * writer in order, moves the tables' definitions on with its statements, and knows up to where all of it is through.
 */
export class BinlogApplier {
  readonly tracker: CheckpointTracker;
  readonly tables: StreamTables;
  readonly gate: PauseGate;
  private readonly handler: StreamHandler;
  private readonly reader: SourceReader;
  private stream: BinlogStream | null = null;
  private from: SourcePosition;
  private readonly work = new Set<Promise<void>>();

  constructor(
    private readonly services: ApplierServices,
    private readonly feed: Feed,
  ) {
    const { settings, store, prepared, log, retry, gate, events } = services;
    this.from = feed.from;
    this.gate = new PauseGate(gate);
    this.reader = new SourceReader(retry);
    this.tracker = new CheckpointTracker(feed.from, events);
    this.tables = new StreamTables(
      settings,
      prepared.records,
      prepared.etl,
      prepared.facts,
      prepared.charsets,
      { ...feed.ddl, changed: () => this.handler.forget(), log },
      feed.leftOut,
    );
    this.handler = new StreamHandler(this.context(new XaBranches(store, feed.branches)));
  }

  /** How far it has read. */
  get place(): StreamPosition {
    return { position: this.stream?.position ?? this.from, isInside: this.handler.isInside };
  }

  /** The source was found to have the place, and sends what comes after it. */
  get isStreaming(): boolean {
    return this.stream?.isStreaming ?? false;
  }

  /** Reads until the feed is over or stop(). Throws what ends the run, or the reason of the feed's signal. */
  async run(): Promise<void> {
    const { feed, services } = this;
    const look = setInterval(() => {
      if (this.isStreaming) this.reader.answered();
    }, lookMs);
    try {
      while (!feed.isOver()) {
        const handler = feed.tap?.(this.handler) ?? this.handler;
        this.stream = new BinlogStream(
          services.settings.task.source,
          { position: this.from, heartbeatSeconds: 2, history: historyCheck },
          handler,
        );
        this.gate.lead(this.stream);
        try {
          await this.stream.run();
        } catch (error) {
          if (feed.isOver()) return;
          this.from = this.handler.restart(this.stream.position);
          void services.sessions.reconnect();
          await this.reader.failed(error, feed.signal);
        }
      }
    } finally {
      clearInterval(look);
    }
  }

  /** Nothing more is read; run() settles. */
  async stop(): Promise<void> {
    await this.stream?.stop();
  }

  /** It is over, and the others go on: what it waited for counts no more. */
  close(): void {
    this.reader.answered();
    this.gate.close();
  }

  /** Runs `work` after what has been read already, with the stream at rest. */
  holdNext(work: () => Promise<void>): void {
    this.handler.holdNext(work);
  }

  /** As StreamHandler.hold(). */
  hold(work: () => Promise<void>): void {
    this.handler.hold(work);
  }

  /** As StreamHandler.whenThrough(). */
  whenThrough(then: () => void): void {
    this.handler.whenThrough(then);
  }

  /** Work that a stop waits for. */
  keep(work: Promise<void>): void {
    this.work.add(work);
    void work.finally(() => this.work.delete(work));
  }

  /** Settles when whatever it waits for, and is kept with it, is through. */
  async idle(): Promise<void> {
    await Promise.all(this.work);
  }

  private applied(table: StreamTable | undefined): StreamTable | undefined {
    return table && this.feed.applies(table.plan.source) ? table : undefined;
  }

  private context(branches: XaBranches): StreamContext {
    const { services, feed, tables } = this;
    const { settings, dirty, prepared, signal, retry, sessions, queue } = services;
    return {
      settings,
      signal,
      tracker: this.tracker,
      charsets: prepared.charsets,
      loadCharset: (charset) =>
        retry.onSource((connection) => prepared.charsets.load((sql) => connection.query(sql), [charset])),
      dirty,
      find: (database, name) => this.applied(tables.find(database, name)),
      passedOver: ({ database, name }) => tables.passedOver({ database, table: name }),
      follows: (source) => this.applied(tables.follows(source)),
      asDescribed: (table, map, transaction) => tables.asDescribed(table, map, transaction),
      stopTable: (source, problem) => tables.stop(source, problem),
      statement: (event, transaction) => tables.statement(event, transaction),
      branches,
      unknownRows: (source, xid, at) => feed.unknownRows(source, xid, at),
      isOver: () => feed.isOver(),
      sealed: (at) => {
        if (tables.anyWaiting) tables.reached(at);
        feed.sealed?.(at);
      },
      wait: (work) => this.wait(work),
      enqueue: (change) => queue.enqueue(change),
      room: () => queue.room(),
      blocked: (error) => services.blocked(error),
      ask: (filter, rows) =>
        askSource(filter, rows, atLeast(prepared.facts, 8, 0, 4), (sql) =>
          retry.retrying(() =>
            sessions.ask('query', (connection) => connection.query<{ kept: number }>(sql)),
          ),
        ),
      refetch: (row, transaction) => fetchRow(services, row, transaction),
    };
  }

  private wait(work: () => Promise<void>): void {
    const release = this.gate.hold('waits');
    const done = work().then(release, (error: unknown) => {
      // What waited after this row must not be passed as if it had been applied.
      this.tracker.freeze();
      this.services.fail(error);
    });
    this.keep(done);
  }
}
