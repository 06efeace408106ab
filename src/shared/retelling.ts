/**
 * Says finished English texts again in another language. Engine, logs, alerts, support bundles and `--json` speak English
 * only, so that they can be searched and compared; whoever shows a text to a person retells it at that moment. What is
 * stored, and what another version of the engine says, is retold in the same way, and nothing has to know of it where a
 * sentence is made. Codes, not texts, decide: a text that no catalogue knows is shown as it is.
 */
export type Retell = (text: string) => string;

/** English sentences with {0}, {1} … where a value stands, and how the other language says them. */
export type Catalogue = Readonly<Record<string, string>>;

export const asItIs: Retell = (text) => text;

/** What reads texts back against the templates of a catalogue. Values are retold too, when they are sentences themselves. */
export function retelling(catalogue: Catalogue): Retell {
  const templates = Object.keys(catalogue)
    .filter((english) => placePattern.test(english))
    .map((english) => template(english, catalogue[english]!))
    // The one that says most itself is the one that was meant.
    .sort((a, b) => b.weight - a.weight);
  /** `missing` of `missing: {0}`: no name of a place in a file. */
  const ownLabels = new Set(templates.flatMap(({ parts }) => /^(\w+): /.exec(parts[0]!)?.[1] ?? []));
  const known = new Map<string, string | undefined>();

  const whole = (text: string): string | undefined => {
    if (Object.hasOwn(catalogue, text)) return catalogue[text];
    if (known.has(text)) return known.get(text);
    const said =
      labelled(text, 'name') ??
      listed(text, 'all') ??
      filled(text) ??
      ended(text) ??
      labelled(text, 'sentence') ??
      several(text) ??
      listed(text, 'some');
    if (known.size >= mostKnown) known.clear();
    known.set(text, said);
    return said;
  };

  const filled = (text: string): string | undefined => {
    for (const { parts, takes, said } of templates) {
      const values = valuesBetween(parts, text);
      if (values?.every((one) => takes.test(one) || filled(one) !== undefined))
        return said.replace(everyPlace, (mark, index: string, at: number) =>
          apart(said[at - 1], value(values[Number(index)] ?? ''), said[at + mark.length]),
        );
    }
    return undefined;
  };

  const clause = (text: string): string | undefined =>
    Object.hasOwn(catalogue, text) ? catalogue[text] : filled(text);

  /** `a is wrong, b is wrong`: items of a list may be sentences. */
  const listed = (text: string, known: 'all' | 'some'): string | undefined => {
    const items = text.split(', ');
    if (items.length < 2) return undefined;
    const said = items.map(clause);
    const isEnough = known === 'all' ? !said.includes(undefined) : said.some((one) => one !== undefined);
    return isEnough ? said.map((one, i) => one ?? items[i]).join(known === 'all' ? '；' : '、') : undefined;
  };

  /** A clause that was made a sentence: with a capital letter, a stop, or both. */
  const ended = (text: string): string | undefined => {
    const stopped = text.endsWith('.') ? text.slice(0, -1) : text;
    const said = (stopped === text ? undefined : clause(stopped)) ?? clause(uncapitalized(stopped));
    return said === undefined ? undefined : said + (stopped === text ? '' : '。');
  };

  /** `larger values in: a, b`, `etl: the string is not closed`: one of both is a sentence, the other may be a name. */
  const labelled = (text: string, by: 'name' | 'sentence'): string | undefined => {
    const at = text.indexOf(': ');
    if (at < 0) return undefined;
    const [label, rest] = [text.slice(0, at), text.slice(at + 2)];
    if (by === 'name' && (label.includes(' ') || ownLabels.has(label))) return undefined;
    const said = [clause(label), whole(rest)] as const;
    return said.every((one) => one === undefined) ? undefined : `${said[0] ?? label}：${said[1] ?? rest}`;
  };

  /** Sentences that stand behind one another; one that is not known stays as it is. */
  const several = (text: string): string | undefined => {
    const sentences = text.split(betweenSentences);
    if (sentences.length < 2) return undefined;
    const said = sentences.map((one) => whole(one) ?? whole(` ${one}`));
    if (said.every((one) => one === undefined)) return undefined;
    return said
      .map((one, i) => one ?? `${sentences[i]!} `)
      .join('')
      .trimEnd();
  };

  /** A single word is a name. */
  const value = (text: string): string => (text.includes(' ') ? (whole(text) ?? text) : text);

  return (text) => whole(text) ?? text;
}

const placePattern = /\{\d\}/;
const everyPlace = /\{(\d)\}/g;
const betweenSentences = /(?<=[.!?]) (?=[A-Z(])| (?=\(and \d)/;
/** Messages with figures in them are new ones again and again. */
const mostKnown = 2000;

interface Template {
  readonly weight: number;
  /** What stands around the values. */
  readonly parts: readonly string[];
  /** What a value must be. */
  readonly takes: RegExp;
  readonly said: string;
}

function template(english: string, said: string): Template {
  const parts = english.split(placePattern);
  const weight = parts.join('').length;
  return {
    weight,
    parts,
    // What says little itself would find itself in what a server said: it is for figures, or for names.
    takes: /^\{0\} [a-z]+$/.test(english) ? /^[\d.,]+$/ : weight < fewLetters ? /^\S+$/ : /^/,
    said,
  };
}

/** The shortest values, from the left; texts of servers are looked through once, however they are made. */
function valuesBetween(parts: readonly string[], text: string): string[] | undefined {
  const [first, ...others] = parts as [string, ...string[]];
  const last = others.pop()!;
  const end = text.length - last.length;
  if (!text.startsWith(first) || !text.endsWith(last)) return undefined;
  const values: string[] = [];
  let from = first.length;
  for (const part of others) {
    const to = text.indexOf(part, from);
    if (to < 0) return undefined;
    values.push(text.slice(from, to));
    from = to + part.length;
  }
  return from > end ? undefined : [...values, text.slice(from, end)];
}

/** Chinese and Latin letters stand apart. */
function apart(before: string | undefined, value: string, after: string | undefined): string {
  const isSplit = (a: string, b: string) => (han.test(a) && latin.test(b)) || (latin.test(a) && han.test(b));
  const left = isSplit(before ?? '', value.charAt(0)) ? ' ' : '';
  const right = isSplit(value.at(-1) ?? '', after ?? '') ? ' ' : '';
  return left + value + right;
}
const han = /\p{Script=Han}/u;
const latin = /[\w"'`]/;

const fewLetters = 7;
const uncapitalized = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);

/**
 * The same value with what it says to people retold: errors, checks and problems of a file, wherever they are in it.
 * Everything else stays, values of rows above all.
 */
export function retold<T>(value: T, retell: Retell): T {
  if (Array.isArray(value)) return value.map((one: unknown) => retold(one, retell)) as T;
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  const told = toldFields(value);
  return Object.fromEntries(
    Object.entries(value).map(([key, one]: [string, unknown]) => [
      key,
      told.includes(key) && typeof one === 'string' ? retell(one) : retold(one, retell),
    ]),
  ) as T;
}

function toldFields(value: object): readonly string[] {
  const keys = Object.keys(value);
  if (keys.includes('message') && keys.every((key) => problemFields.has(key))) return ['message', 'remedy'];
  if (checkFields.every((field) => keys.includes(field))) return checkFields;
  return [];
}

/** What an error, a problem of a file or a side that refused has beside its message. */
const problemFields = new Set(
  'code message remedy side offset length line column key severity within at beyondSchema'.split(' '),
);
const checkFields = ['title', 'expected', 'actual', 'why', 'fix'];
