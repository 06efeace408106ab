// What the demo shows: bars that are redrawn on a terminal, now and then a line elsewhere.
import { styleText } from 'node:util';

const colour = process.stdout.isTTY && !process.env['NO_COLOR'];
const paint = (format) => (text) => (colour ? styleText(format, String(text)) : String(text));
export const bold = paint('bold');
export const dim = paint('dim');
export const green = paint('green');
export const red = paint('red');
export const cyan = paint('cyan');

export const count = (value) => Math.round(value).toLocaleString('en-US');

export function heading(text) {
  console.log(`\n${bold(cyan('▸'))} ${bold(text)}`);
}

export function say(text) {
  console.log(`  ${text}`);
}

/** A block at the end of the screen that is drawn over itself. */
export class Live {
  #lines = 0;
  #printedAt = 0;
  #phase = '';

  draw(snapshot, extra = []) {
    if (!process.stdout.isTTY) {
      if (snapshot.phase === this.#phase && Date.now() - this.#printedAt < 2000) return;
      this.#phase = snapshot.phase;
      this.#printedAt = Date.now();
      say([summary(snapshot), ...extra].join(' · '));
      return;
    }
    const lines = [...snapshot.tables.map(tableLine), summary(snapshot), ...extra].map((line) => `  ${line}`);
    const up = this.#lines > 0 ? `\x1b[${this.#lines}A\x1b[J` : '';
    process.stdout.write(`${up}${lines.join('\n')}\n`);
    this.#lines = lines.length;
  }
}

function tableLine(table) {
  const loaded = table.phase === 'incremental' || table.phase === 'done';
  const share = loaded ? 1 : table.estimatedRows ? Math.min(0.99, table.rows / table.estimatedRows) : 0;
  const width = 30;
  const full = Math.round(share * width);
  const bar = green('━'.repeat(full)) + dim('─'.repeat(width - full));
  return `${table.source.padEnd(20)} ${bar} ${String(Math.floor(share * 100)).padStart(3)} % ${count(table.rows).padStart(9)} rows`;
}

function summary(snapshot) {
  const latency =
    snapshot.latencyMs === null
      ? ''
      : snapshot.latencyMs === 0
        ? ' · caught up'
        : ` · latency ${snapshot.latencyMs} ms`;
  const followed = `+${count(snapshot.inserted)} ~${count(snapshot.updated)} −${count(snapshot.deleted)}`;
  return `${snapshot.phase === 'none' ? 'starting' : snapshot.phase}: ${count(snapshot.loaded)} loaded, ${followed} followed · ${count(snapshot.rowsPerSecond)} rows/s${latency}`;
}

/** Pairs of words and figures between two rules. */
export function closingTable(rows) {
  const left = Math.max(...rows.map(([name]) => name.length));
  const right = Math.max(...rows.map(([, value]) => String(value).length));
  const rule = dim('─'.repeat(left + right + 4));
  console.log(`\n${rule}`);
  for (const [name, value, good] of rows) {
    const text = String(value).padStart(right);
    console.log(` ${name.padEnd(left)}  ${good === undefined ? text : good ? green(text) : red(text)}`);
  }
  console.log(rule);
}
