/**
 * What another program said, for a sentence of ours: not longer than a paragraph, and without the characters that steer
 * a terminal or turn the direction of what follows.
 */
export function said(text: string): string {
  const shown = text.slice(0, most).replace(steering, (letter) => (/\s/.test(letter) ? ' ' : '\ufffd'));
  return text.length > most ? `${shown}…` : shown;
}

const most = 1000;
const steering = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
