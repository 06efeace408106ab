import type { TaskEdit } from '../../../src/shared/pages.js';
import type { JsonSchema } from '../../../src/shared/task-json-schema.js';
import { t } from '../../components/words.js';
import { effective, type Path } from './document.js';

/** A setting of the task file as the form shows it. Default and range come from the schema. */
export interface Field {
  path: Path;
  label: string;
  help: string;
  /** `list`: texts with commas between them. `file`: a path, which can also be chosen. */
  kind: 'number' | 'optional-number' | 'text' | 'optional-text' | 'file' | 'list' | 'choice' | 'switch';
  choices?: readonly (readonly [value: string, label: string])[];
  unit?: string;
  placeholder?: string;
  /** How a value gets into the file, where that is not plainly at its path. */
  write?: (document: unknown, schema: JsonSchema, value: unknown) => TaskEdit[];
  /** Why it has no effect now, or undefined. */
  idle?: (document: unknown, schema: JsonSchema) => string | undefined;
}

/** Reasons why a setting has no effect now, for those that have one in common. */
export const has = (path: Path, value: unknown) => (document: unknown, schema: JsonSchema) =>
  effective(document, schema, path) === value;
const fullOff = has(['synchronization', 'full'], false);
export const incrementalOff = has(['synchronization', 'incremental'], false);
export const onlyFull = () => (d: unknown, s: JsonSchema) =>
  fullOff(d, s) ? t('The full load is off.') : undefined;
export const onlyIncremental = () => (d: unknown, s: JsonSchema) =>
  incrementalOff(d, s) ? t('The incremental phase is off.') : undefined;
