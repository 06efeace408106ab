import { actionFunctions, lazyFunctions, valueFunctions, type ValueFunction } from './functions.js';
import { EtlSyntaxError, parse, type Node } from './parser.js';
import {
  assertLetters,
  DateTime,
  Decimal,
  describe,
  EtlError,
  UnknownColumn,
  type EtlValue,
} from './values.js';
import { sourceName } from '../../shared/source-name.js';

/** One change as the script sees it: its columns, by their names at the source, and what the event says. */
export interface EtlRecord {
  readonly database: string;
  readonly table: string;
  readonly operation: 'INSERT' | 'UPDATE' | 'DELETE';
  /** µs since the epoch; null in the full load, where rows have no commit. */
  readonly commitMicros: bigint | null;
  /** undefined: the table has no such column. */
  get(column: string): EtlValue | undefined;
  /** A column that the source does not have becomes a further attribute of the destination row. */
  set(column: string, value: EtlValue): void;
}

export interface EtlProgram {
  /** Columns that the script reads and writes, for prechecks and for knowing what must be decoded. */
  readonly reads: ReadonlySet<string>;
  readonly writes: ReadonlySet<string>;
  /** It may drop records. */
  readonly drops: boolean;
  /**
   * Columns whose value depends on the operation, the commit time or the clock: left out of verify and listed
   * (correctness rule 19). `'*'` stands for all, when such a value decides on e_drop or e_keep.
   */
  readonly notComparable: ReadonlySet<string>;
  /** It reads the commit time or the clock: what it does with a row cannot be found out later. */
  readonly timed: boolean;
  /** true: keep the record as `record` now holds it; false: it is dropped. Throws EtlError: the row is dirty. */
  run(record: EtlRecord): boolean;
}

type Evaluate = (record: EtlRecord) => EtlValue;
/** true: go on; false: the record is dropped. */
type Act = (record: EtlRecord) => boolean;

const actions = new Set<string>(actionFunctions);
const operationNames: Record<string, string> = {
  __OP_INSERT__: 'INSERT',
  __OP_UPDATE__: 'UPDATE',
  __OP_DELETE__: 'DELETE',
};
const variableNames = [
  '__TB__',
  '__DB__',
  '__OPERATION__',
  '__COMMIT_TIMESTAMP__',
  ...Object.keys(operationNames),
];

/**
 * Compiles a script once; an empty one gives null. Throws EtlSyntaxError (ROW-T102) with line and column.
 * The functions of the language and their words: src/shared/etl-words.ts.
 */
export function compileEtl(script: string): EtlProgram | null {
  if (script.trim().replace(/^script\s*:\s*/, '') === '') return null;
  const reads = new Set<string>();
  const writes = new Set<string>();
  const notComparable = new Set<string>();
  /** Set while compiling an expression or condition that is not the same in both phases. */
  let volatileHere = false;
  let volatileConditions = 0;
  let drops = false;
  let timed = false;

  const watch = <T>(compile: () => T): { result: T; isVolatile: boolean } => {
    const before = volatileHere;
    volatileHere = false;
    const result = compile();
    const isVolatile = volatileHere;
    volatileHere = before || isVolatile;
    return { result, isVolatile };
  };

  const value = (node: Node): Evaluate => {
    switch (node.kind) {
      case 'integer':
      case 'double':
      case 'string':
      case 'boolean': {
        const constant = node.value;
        return () => constant;
      }
      case 'decimal': {
        const [whole, fraction = ''] = node.digits.split('.');
        const constant = new Decimal(BigInt(`${whole}${fraction}`.replace(/^\+/, '')), fraction.length);
        return () => constant;
      }
      case 'null':
        return () => null;
      case 'column':
        return column(node.name);
      case 'variable':
        return variable(node);
      case 'choice': {
        const [when, yes, no] = [condition(node.condition), value(node.whenTrue), value(node.whenFalse)];
        return (record) => (when(record) === true ? yes(record) : no(record));
      }
      case 'call':
        if (actions.has(node.name))
          throw new EtlSyntaxError(node.at, `${node.name} is an action and has no value`);
        return lazyFunctions.some((name) => name === node.name) ? logic(node) : call(node);
    }
  };

  const column = (name: string): Evaluate => {
    reads.add(name);
    if (notComparable.has(name)) volatileHere = true;
    return (record) => {
      const found = record.get(name);
      if (found !== undefined) return found;
      const table = sourceName({ database: record.database, name: record.table });
      // What the script sets for some rows only is missing in a row, not in the table.
      if (writes.has(name)) throw new EtlError(`${table} has no column ${name}`);
      throw new UnknownColumn(`The transformation reads the column ${name}, which ${table} does not have.`);
    };
  };

  const variable = (node: Node & { kind: 'variable' }): Evaluate => {
    const operation = Object.hasOwn(operationNames, node.name) ? operationNames[node.name] : undefined;
    if (operation) return () => operation;
    switch (node.name) {
      case '__TB__':
        return (record) => record.table;
      case '__DB__':
        return (record) => record.database;
      case '__OPERATION__':
        volatileHere = true;
        return (record) => record.operation;
      case '__COMMIT_TIMESTAMP__':
        volatileHere = timed = true;
        return (record) => (record.commitMicros === null ? null : new DateTime(record.commitMicros, 0));
      default:
        throw new EtlSyntaxError(
          node.at,
          `${node.name} is unknown; put column names in backquotes${nearest(node.name, variableNames)}`,
        );
    }
  };

  const condition = (node: Node): ((record: EtlRecord) => boolean | null) => {
    const evaluate = value(node);
    return (record) => {
      const result = evaluate(record);
      if (result === null || typeof result === 'boolean') return result;
      if (typeof result === 'bigint') return result !== 0n;
      throw new EtlError(`expected a condition, found ${describe(result)}`);
    };
  };

  const logic = (node: Node & { kind: 'call' }): Evaluate => {
    if (node.named.size > 0) throw new EtlSyntaxError(node.at, `${node.name} takes no named arguments`);
    const parts = node.positional.map(condition);
    if (node.name === 'op_not') {
      if (parts.length !== 1) throw new EtlSyntaxError(node.at, 'op_not takes one condition');
      return (record) => {
        const result = parts[0]!(record);
        return result === null ? null : !result;
      };
    }
    if (parts.length < 2) throw new EtlSyntaxError(node.at, `${node.name} takes two conditions or more`);
    const decides = node.name === 'op_or';
    return (record) => {
      let unknown = false;
      for (const part of parts) {
        const result = part(record);
        if (result === decides) return decides;
        if (result === null) unknown = true;
      }
      return unknown ? null : !decides;
    };
  };

  const call = (node: Node & { kind: 'call' }): Evaluate => {
    const definition = Object.hasOwn(valueFunctions, node.name) ? valueFunctions[node.name]! : undefined;
    if (!definition) {
      throw new EtlSyntaxError(
        node.at,
        `the function ${node.name} does not exist${nearest(node.name, knownFunctions)}`,
      );
    }
    checkArguments(node, definition);
    if (definition.unstable) volatileHere = timed = true;
    const args = node.positional.map(value);
    const named = [...node.named].map(([name, argument]) => [name, value(argument)] as const);
    return (record) => {
      const values = args.map((evaluate) => evaluate(record));
      if (!definition.takesNull && values.includes(null)) return null;
      const result = definition.run(
        values,
        Object.fromEntries(named.map(([name, evaluate]) => [name, evaluate(record)])),
      );
      return bounded(result);
    };
  };

  /** A condition that decides on an action: when it is volatile, so is whatever the action does. */
  const decided = <T>(node: Node, compileActions: (when: (record: EtlRecord) => boolean | null) => T): T => {
    const { result: when, isVolatile } = watch(() => condition(node));
    if (isVolatile) volatileConditions++;
    try {
      return compileActions(when);
    } finally {
      if (isVolatile) volatileConditions--;
    }
  };

  const action = (node: Node): Act => {
    if (node.kind !== 'call' || !actions.has(node.name)) {
      const meant = node.kind === 'call' ? nearest(node.name, actionFunctions) : '';
      throw new EtlSyntaxError(node.at, `expected an action (${actionFunctions.join(', ')})${meant}`);
    }
    const { positional: args, named } = node;
    const take = (least: number, most: number) => {
      if (args.length < least || args.length > most || (named.size > 0 && node.name !== 'e_switch')) {
        throw new EtlSyntaxError(node.at, `${node.name} takes ${range(least, most)}`);
      }
    };
    switch (node.name) {
      case 'e_drop':
        take(0, 0);
        drops = true;
        if (volatileConditions > 0) notComparable.add('*');
        return () => false;
      case 'e_keep': {
        take(1, 1);
        drops = true;
        const { result: when, isVolatile } = watch(() => condition(args[0]!));
        if (isVolatile || volatileConditions > 0) notComparable.add('*');
        return (record) => when(record) === true;
      }
      case 'e_set': {
        take(2, 2);
        const target = args[0]!;
        if (target.kind !== 'column')
          throw new EtlSyntaxError(target.at, 'the first argument of e_set must be a column in backquotes');
        const { result: evaluate, isVolatile } = watch(() => value(args[1]!));
        writes.add(target.name);
        if (isVolatile || volatileConditions > 0) notComparable.add(target.name);
        return (record) => {
          record.set(target.name, evaluate(record));
          return true;
        };
      }
      case 'e_compose': {
        take(1, Infinity);
        const steps = args.map(action);
        return (record) => steps.every((step) => step(record));
      }
      case 'e_if':
        take(2, 2);
        return chain(pairs(args), undefined);
      case 'e_if_else':
        take(3, 3);
        return chain([[args[0]!, args[1]!]], args[2]);
      default: {
        for (const name of named.keys()) {
          if (name !== 'default')
            throw new EtlSyntaxError(
              node.at,
              `e_switch has no argument ${name}; the only named argument is "default"`,
            );
        }
        if (args.length < 2 || args.length % 2 !== 0) {
          throw new EtlSyntaxError(node.at, 'e_switch takes pairs of a condition and an action');
        }
        return chain(pairs(args), named.get('default'));
      }
    }
  };

  /** The first pair whose condition is met acts, else `otherwise`. A volatile condition taints all behind it. */
  const chain = (branches: [Node, Node][], otherwise: Node | undefined): Act => {
    const [first, ...rest] = branches;
    if (!first) return otherwise ? action(otherwise) : () => true;
    return decided(first[0], (when) => {
      const act = action(first[1]);
      const next = chain(rest, otherwise);
      return (record) => (when(record) === true ? act(record) : next(record));
    });
  };

  const run = action(parse(script));
  return { reads, writes, drops, notComparable, timed, run };
}

const knownFunctions = [...Object.keys(valueFunctions), ...lazyFunctions, ...actionFunctions];

function checkArguments(node: Node & { kind: 'call' }, definition: ValueFunction): void {
  const [least, most] = definition.arity;
  if (node.positional.length < least || node.positional.length > most) {
    throw new EtlSyntaxError(node.at, `${node.name} takes ${range(least, most)}`);
  }
  for (const name of node.named.keys()) {
    if (!definition.named?.includes(name))
      throw new EtlSyntaxError(node.at, `${node.name} has no argument ${name}`);
  }
}

function pairs(args: Node[]): [Node, Node][] {
  const result: [Node, Node][] = [];
  for (let i = 0; i + 1 < args.length; i += 2) result.push([args[i]!, args[i + 1]!]);
  return result;
}

function range(least: number, most: number): string {
  const plural = (n: number) => (n === 1 ? 'one argument' : n === 0 ? 'no arguments' : `${n} arguments`);
  if (least === most) return plural(least);
  return most === Infinity ? `${plural(least)} or more` : `${least} to ${most} arguments`;
}

/** “, did you mean x?” for a name at most two edits away. */
function nearest(name: string, known: readonly string[]): string {
  let best: string | undefined;
  let distance = 3;
  for (const candidate of known) {
    const d = edits(name.toLowerCase(), candidate.toLowerCase());
    if (d < distance) [best, distance] = [candidate, d];
  }
  return best ? `; did you mean ${best}?` : '';
}

function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

/** Longer numbers no cell takes. */
const maximumBits = 4096;

function bounded(result: EtlValue): EtlValue {
  if (typeof result === 'string') assertLetters(result.length);
  const whole = result instanceof Decimal ? result.unscaled : result;
  if (typeof whole === 'bigint' && whole !== BigInt.asIntN(maximumBits, whole))
    throw new EtlError('a function makes a number that is too long');
  return result;
}
