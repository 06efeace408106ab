import { cssColour, legible, parseColour, type Colour } from './contrast.js';

/**
 * Some colours of themes are too weak for text: those of icons and charts are meant for bigger things, and VS Code's own
 * light green is 2:1 on white. They are made as strong as WCAG AA asks for, whatever the theme; what is strong enough
 * stays as it is.
 */
const text = [
  'foreground',
  'descriptionForeground',
  'errorForeground',
  'editorWarning-foreground',
  'list-warningForeground',
  'testing-iconPassed',
  'input-placeholderForeground',
  'textLink-foreground',
  'charts-blue',
  'charts-green',
  'charts-orange',
  'charts-purple',
  'charts-yellow',
  'symbolIcon-functionForeground',
  'symbolIcon-fieldForeground',
  'symbolIcon-variableForeground',
  'symbolIcon-keyForeground',
  'debugTokenExpression-string',
  'debugTokenExpression-number',
];
const backgrounds = ['editor-background', 'editorWidget-background', 'input-background'];
/** WCAG 2.2: text (1.4.3), and the parts of a control that one has to see (1.4.11). */
const least = { text: 4.5, control: 3 };

const sheet = new CSSStyleSheet();
document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];

/** VS Code writes a theme's colours into the style of the root element. */
const { style } = document.documentElement;
const themed = (name: string): Colour | null => parseColour(style.getPropertyValue(`--vscode-${name}`));

function follow(): void {
  // One without a colour, or a translucent one, lets the editor's show through.
  const opaque = backgrounds.map(themed).filter((colour) => colour !== null && colour[3] === 1) as Colour[];
  const rules = text.flatMap((name) => {
    const colour = themed(name);
    return colour ? [`--vscode-${name}: ${cssColour(legible(colour, opaque, least.text))} !important;`] : [];
  });
  // High contrast has no colour for buttons: what is dragged there looks like text.
  const accent = themed('button-background') ?? themed('foreground');
  if (accent) rules.push(`--rf-handle: ${cssColour(legible(accent, opaque, least.control))};`);
  sheet.replaceSync(`:root { ${rules.join(' ')} }`);
}

new MutationObserver(follow).observe(document.documentElement, { attributeFilter: ['style'] });
follow();
