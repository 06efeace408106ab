import { appendFileSync, existsSync, renameSync, statSync } from 'node:fs';
import type { LogLevel } from '../../shared/engine-api.js';

export interface Log {
  debug(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
}

const largest = 5 << 20;
const kept = 3;

/**
 * The engine's log: one line a message, UTC. The file is turned over at 5 MB and three old ones are kept
 * (`engine.log.1` the newest). `listener` sees every line too.
 */
export class FileLog implements Log {
  #size: number;

  constructor(
    private readonly file: string,
    private readonly listener: (level: LogLevel, text: string) => void = () => {},
  ) {
    this.#size = existsSync(file) ? statSync(file).size : 0;
  }

  debug(text: string): void {
    this.#write('debug', text);
  }
  info(text: string): void {
    this.#write('info', text);
  }
  warn(text: string): void {
    this.#write('warn', text);
  }
  error(text: string): void {
    this.#write('error', text);
  }

  #write(level: LogLevel, text: string): void {
    const line = `${new Date().toISOString()} ${level.padEnd(5)} ${text.replaceAll('\n', '\n  ')}\n`;
    try {
      if (this.#size + line.length > largest) this.#turnOver();
      appendFileSync(this.file, line, { mode: 0o600 });
      this.#size += Buffer.byteLength(line);
    } catch {
      // A full disk must not end the replication that the log is about.
    }
    this.listener(level, text);
  }

  #turnOver(): void {
    for (let n = kept - 1; n >= 0; n--) {
      const from = n === 0 ? this.file : `${this.file}.${n}`;
      if (existsSync(from)) renameSync(from, `${this.file}.${n + 1}`);
    }
    this.#size = 0;
  }
}
