import { createBirpc } from 'birpc';
import type { PageApi } from '../../src/shared/pages.js';
import { loadWords } from './words.js';

declare function acquireVsCodeApi(): { postMessage(message: unknown): void; setState(state: unknown): void };

/**
 * The extension behind this page: calls go out, states come in. `show` gets the newest state; the first comes after
 * `ready`, which this sends when the words of the reader's language are here.
 */
export function connectHost<Host extends { ready(): Promise<void> }, State>(
  show: (state: State) => void,
): Host {
  const vscode = acquireVsCodeApi();
  const functions: PageApi<State> = {
    init: (init) => {
      loadWords(init);
      document.documentElement.lang = init.language;
      if (init.restore !== null) vscode.setState(init.restore);
    },
    show,
  };
  const host = createBirpc<Host, PageApi<State>>(functions, {
    post: (message: unknown) => vscode.postMessage(message),
    // The frame around this one, of the same origin, passes on what the extension says; nobody else has a say.
    on: (receive) =>
      window.addEventListener('message', (event) => {
        if (event.origin === window.origin) receive(event.data);
      }),
    timeout: -1,
  }) as unknown as Host;
  void host.ready();
  return host;
}

/** What went wrong, in the words of the extension. */
export function messageOf(error: unknown): string {
  return error instanceof Error
    ? error.message
    : String((error as { message?: unknown } | null)?.message ?? error);
}
