import type { SourceSettings } from '../../shared/task.js';

/**
 * Settings of a MySQL as another program has them: only what it says, and a port as it stands there, so that the form
 * can say what is wrong with it.
 */
export interface ImportedSource extends Partial<
  Pick<
    SourceSettings,
    'host' | 'user' | 'password' | 'ssl' | 'caFile' | 'certFile' | 'keyFile' | 'serverPublicKeyFile'
  >
> {
  port?: number | string;
}

/** Far beyond any name, address or path. */
const longest = 4096;

/** A text that may be a setting; undefined: nothing, or nothing that any setting can be. */
export function settingText(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '' || value.length > longest) return undefined;
  return value.includes('\0') ? undefined : value;
}

export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65535;
}

/** A port of MySQL as a number where it is one. */
export function portOf(text: string): number | string {
  return /^\d{1,5}$/.test(text) && isPort(Number(text)) ? Number(text) : text;
}

/** MySQL's own names of the modes (--ssl-mode). */
const sslModes = new Map<string, SourceSettings['ssl']>([
  ['disabled', 'disabled'],
  ['preferred', 'preferred'],
  ['required', 'required'],
  ['verify_ca', 'verify-ca'],
  ['verify_identity', 'verify-identity'],
]);

/** undefined: MySQL has no such mode. */
export function sslModeOf(text: string): SourceSettings['ssl'] | undefined {
  return sslModes.get(text.toLowerCase().replaceAll('-', '_'));
}
