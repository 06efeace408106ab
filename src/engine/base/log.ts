import { appendFileSync, existsSync, renameSync, statSync } from 'node:fs';
import type { LogLevel } from '../../shared/engine-api.js';

/** What a message is about, as far as it is about one. */
export interface LogSubject {
  readonly task?: { readonly id: string; readonly name?: string };
  /** `database.table` at the source. */
  readonly table?: string;
  /** Code of the error that it tells of. */
  readonly code?: string;
}

export interface Log {
  debug(message: string, about?: LogSubject): void;
  info(message: string, about?: LogSubject): void;
  warn(message: string, about?: LogSubject): void;
  error(message: string, about?: LogSubject): void;
}

/** A line of the file. */
export interface LogEntry {
  /** ISO 8601, UTC. */
  time: string;
  level: LogLevel;
  /** Its id. */
  task?: string;
  table?: string;
  code?: string;
  message: string;
}

const largest = 5 << 20;
const kept = 3;

/**
 * The engine's log: one LogEntry a line, as JSON. The file is turned over at 5 MB and three old ones are kept
 * (`engine.log.1` the newest). `listener` hears every message too, as a person reads it.
 */
export class FileLog implements Log {
  #size: number;

  constructor(
    private readonly file: string,
    private readonly listener: (level: LogLevel, text: string, task?: string) => void = () => {},
  ) {
    this.#size = existsSync(file) ? statSync(file).size : 0;
  }

  debug(message: string, about?: LogSubject): void {
    this.#write('debug', message, about);
  }
  info(message: string, about?: LogSubject): void {
    this.#write('info', message, about);
  }
  warn(message: string, about?: LogSubject): void {
    this.#write('warn', message, about);
  }
  error(message: string, about?: LogSubject): void {
    this.#write('error', message, about);
  }

  #write(level: LogLevel, message: string, { task, table, code }: LogSubject = {}): void {
    const time = new Date().toISOString();
    // What is undefined is not in the line.
    const entry = { time, level, task: task?.id, table, code, message };
    const line = `${JSON.stringify(entry)}\n`;
    try {
      if (this.#size + line.length > largest) this.#turnOver();
      appendFileSync(this.file, line, { mode: 0o600 });
      this.#size += Buffer.byteLength(line);
    } catch {
      // A full disk must not end the replication that the log is about.
    }
    this.listener(level, task ? `${task.name ?? task.id}: ${message}` : message, task?.id);
  }

  #turnOver(): void {
    for (let n = kept - 1; n >= 0; n--) {
      const from = n === 0 ? this.file : `${this.file}.${n}`;
      if (existsSync(from)) renameSync(from, `${this.file}.${n + 1}`);
    }
    this.#size = 0;
  }
}
