import {
  Checkbox,
  provideVSCodeDesignSystem,
  TextArea,
  TextField,
  vsCodeButton,
  vsCodeCheckbox,
  vsCodeDropdown,
  vsCodeLink,
  vsCodeOption,
  vsCodeTextArea,
  vsCodeTextField,
} from '@vscode/webview-ui-toolkit';

/** The toolkit writes “Text field” over a label that is only for screen readers: theirs stays. */
for (const control of [TextField, TextArea, Checkbox]) {
  const { prototype } = control as unknown as { prototype: HTMLElement & { connectedCallback(): void } };
  const connected = prototype.connectedCallback;
  prototype.connectedCallback = function () {
    const label = this.getAttribute('aria-label');
    connected.call(this);
    if (label !== null) this.setAttribute('aria-label', label);
  };
}

/** The controls that pages are made of; registered once a page. Badge and progress ring write style attributes, which the CSP forbids. */
provideVSCodeDesignSystem().register(
  vsCodeButton(),
  vsCodeCheckbox(),
  vsCodeDropdown(),
  vsCodeLink(),
  vsCodeOption(),
  vsCodeTextArea(),
  vsCodeTextField(),
);

/** The value of a control whose event this is. */
export function valueOf(event: Event): string {
  return (event.target as HTMLInputElement).value;
}

export function checkedOf(event: Event): boolean {
  return (event.target as HTMLInputElement).checked;
}
