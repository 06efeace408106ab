import { basename } from 'node:path';
import type * as vscode from 'vscode';
import { allErrorsPage, errorPage, isErrorCode } from '../../shared/error-pages.js';
import { settingsPage } from '../../shared/setting-pages.js';
import { retell } from '../base/retell.js';

/** Of the pages that showHelp() shows: that of a code, of all codes, of a section of the settings, else of all settings. */
export function helpPage(uri: vscode.Uri): string {
  const name = basename(uri.path, '.md');
  if (isErrorCode(name)) return errorPage(name, retell);
  return name === 'errors' ? allErrorsPage(retell) : settingsPage(name);
}
