/** Before a tool's name in package.json, where the tools of all extensions meet. By itself: activation loads no tool. */
export const toolPrefix = 'rowferry_';
