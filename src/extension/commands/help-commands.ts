import { isErrorCode } from '../../shared/error-pages.js';
import { sectionOf } from '../../shared/setting-pages.js';
import { showHelp } from '../base/help.js';
import type { Commands } from './register.js';

/** Pages about codes and settings. */
export function helpCommands(): Commands {
  return {
    'docs.errors': (code) => showHelp(typeof code === 'string' && isErrorCode(code) ? code : 'errors'),
    'docs.settings': (path) => showHelp(typeof path === 'string' ? sectionOf(path) : 'settings'),
  };
}
