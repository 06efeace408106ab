/** `name` as MySQL wants an identifier quoted. A file of its own: who only writes SQL need not load a driver. */
export function identifier(name: string): string {
  return '`' + name.replaceAll('`', '``') + '`';
}
