import { html, type TemplateResult } from 'lit';

/** Small drawings in the colour of the text: no font, no image, nothing for the CSP to let in. 16 × 16. */
const paths = {
  pass: 'M3 8.5 6.5 12 13 4.5',
  fail: 'M4 4l8 8M12 4l-8 8',
  warning: 'M8 2.5 14.5 13.5h-13zM8 6.5v3.5M8 11.8v.2',
  information: 'M8 1.75a6.25 6.25 0 1 0 0 12.5 6.25 6.25 0 0 0 0-12.5M8 7.5v4M8 4.8v.2',
  skipped: 'M3.5 8h9',
  up: 'M8 13V3M4 7l4-4 4 4',
  open: 'M3.5 6 8 10.5 12.5 6',
  closed: 'M6 3.5 10.5 8 6 12.5',
  close: 'M4.5 4.5l7 7M11.5 4.5l-7 7',
  arrow: 'M2.5 8h11M9.5 4l4 4-4 4',
  table: 'M2 3h12v10H2zM2 6.5h12M6.5 6.5V13',
  database:
    'M3 4c0-1.1 2.2-2 5-2s5 .9 5 2-2.2 2-5 2-5-.9-5-2zM3 4v8c0 1.1 2.2 2 5 2s5-.9 5-2V4M3 8c0 1.1 2.2 2 5 2s5-.9 5-2',
  key: 'M10.5 2a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7M8 8l-6 6M4 12l2 2',
  list: 'M5.5 4h8.5M5.5 8h8.5M5.5 12h8.5M2 4h.5M2 8h.5M2 12h.5',
  add: 'M8 3v10M3 8h10',
  unchecked: 'M3 3h10v10H3z',
  checked: 'M3 3h10v10H3zM5 8.2l2 2 4-4.4',
  mixed: 'M3 3h10v10H3zM5.5 8h5',
} as const;

export type IconName = keyof typeof paths;

/** Decoration: what it says stands in words beside it. */
export function icon(name: IconName): TemplateResult {
  return html`<svg
    class="icon"
    width="16"
    height="16"
    viewBox="0 0 16 16"
    fill="none"
    stroke="currentColor"
    stroke-width="1.4"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
  >
    <path d=${paths[name]}></path>
  </svg>`;
}
