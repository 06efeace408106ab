import { css } from 'lit';

/** A line above a page that says what is wrong with the whole of it, with what to do. */
export const bar = css`
  .bar {
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
    align-items: center;
    margin-top: 14px;
    padding: 8px 12px;
    border: 1px solid var(--vscode-inputValidation-warningBorder);
    border-radius: 4px;
    background: var(--vscode-inputValidation-warningBackground);
    color: var(--vscode-inputValidation-warningForeground, var(--vscode-foreground));
  }
  .grow {
    flex: 1 1 240px;
  }
`;
