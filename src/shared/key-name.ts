/** A place in a file as people write it: `source.port`, `objects[0].tables[1].name`; empty for the file as a whole. */
export function keyName(path: readonly (string | number)[]): string {
  return path.reduce<string>((name, step) => {
    if (typeof step === 'number') return `${name}[${step}]`;
    const plain = /^[A-Za-z_$][\w$]*$/.test(step);
    return plain ? (name === '' ? step : `${name}.${step}`) : `${name}[${JSON.stringify(step)}]`;
  }, '');
}

/** Is the one the place of the other, or inside of it? */
export const isAtOrBelow = (key: string, place: string): boolean =>
  key === place || key.startsWith(`${place}.`) || key.startsWith(`${place}[`);
