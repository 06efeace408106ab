import type { ColumnDefinition } from './column.js';
import type { Cursor } from './cursor.js';
import type { AlterAction, KeyColumns, KeyPrefix } from './statement.js';

export type AddKey = AlterAction & { do: 'add-key' };

/** A key or a constraint of a table definition; null when a column stands here. */
export function readKey(c: Cursor): AddKey | 'constraint' | 'cascade' | null {
  let name: string | null = null;
  if (c.take('CONSTRAINT') && !['PRIMARY', 'UNIQUE', 'FOREIGN', 'CHECK'].includes(c.peek())) name = c.name();
  if (c.take('PRIMARY', 'KEY')) return readKeyBody(c, 'PRIMARY', true, true);
  if (c.take('UNIQUE')) {
    c.takeAny('INDEX', 'KEY');
    return readKeyBody(c, name, false, true);
  }
  if (c.takeAny('FULLTEXT', 'SPATIAL')) {
    c.takeAny('INDEX', 'KEY');
    return readKeyBody(c, null, false, false);
  }
  // A column may be named `key` in backquotes only; the bare word is always a key.
  if (c.takeAny('INDEX', 'KEY')) return readKeyBody(c, null, false, false);
  if (c.take('FOREIGN', 'KEY')) {
    if (c.peek() !== '(') c.name();
    c.skipParentheses();
    c.expect('REFERENCES');
    return c.reference() ? 'cascade' : 'constraint';
  }
  if (c.peek() === 'CHECK') {
    c.skipToComma();
    return 'constraint';
  }
  return null;
}

function readKeyBody(c: Cursor, name: string | null, primary: boolean, unique: boolean): AddKey {
  let keyName = name;
  if (c.peek() !== '(' && c.peek() !== 'USING') keyName = c.name();
  if (c.take('USING')) c.name();
  const columns = readKeyColumns(c);
  c.skipToComma();
  return { do: 'add-key', name: primary ? 'PRIMARY' : keyName, primary, unique, ...columns };
}

/** `(a, b(10), (expression))`. */
export function readKeyColumns(c: Cursor): KeyColumns {
  let plain = true;
  const columns: string[] = [];
  const prefixes: KeyPrefix[] = [];
  c.expect('(');
  do {
    if (c.peek() === '(') {
      c.skipParentheses();
      plain = false;
    } else columns.push(c.name());
    if (c.take('(')) {
      prefixes.push({ column: columns.at(-1)!, length: c.number() });
      c.expect(')');
    }
    c.takeAny('ASC', 'DESC');
  } while (c.take(','));
  c.expect(')');
  return { columns: plain ? columns : null, ...(prefixes.length > 0 && { prefixes }) };
}

/** What a key or a constraint is as a part of ALTER. */
export function keyPart(key: AddKey | 'constraint' | 'cascade'): AlterAction[] {
  if (key === 'cascade') return [{ do: 'cascade' }];
  return key === 'constraint' ? [{ do: 'other', what: 'ADD CHECK', value: '' }] : [key];
}

/** Keys that a column's definition brings along. */
export function inlineKey(definition: ColumnDefinition): AlterAction[] {
  if (definition.cascades) return [{ do: 'cascade' }, ...inlineKey({ ...definition, cascades: false })];
  if (!definition.key) return [];
  const primary = definition.key === 'primary';
  const columns = [definition.column.name];
  return [{ do: 'add-key', name: primary ? 'PRIMARY' : null, primary, unique: true, columns }];
}
