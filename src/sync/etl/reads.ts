import { actionFunctions, lazyFunctions, valueFunctions } from './functions.js';
import { parse, type Node, type SourceLocation } from './parser.js';
import { EtlError, type EtlValue } from './values.js';

export interface ColumnRead {
  readonly name: string;
  readonly at: SourceLocation;
}

interface EtlTable {
  readonly database: string;
  readonly name: string;
}

/**
 * Where a script may read a column of a row of a table, in the order of the script, for one table after the other.
 * What `__TB__` and `__DB__` decide is decided: a branch for another table reads nothing here. What depends on the row
 * may be either. Throws EtlSyntaxError.
 */
export function columnReader(script: string): (table: EtlTable) => ColumnRead[] {
  if (script.trim().replace(/^script\s*:\s*/, '') === '') return () => [];
  const parsed = parse(script);
  return (table) => readsOf(parsed, table);
}

export const columnsRead = (script: string, table: EtlTable): ColumnRead[] => columnReader(script)(table);

function readsOf(script: Node, table: EtlTable): ColumnRead[] {
  const found: ColumnRead[] = [];

  /** What it always is for this table; undefined: it depends on the row, or on the moment. */
  const constant = (node: Node): EtlValue | undefined => {
    switch (node.kind) {
      case 'integer':
      case 'double':
      case 'string':
      case 'boolean':
        return node.value;
      case 'null':
        return null;
      case 'variable':
        return { __TB__: table.name, __DB__: table.database }[node.name];
      case 'call':
        return lazyFunctions.some((name) => name === node.name) ? logic(node) : called(node);
      default:
        return undefined;
    }
  };

  const called = ({ name, positional, named }: Node & { kind: 'call' }): EtlValue | undefined => {
    const definition = Object.hasOwn(valueFunctions, name) ? valueFunctions[name]! : undefined;
    if (!definition || definition.unstable || named.size > 0) return undefined;
    const values = positional.map(constant);
    if (values.includes(undefined)) return undefined;
    if (!definition.takesNull && values.includes(null)) return null;
    try {
      return definition.run(values as EtlValue[], {});
    } catch (error) {
      if (error instanceof EtlError) return undefined;
      throw error;
    }
  };

  const logic = ({ name, positional }: Node & { kind: 'call' }): boolean | undefined => {
    const parts = positional.map((part) => constant(part));
    if (name === 'op_not') return typeof parts[0] === 'boolean' ? !parts[0] : undefined;
    const decides = name === 'op_or';
    if (parts.includes(decides)) return decides;
    return parts.every((part) => part === !decides) ? !decides : undefined;
  };

  /** A condition is read as far as what stands before does not decide it. */
  const read = (node: Node): void => {
    if (node.kind === 'column') found.push({ name: node.name, at: node.at });
    else if (node.kind === 'choice') {
      read(node.condition);
      const decided = constant(node.condition);
      if (decided !== false && decided !== null) read(node.whenTrue);
      if (decided !== true) read(node.whenFalse);
    } else if (node.kind === 'call') {
      const decides = node.name === 'op_or' ? true : node.name === 'op_and' ? false : undefined;
      for (const part of [...node.positional, ...node.named.values()]) {
        read(part);
        if (decides !== undefined && constant(part) === decides) break;
      }
    }
  };

  /** False: no row of this table gets past it. */
  const act = (node: Node): boolean => {
    if (node.kind !== 'call' || !actionFunctions.some((name) => name === node.name)) return true;
    const { positional: args } = node;
    switch (node.name) {
      case 'e_drop':
        return false;
      case 'e_keep': {
        read(args[0]!);
        const keeps = constant(args[0]!);
        return keeps !== false && keeps !== null;
      }
      case 'e_set':
        read(args[1]!);
        return true;
      case 'e_compose':
        return args.every(act);
      case 'e_if_else':
        return branches([args[0]!, args[1]!], args[2]);
      default:
        return branches(args, node.named.get('default'));
    }
  };

  /** Pairs of a condition and an action: the first that is met acts. */
  const branches = ([when, action, ...rest]: Node[], otherwise: Node | undefined): boolean => {
    if (!when || !action) return otherwise ? act(otherwise) : true;
    read(when);
    const met = constant(when);
    if (met === true) return act(action);
    if (met === false || met === null) return branches(rest, otherwise);
    const [goesOn, goesOnElse] = [act(action), branches(rest, otherwise)];
    return goesOn || goesOnElse;
  };

  act(script);
  return found;
}
