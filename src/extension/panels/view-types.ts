/** What the editor knows our pages by: it brings them back after a reload before any of their code is loaded. */

export const taskEditorViewType = 'rowferry.taskEditor';

export const panelNames = ['precheck', 'verify', 'monitor', 'dirty', 'rows', 'connection'] as const;
export type PanelName = (typeof panelNames)[number];

export const panelViewType = (name: PanelName) => `rowferry.${name}`;
