import { html, nothing, type TemplateResult } from 'lit';
import { fixLabel, type TaskFix } from '../../src/shared/task-fix.js';
import { placeOf } from '../task-editor/problem-places.js';
import { t } from './words.js';
import './toolkit.js';

/** So many have a button; with one of many tables each, the file or a rule is the better place. */
const most = 6;

/** A button for each remedy that is a change of the task; `document`, to call the tables by their names. */
export function fixButtons(
  fixes: readonly TaskFix[],
  press: (fix: TaskFix) => void,
  document?: unknown,
): TemplateResult | typeof nothing {
  if (fixes.length === 0) return nothing;
  return html`<div class="row fixes">
    ${fixes
      .slice(0, most)
      .map(
        (fix) =>
          html`<vscode-button appearance="secondary" @click=${() => press(fix)}
            >${fixLabel(fix, t, (key) => placeOf(key, document).label)}</vscode-button
          >`,
      )}
    ${fixes.length > most ? html`<span class="hint">${t('and {0} more', fixes.length - most)}</span>` : nothing}
  </div>`;
}
