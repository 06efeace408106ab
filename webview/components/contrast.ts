/** Contrast of colours, by WCAG 2.2. Pure. */

/** Red, green and blue from 0 to 255, opacity from 0 to 1. */
export type Colour = readonly [red: number, green: number, blue: number, opacity: number];

/** `#rgb`, `#rrggbb`, `#rrggbbaa`, `rgb()` and `rgba()`, as VS Code gives colours to pages. null: another way to write one. */
export function parseColour(text: string): Colour | null {
  const hex = /^#([0-9a-f]{3,8})$/i.exec(text.trim())?.[1];
  if (hex) {
    const digits = hex.length < 6 ? [...hex].map((digit) => digit + digit).join('') : hex;
    if (digits.length !== 6 && digits.length !== 8) return null;
    const byte = (at: number) => parseInt(digits.slice(at, at + 2), 16);
    return [byte(0), byte(2), byte(4), digits.length === 8 ? byte(6) / 255 : 1];
  }
  const parts = /^rgba?\(([^)]+)\)$/i
    .exec(text.trim())?.[1]
    ?.split(/[\s,/]+/)
    .map(Number);
  if (!parts || parts.length < 3 || parts.some(Number.isNaN)) return null;
  return [parts[0]!, parts[1]!, parts[2]!, parts[3] ?? 1];
}

/** What is seen of a colour that lies on an opaque one. */
function over(top: Colour, below: Colour): Colour {
  const part = (at: 0 | 1 | 2) => top[at] * top[3] + below[at] * (1 - top[3]);
  return [part(0), part(1), part(2), 1];
}

/** From 1 (the same) to 21 (black on white); `top` may be translucent, `below` is opaque. */
export function contrast(top: Colour, below: Colour): number {
  const [a, b] = [luminance(over(top, below)), luminance(below)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

function luminance([red, green, blue]: Colour): number {
  const linear = (value: number) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

/**
 * The colour, mixed with as little black or white as gives it the contrast `least` on each of the backgrounds. Where no
 * mixture does (backgrounds of both kinds), the better of black and white.
 */
export function legible(colour: Colour, backgrounds: readonly Colour[], least: number): Colour {
  const weakest = (one: Colour) => Math.min(...backgrounds.map((below) => contrast(one, below)));
  if (weakest(colour) >= least) return colour;
  const [black, white]: Colour[] = [
    [0, 0, 0, 1],
    [255, 255, 255, 1],
  ];
  const end = weakest(black!) > weakest(white!) ? black! : white!;
  const seen = backgrounds[0] ? over(colour, backgrounds[0]) : colour;
  for (let share = 0.05; share < 1; share += 0.05) {
    const mixed = over([end[0], end[1], end[2], share], seen);
    if (weakest(mixed) >= least) return mixed;
  }
  return end;
}

export function cssColour([red, green, blue, opacity]: Colour): string {
  return `rgb(${Math.round(red)} ${Math.round(green)} ${Math.round(blue)} / ${opacity})`;
}
