import { html, nothing, type TemplateResult } from 'lit';

/** The code of an error, which opens its page: the editor lets pages call this one command by a link. None: nothing. */
export function errorCode(code: string | undefined): TemplateResult | typeof nothing {
  if (code === undefined) return nothing;
  const argument = encodeURIComponent(JSON.stringify([code]));
  return html`<a class="code" href=${`command:rowferry.docs.errors?${argument}`}>${code}</a>`;
}
