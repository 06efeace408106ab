import { readFileSync } from 'node:fs';
import { plainWords, type Translate } from '../shared/format.js';
import { asItIs, retelling, type Catalogue, type Retell } from '../shared/retelling.js';

/** What people read on the terminal, in their language. JSON, and what goes to files or other programs, is English. */

export const languages = ['en', 'zh-cn'] as const;
export type Language = (typeof languages)[number];

let words: Catalogue = {};
let told: Retell = asItIs;

/** A sentence of the command line. */
export const t: Translate = (message, ...values) => plainWords(words[message] ?? message, ...values);

/** What an engine or an error says in English. */
export const retell: Retell = (text) => told(text);

/**
 * Speaks that language from now on. `folder`: where its catalogues are; without them, in a copy of the program alone,
 * it stays English.
 */
export function speak(language: Language, folder: URL): void {
  if (language === 'en') return;
  const read = (name: string) =>
    JSON.parse(readFileSync(new URL(`${name}.l10n.${language}.json`, folder), 'utf8')) as Catalogue;
  try {
    words = { ...read('bundle'), ...read('cli') };
    told = retelling(read('engine'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** `--lang`, else the locale as POSIX has it: LC_ALL before LC_MESSAGES before LANG. Any Chinese is the one there is. */
export function languageOf(named: Language | undefined, environment: NodeJS.ProcessEnv): Language {
  const { LC_ALL, LC_MESSAGES, LANG } = environment;
  const locale = [LC_ALL, LC_MESSAGES, LANG].find((one) => one !== undefined && one !== '') ?? '';
  return named ?? (/^zh\b|^zh_/i.test(locale) ? 'zh-cn' : 'en');
}
