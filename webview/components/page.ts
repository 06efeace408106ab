import './theme.js';

/** The frame that VS Code gives a page has a margin; ours fill it. Adopted, because the CSP lets no <style> in. */
const sheet = new CSSStyleSheet();
sheet.replaceSync(
  'html { background: var(--vscode-editor-background); } body { padding: 0; margin: 0; height: 100vh; overflow: auto; }',
);
document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
