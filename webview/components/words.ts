import * as l10n from '@vscode/l10n';
import type { PageInit } from '../../src/shared/pages.js';

/** BCP 47 tag of the reader's language, for numbers and times. */
export let locale = 'en';

export function loadWords(init: PageInit): void {
  locale = init.language;
  l10n.config({ contents: init.words });
}

/** The sentence in the reader's language. */
export function t(message: string, ...values: (string | number)[]): string {
  return l10n.t(message, ...values);
}
