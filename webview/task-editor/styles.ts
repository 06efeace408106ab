import { css } from 'lit';

export const form = css`
  .frame {
    display: grid;
    grid-template-columns: 190px minmax(0, 1fr);
    height: 100vh;
  }
  nav {
    padding: 20px 8px 20px 16px;
    border-inline-end: 1px solid var(--vscode-panel-border, var(--vscode-contrastBorder, transparent));
    overflow: auto;
  }
  nav a {
    display: flex;
    justify-content: space-between;
    padding: 5px 10px;
    margin-bottom: 2px;
    border-radius: 4px;
    color: var(--vscode-foreground);
    text-decoration: none;
    cursor: pointer;
  }
  nav a:hover {
    background: var(--vscode-list-hoverBackground);
  }
  nav a[aria-current='true'] {
    background: var(--vscode-list-inactiveSelectionBackground);
    color: var(--vscode-list-inactiveSelectionForeground, var(--vscode-foreground));
    outline: 1px solid var(--vscode-contrastActiveBorder, transparent);
    outline-offset: -1px;
  }
  nav a:focus-visible {
    outline: 1px solid var(--vscode-focusBorder);
    outline-offset: -1px;
  }
  main {
    overflow: auto;
    padding: 0 28px 60px;
    scroll-behavior: smooth;
  }
  header {
    position: sticky;
    top: 0;
    z-index: 2;
    display: flex;
    align-items: center;
    gap: 12px;
    padding: 16px 0 12px;
    background: var(--vscode-editor-background);
    border-bottom: 1px solid var(--vscode-panel-border, var(--vscode-contrastBorder, transparent));
  }
  header .state {
    color: var(--vscode-descriptionForeground);
  }
  section {
    padding-top: 26px;
    max-width: 1060px;
    scroll-margin-top: 60px;
  }
  section > .lead {
    margin-bottom: 12px;
  }
  .two {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(300px, 1fr));
    gap: 16px;
  }
  .pair {
    display: grid;
    grid-template-columns: 1fr 110px;
    gap: 12px;
  }
  .card h3 {
    margin-bottom: 8px;
  }
  .field {
    margin: 10px 0 14px;
  }
  .fields {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(300px, 1fr));
    column-gap: 28px;
  }
  .switches {
    margin-top: 12px;
  }
  .label {
    font-weight: 600;
    margin-bottom: 4px;
  }
  .help {
    margin-top: 3px;
    font-size: 0.92em;
  }
  .field.switch .help {
    margin-top: 0;
    padding-inline-start: 27px;
  }
  .field[data-idle] .label {
    color: var(--vscode-disabledForeground);
  }
  .wide,
  .field vscode-dropdown {
    width: 100%;
  }
  .narrow {
    width: 9em;
    min-width: 0;
  }
  .objects {
    display: grid;
    grid-template-columns: minmax(240px, 2fr) minmax(0, 3fr);
    gap: 16px;
    align-items: start;
  }
  .pane {
    max-height: 460px;
    overflow: auto;
  }
  .selected {
    content-visibility: auto;
    contain-intrinsic-size: auto 40px;
    border-top: 1px solid var(--vscode-panel-border, var(--vscode-contrastBorder, transparent));
    padding: 6px 0;
  }
  .selected .row {
    flex-wrap: nowrap;
  }
  .selected .hint {
    white-space: nowrap;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .selected button .clip {
    flex: none;
    max-width: 60%;
  }
  .selected vscode-text-field {
    flex: 0 1 170px;
  }
  .source-list vscode-button {
    flex: none;
  }
  .source-list .source-list {
    padding-inline-start: 26px;
  }
  header .grow {
    display: flex;
    align-items: center;
    gap: 12px;
  }
  header .name {
    width: 16em;
  }
  h3 ~ .fields + h3 {
    margin-top: 8px;
  }
  .details {
    padding: 8px 0;
    overflow: auto;
  }
  .details table vscode-text-field,
  .details table vscode-dropdown {
    width: 100%;
    min-width: 7em;
  }
  .details th:last-child {
    width: 4.5em;
  }
  .details vscode-text-field.wide {
    width: 100%;
  }
  .source-list {
    list-style: none;
    margin: 8px 0 0;
    padding: 0;
  }
  .source-list li {
    content-visibility: auto;
    contain-intrinsic-size: auto 26px;
  }
  .source-list .row {
    flex-wrap: nowrap;
  }
  textarea.script {
    width: 100%;
    min-height: 9em;
    resize: vertical;
    padding: 8px;
    color: var(--vscode-input-foreground);
    background: var(--vscode-input-background);
    border: 1px solid var(--vscode-input-border, var(--vscode-contrastBorder, transparent));
    font-family: var(--vscode-editor-font-family, monospace);
    font-size: var(--vscode-editor-font-size);
  }
  textarea.script:focus {
    outline: 1px solid var(--vscode-focusBorder);
    outline-offset: -1px;
  }
  textarea.script[aria-invalid='true'] {
    border-color: var(--vscode-inputValidation-errorBorder);
  }
  .preview {
    overflow: auto;
    max-height: 340px;
    margin-top: 8px;
  }
  .preview td,
  .preview th {
    max-width: 24em;
    white-space: nowrap;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .banner {
    margin-top: 14px;
    padding: 8px 12px;
    border: 1px solid var(--vscode-inputValidation-warningBorder, var(--vscode-contrastBorder));
    background: var(--vscode-inputValidation-warningBackground, transparent);
    border-radius: 4px;
  }
  .numbered {
    display: inline-block;
    min-width: 1.4em;
    text-align: center;
    border-radius: 3px;
    background: var(--vscode-badge-background);
    color: var(--vscode-badge-foreground);
  }
  @media (max-width: 760px) {
    .frame {
      grid-template-columns: minmax(0, 1fr);
    }
    nav {
      display: none;
    }
    .objects {
      grid-template-columns: minmax(0, 1fr);
    }
  }
`;
