import { css } from 'lit';

export const form = css`
  .frame {
    display: grid;
    grid-template-columns: 190px minmax(0, 1fr);
    grid-template-rows: minmax(0, 1fr);
    height: 100vh;
  }
  nav {
    padding: 20px 8px 20px 16px;
    border-inline-end: 1px solid var(--vscode-panel-border, var(--vscode-contrastBorder, transparent));
    overflow: auto;
  }
  nav a {
    display: flex;
    gap: 8px;
    align-items: center;
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
  header vscode-button {
    flex: none;
    white-space: nowrap;
  }
  section {
    padding-top: 26px;
    max-width: 1060px;
    scroll-margin-top: 60px;
  }
  .broken > section {
    filter: grayscale(1);
    opacity: 0.55;
  }
  .broken-text {
    flex: 1;
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
  .pair.wide-second {
    grid-template-columns: 1fr 1fr;
  }
  .pair .field {
    margin-bottom: 4px;
  }
  /* Beside fields that bring their own label, those of the toolkit. */
  .card .label,
  .pair .label {
    margin-bottom: 2px;
    font-weight: normal;
    line-height: normal;
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
    grid-template-columns: repeat(auto-fit, minmax(220px, 1fr));
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
    color: var(--vscode-descriptionForeground);
  }
  .wide,
  .field > vscode-dropdown {
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
  .objects > .card {
    min-width: 0;
  }
  .objects .title {
    min-height: 26px;
    margin-bottom: 6px;
  }
  .title h3 {
    margin: 0;
  }
  .search {
    flex: 0 1 190px;
  }
  .search.grow {
    flex: 1 1 auto;
  }
  .found {
    margin-top: 8px;
  }
  .empty {
    margin: 12px 0 4px;
  }
  rf-rows {
    display: block;
    margin-top: 6px;
  }
  .line > .icon,
  .line > .mark,
  .line > .tick,
  .line > .twist {
    flex: none;
    margin-inline-end: 6px;
  }
  .line .icon {
    display: block;
  }
  .tick,
  .twist {
    cursor: pointer;
  }
  .tick {
    color: var(--vscode-checkbox-foreground, inherit);
  }
  .line[aria-disabled='true'] .tick {
    opacity: 0.5;
    cursor: default;
  }
  .line .hint {
    white-space: nowrap;
  }
  .line .clip {
    min-width: 3em;
  }
  .line > .grow.clip,
  .line > button.grow {
    cursor: pointer;
  }
  /* All of it, whatever else there is room for. */
  .line > .whole-name {
    flex: 1 0 auto;
    margin-inline-end: 6px;
  }
  .indent {
    flex: none;
    width: 22px;
  }
  .leaf {
    padding-inline-start: 44px;
  }
  /* A name is the last to be cut. */
  .line > .notes {
    flex: 0 1000 auto;
    min-width: 0;
    margin-inline-start: 6px;
  }
  .rename {
    flex: 0 1 150px;
    min-width: 80px;
  }
  .exclude {
    flex: 0 1000 170px;
    min-width: 40px;
    margin-inline-end: 6px;
  }
  .line > .remove {
    flex: none;
    display: flex;
    align-items: center;
    justify-content: center;
    width: 24px;
    height: 24px;
    margin-inline-start: 4px;
    border-radius: 5px;
  }
  .line > .remove:hover {
    background: var(--vscode-toolbar-hoverBackground);
    outline: 1px dotted var(--vscode-contrastActiveBorder, transparent);
    outline-offset: -1px;
  }
  .line vscode-button {
    flex: none;
    margin-inline-start: 2px;
  }
  .columns,
  .keys,
  .plan,
  .names {
    flex: 1;
    display: grid;
    gap: 10px;
    align-items: center;
    min-width: 0;
  }
  .columns {
    grid-template-columns: minmax(0, 3fr) minmax(0, 3fr) minmax(0, 4fr) 5.5em;
  }
  .columns > span:last-child {
    text-align: center;
  }
  .keys {
    grid-template-columns: minmax(0, 3fr) 11em minmax(0, 6fr) minmax(0, 3fr);
  }
  .plan {
    grid-template-columns: minmax(0, 3fr) minmax(0, 3fr) minmax(0, 5fr) 5em;
  }
  .names {
    grid-template-columns: minmax(0, 1fr) minmax(0, 1fr) minmax(0, 1fr);
  }
  .changed {
    font-weight: 600;
  }
  .head {
    padding: 0 0 2px;
    color: var(--vscode-descriptionForeground);
    font-weight: 600;
    border-bottom: 1px solid var(--vscode-panel-border, var(--vscode-contrastBorder, transparent));
  }
  .head + rf-rows {
    margin-top: 0;
  }
  .keys .icon {
    display: inline;
    vertical-align: text-bottom;
  }
  .picks select {
    flex: 0 1 auto;
    width: 11em;
  }
  .picks .hint {
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .tools {
    margin: 10px 0 8px;
  }
  .tools h3 {
    margin: 0 8px 0 0;
  }
  .tools vscode-dropdown {
    min-width: 14em;
  }
  .batch {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(130px, 1fr));
    gap: 10px;
    align-items: end;
    margin-bottom: 8px;
  }
  .batch vscode-text-field,
  .batch vscode-dropdown {
    width: 100%;
  }
  .above {
    margin-bottom: 2px;
  }
  .foot {
    margin-top: 10px;
  }
  .operations {
    margin-bottom: 12px;
  }
  .operations .label {
    margin: 0 8px 0 0;
  }
  details {
    margin-top: 6px;
  }
  summary {
    padding: 4px 0;
    cursor: pointer;
    color: var(--vscode-textLink-foreground);
  }
  summary:focus-visible {
    outline: 1px solid var(--vscode-focusBorder);
  }
  .summary {
    margin: 0 0 10px;
    padding-inline-start: 20px;
  }
  .differs {
    font-weight: 600;
    background: var(--vscode-diffEditor-insertedTextBackground, transparent);
    outline: 1px solid var(--vscode-diffEditor-insertedTextBorder, transparent);
    outline-offset: -1px;
  }
  tr.before td,
  tr.before th {
    color: var(--vscode-descriptionForeground);
    border-bottom: 0;
  }
  .preview tr:not(.before) > th[scope] {
    border-bottom: 0;
  }
  tbody tr.before + tr td {
    border-top: 0;
  }
  input[type='checkbox'] {
    appearance: none;
    width: 16px;
    height: 16px;
    margin: 0;
    line-height: 14px;
    text-align: center;
    vertical-align: middle;
    color: var(--vscode-checkbox-foreground, var(--vscode-foreground));
    background: var(--vscode-checkbox-background);
    border: 1px solid var(--vscode-checkbox-border, var(--vscode-contrastBorder));
    border-radius: 3px;
  }
  input[type='checkbox']:checked::before {
    content: '✓';
  }
  input[type='checkbox']:focus-visible {
    outline: 1px solid var(--vscode-focusBorder);
  }
  header .grow {
    display: flex;
    align-items: center;
    gap: 12px;
  }
  header .name {
    flex: 0 1 16em;
    min-width: 8em;
  }
  h3 ~ .fields + h3 {
    margin-top: 8px;
  }
  .details {
    margin-top: 14px;
  }
  rf-batch,
  rf-table-details {
    display: block;
    scroll-margin-top: 60px;
  }
  .details:focus-visible {
    outline: 1px solid var(--vscode-focusBorder);
  }
  .details h3 {
    margin: 0;
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
  .banner .fixes {
    padding: 4px 0 8px;
  }
  .banner {
    margin: 14px 0;
    padding: 8px 12px;
    border: 1px solid var(--vscode-inputValidation-warningBorder, var(--vscode-contrastBorder));
    background: var(--vscode-inputValidation-warningBackground, transparent);
    border-radius: 4px;
  }
  @media (max-width: 760px) {
    .frame {
      grid-template-columns: minmax(0, 1fr);
      grid-template-rows: auto minmax(0, 1fr);
    }
    nav {
      display: flex;
      gap: 2px;
      padding: 6px 10px;
      border-inline-end: 0;
      border-bottom: 1px solid var(--vscode-panel-border, var(--vscode-contrastBorder, transparent));
      white-space: nowrap;
    }
    nav a {
      margin: 0;
    }
    main {
      padding: 0 14px 40px;
    }
    header {
      flex-wrap: wrap;
      gap: 8px;
      padding: 10px 0;
    }
    header .grow {
      flex: 1 1 100%;
    }
    .keys {
      grid-template-columns: minmax(0, 3fr) 6.5em minmax(0, 4fr) 1.5em;
      gap: 6px;
    }
    .keys.head > span {
      overflow: hidden;
      text-overflow: ellipsis;
      white-space: nowrap;
    }
    .line > .hint.mark {
      display: none;
    }
    .objects {
      grid-template-columns: minmax(0, 1fr);
    }
  }
`;
