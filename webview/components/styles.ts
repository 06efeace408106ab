import { css } from 'lit';

/** Shared by every page. Colours are VS Code's variables and nothing else, so that every theme works. */
export const base = css`
  :host {
    display: block;
    color: var(--vscode-foreground);
    font-family: var(--vscode-font-family);
    font-size: var(--vscode-font-size);
    line-height: 1.45;
  }
  :host([hidden]),
  [hidden] {
    display: none !important;
  }
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  h1 {
    font-size: 1.6em;
    font-weight: 600;
    margin: 0;
  }
  h2 {
    font-size: 1.25em;
    font-weight: 600;
    margin: 0 0 4px;
  }
  h3 {
    font-size: 1em;
    font-weight: 600;
    margin: 0 0 4px;
  }
  p {
    margin: 0 0 8px;
  }
  code,
  .mono {
    font-family: var(--vscode-editor-font-family, monospace);
    font-size: var(--vscode-editor-font-size, 1em);
  }
  a {
    color: var(--vscode-textLink-foreground);
  }
  .hint {
    color: var(--vscode-descriptionForeground);
  }
  .error {
    color: var(--vscode-errorForeground);
  }
  .warning {
    color: var(--vscode-editorWarning-foreground, var(--vscode-list-warningForeground));
  }
  .good {
    color: var(--vscode-testing-iconPassed, var(--vscode-charts-green));
  }
  .row {
    display: flex;
    gap: 8px;
    align-items: center;
    flex-wrap: wrap;
  }
  .nowrap {
    flex-wrap: nowrap;
  }
  .icon {
    flex: none;
    vertical-align: -3px;
  }
  .badge {
    display: inline-block;
    min-width: 18px;
    padding: 0 5px;
    border-radius: 9px;
    font-size: 11px;
    line-height: 18px;
    text-align: center;
    color: var(--vscode-badge-foreground);
    background: var(--vscode-badge-background);
    outline: 1px solid var(--vscode-contrastBorder, transparent);
  }
  .grow {
    flex: 1 1 auto;
    min-width: 0;
  }
  .card {
    border: 1px solid var(--vscode-widget-border, var(--vscode-contrastBorder, var(--vscode-panel-border)));
    border-radius: 4px;
    background: var(--vscode-editorWidget-background);
    padding: 12px 16px;
  }
  table {
    border-collapse: collapse;
    width: 100%;
  }
  th {
    text-align: start;
    font-weight: 600;
    color: var(--vscode-descriptionForeground);
    border-bottom: 1px solid var(--vscode-panel-border, var(--vscode-contrastBorder));
  }
  th,
  td {
    padding: 4px 10px 4px 0;
    vertical-align: middle;
  }
  tbody tr + tr td {
    border-top: 1px solid var(--vscode-panel-border, var(--vscode-contrastBorder, transparent));
  }
  .number {
    text-align: end;
    font-variant-numeric: tabular-nums;
  }
  .clip {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  button.plain {
    background: none;
    border: 0;
    padding: 0;
    color: inherit;
    font: inherit;
    cursor: pointer;
    text-align: start;
  }
  button.plain:focus-visible {
    outline: 1px solid var(--vscode-focusBorder);
    outline-offset: 2px;
  }
  .visually-hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  vscode-text-field,
  vscode-dropdown {
    min-width: 0;
  }
  /* The border that some themes give buttons is the primary one's: on a secondary button it shouts. */
  vscode-button[appearance='secondary'] {
    --button-border: var(--vscode-button-secondaryBorder, var(--vscode-contrastBorder, transparent));
  }
  select {
    height: 26px;
    min-width: 0;
    max-width: 100%;
    padding: 0 4px;
    color: var(--vscode-dropdown-foreground);
    background: var(--vscode-dropdown-background);
    border: 1px solid var(--vscode-dropdown-border, var(--vscode-contrastBorder, transparent));
    border-radius: 2px;
    font: inherit;
  }
  select:focus-visible {
    outline: 1px solid var(--vscode-focusBorder);
    outline-offset: -1px;
  }
  select:disabled {
    opacity: 0.5;
  }
`;
