import { css } from 'lit';

/** The look that panels share: a heading with actions, sections, folding items. */
export const panel = css`
  main {
    max-width: 1100px;
    margin: 0 auto;
    padding: 0 28px 48px;
  }
  header {
    position: sticky;
    top: 0;
    z-index: 2;
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
    align-items: center;
    padding: 16px 0 12px;
    background: var(--vscode-editor-background);
    border-bottom: 1px solid var(--vscode-panel-border, var(--vscode-contrastBorder, transparent));
  }
  header > .grow {
    flex: 1 1 220px;
  }
  header vscode-button {
    flex: none;
    white-space: nowrap;
  }
  section {
    padding-top: 22px;
  }
  section h2 {
    margin-bottom: 8px;
  }
  .rate {
    display: flex;
    align-items: baseline;
    gap: 12px;
    padding-top: 18px;
  }
  .figure {
    font-size: 2em;
    font-weight: 600;
    font-variant-numeric: tabular-nums;
  }
  .problem {
    margin-top: 18px;
    border-color: var(--vscode-inputValidation-errorBorder);
  }
  .item {
    border-top: 1px solid var(--vscode-panel-border, var(--vscode-contrastBorder, transparent));
    padding: 8px 0;
  }
  .item > button {
    width: 100%;
  }
  .item .title {
    flex: none;
  }
  .details {
    padding: 8px 0 4px 24px;
  }
  dl {
    display: grid;
    grid-template-columns: max-content 1fr;
    gap: 4px 16px;
    margin: 0 0 10px;
  }
  dt {
    color: var(--vscode-descriptionForeground);
  }
  dd {
    margin: 0;
    overflow-wrap: anywhere;
    white-space: pre-wrap;
  }
  .details > .fixes,
  .details > .field {
    margin-bottom: 10px;
  }
  .sql {
    display: flex;
    gap: 8px;
    align-items: start;
    margin-bottom: 10px;
  }
  pre {
    flex: 1;
    margin: 0;
    padding: 8px 10px;
    overflow: auto;
    background: var(--vscode-textCodeBlock-background);
    border: 1px solid var(--vscode-contrastBorder, transparent);
    border-radius: 3px;
    white-space: pre-wrap;
    overflow-wrap: anywhere;
  }
  pre:focus-visible {
    outline: 1px solid var(--vscode-focusBorder);
  }
  .figures {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(150px, 1fr));
    gap: 12px;
    padding-top: 18px;
  }
  .figures .card {
    padding: 10px 14px;
  }
  .figures .figure {
    display: block;
    font-size: 1.5em;
  }
  .scroll {
    overflow: auto;
    max-height: 60vh;
  }
  @media (max-width: 560px) {
    main {
      padding: 0 14px 32px;
    }
    dl {
      grid-template-columns: minmax(0, 1fr);
      gap: 0;
    }
    dd {
      margin-bottom: 6px;
    }
    .details {
      padding-inline-start: 24px;
    }
    .sql {
      flex-wrap: wrap;
    }
    .item .title {
      flex: 0 1 auto;
    }
  }
`;
