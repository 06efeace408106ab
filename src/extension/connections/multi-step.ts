import * as vscode from 'vscode';

/** One question of a short dialogue. Exactly one answer leads on; the back button returns to the one before. */
export interface TextStep {
  kind: 'text';
  prompt: string;
  value?: string;
  placeholder?: string;
  password?: boolean;
  /** The text is a path: it can also be chosen. */
  file?: boolean;
  /** What is wrong with the text, or undefined. */
  validate?: (text: string) => string | undefined;
  accept: (text: string) => void;
}
export interface PickStep {
  kind: 'pick';
  prompt: string;
  items: (vscode.QuickPickItem & { value: string })[];
  value?: string;
  accept: (value: string) => void;
}
export type Step = TextStep | PickStep;

const back = Symbol('back');

/**
 * Asks step after step, in the title "TITLE (2/5)". `steps` is asked again before every question, so that an answer
 * may change what follows. Throws CancellationError when the person leaves.
 */
export async function ask(title: string, steps: () => Step[]): Promise<void> {
  let index = 0;
  for (;;) {
    const list = steps();
    const step = list[index];
    if (!step) return;
    const heading = `${title} (${index + 1}/${list.length})`;
    const answer =
      step.kind === 'text' ? await text(heading, step, index > 0) : await pick(heading, step, index > 0);
    if (answer === back) index--;
    else {
      step.accept(answer);
      index++;
    }
  }
}

function text(title: string, step: TextStep, canGoBack: boolean): Promise<string | typeof back> {
  const input = vscode.window.createInputBox();
  input.title = title;
  input.prompt = step.prompt;
  input.value = step.value ?? '';
  input.placeholder = step.placeholder ?? '';
  input.password = step.password ?? false;
  input.ignoreFocusOut = true;
  input.onDidChangeValue(() => (input.validationMessage = ''));
  const browse: vscode.QuickInputButton = {
    iconPath: new vscode.ThemeIcon('folder-opened'),
    tooltip: vscode.l10n.t('Choose a File…'),
  };
  input.onDidTriggerButton(async (button) => {
    if (button !== browse) return;
    const [chosen] = (await vscode.window.showOpenDialog({ title: step.prompt })) ?? [];
    if (chosen) input.value = chosen.fsPath;
    input.show();
  });
  return answered(input, canGoBack, step.file ? [browse] : [], (accept) => {
    const problem = step.validate?.(input.value);
    if (problem === undefined) accept(input.value);
    else input.validationMessage = problem;
  });
}

function pick(title: string, step: PickStep, canGoBack: boolean): Promise<string | typeof back> {
  const list = vscode.window.createQuickPick<vscode.QuickPickItem & { value: string }>();
  list.title = title;
  list.placeholder = step.prompt;
  list.items = step.items;
  list.activeItems = step.items.filter((item) => item.value === step.value);
  list.ignoreFocusOut = true;
  return answered(list, canGoBack, [], (accept) => {
    const [chosen] = list.selectedItems;
    if (chosen) accept(chosen.value);
  });
}

function answered(
  input: vscode.InputBox | vscode.QuickPick<vscode.QuickPickItem & { value: string }>,
  canGoBack: boolean,
  more: readonly vscode.QuickInputButton[],
  onAccept: (accept: (answer: string) => void) => void,
): Promise<string | typeof back> {
  return new Promise<string | typeof back>((settle, fail) => {
    input.buttons = [...(canGoBack ? [vscode.QuickInputButtons.Back] : []), ...more];
    input.onDidTriggerButton((button) => {
      if (button === vscode.QuickInputButtons.Back) settle(back);
    });
    input.onDidAccept(() => onAccept(settle));
    input.onDidHide(() => fail(new vscode.CancellationError()));
    input.show();
  }).finally(() => input.dispose());
}
