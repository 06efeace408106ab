import { RowferryError } from './errors.js';
import { keyName } from './key-name.js';

/** What `${env:NAME}` may hold as a name. */
const reference = /\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}/g;

export type Lookup = (variable: string) => string | undefined;

/** Names of the variables in the strings of `value`, each once, in the order met. */
export function variablesIn(value: unknown, found: Set<string> = new Set()): Set<string> {
  if (typeof value === 'string') for (const [, name] of value.matchAll(reference)) found.add(name!);
  else if (value !== null && typeof value === 'object')
    for (const item of Object.values(value)) variablesIn(item, found);
  return found;
}

/**
 * A copy of `value` with every `${env:NAME}` in its strings replaced.
 * Throws ROW-T103 that names the key and the variable when one is not set.
 */
export function resolveVariables<T>(value: T, lookup: Lookup, path: readonly (string | number)[] = []): T {
  if (typeof value === 'string') {
    return value.replace(reference, (_, name: string) => {
      const found = lookup(name);
      if (found === undefined) {
        throw new RowferryError(
          'ROW-T103',
          `${keyName(path)}: the environment variable ${name} is not set.`,
          {
            remedy: `Set ${name} before you start rowferry, or use another variable.`,
          },
        );
      }
      return found;
    }) as T;
  }
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) => resolveVariables(item, lookup, [...path, index])) as T;
  }
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        key,
        resolveVariables<unknown>(item, lookup, [...path, key]),
      ]),
    ) as T;
  }
  return value;
}
