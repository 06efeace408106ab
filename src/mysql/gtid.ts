/**
 * A GTID set: for each source (uuid, and from MySQL 8.3 a tag) the transaction numbers it holds, as closed
 * intervals. Text form as @@gtid_executed prints it (MySQL manual, "GTID Sets"); numbers reach 2^63 − 1.
 */
export class GtidSet {
  /** `uuid` or `uuid:tag` → intervals. */
  readonly #sources = new Map<string, Interval[]>();
  /** Printed intervals of the sources that did not change since: a stream prints the set after every transaction. */
  readonly #printed = new Map<string, string>();
  #text: string | undefined = '';

  /** Throws an Error on text that is not a GTID set. White space is allowed, as the server prints it. */
  static parse(text: string): GtidSet {
    const set = new GtidSet();
    for (const entry of text.split(',')) {
      const parts = entry.trim().split(':');
      if (parts.length === 1 && parts[0] === '') continue;
      const uuid = parts[0]!.trim().toLowerCase();
      if (!uuidPattern.test(uuid)) throw new Error(`not a GTID set: ${text}`);
      let source = uuid;
      for (const raw of parts.slice(1)) {
        const part = raw.trim();
        const range = /^(\d+)(?:-(\d+))?$/.exec(part);
        if (range) {
          const first = BigInt(range[1]!);
          set.#insert(source, first, range[2] === undefined ? first : BigInt(range[2]));
        } else if (tagPattern.test(part)) source = `${uuid}:${part.toLowerCase()}`;
        else throw new Error(`not a GTID set: ${text}`);
      }
    }
    return set;
  }

  /** Adds one transaction, `uuid:number` or `uuid:tag:number`. */
  add(gtid: string): void {
    const colon = gtid.lastIndexOf(':');
    this.#insert(gtid.slice(0, colon).toLowerCase(), BigInt(gtid.slice(colon + 1)));
  }

  contains(gtid: string): boolean {
    const colon = gtid.lastIndexOf(':');
    const number = BigInt(gtid.slice(colon + 1));
    const intervals = this.#sources.get(gtid.slice(0, colon).toLowerCase());
    return intervals?.some((one) => one.first <= number && number <= one.last) ?? false;
  }

  /** Is every transaction of `other` in this set? */
  containsSet(other: GtidSet): boolean {
    return other.minus(this).isEmpty;
  }

  /** What this set holds and `other` does not. */
  minus(other: GtidSet): GtidSet {
    const result = new GtidSet();
    for (const [source, intervals] of this.#sources) {
      const taken = other.#sources.get(source) ?? [];
      for (const { first, last } of intervals) {
        let from = first;
        for (const hole of taken) {
          if (hole.last < from) continue;
          if (hole.first > last) break;
          if (hole.first > from) result.#insert(source, from, hole.first - 1n);
          from = hole.last + 1n;
        }
        if (from <= last) result.#insert(source, from, last);
      }
    }
    return result;
  }

  /** Only the transactions that `uuid` itself began, tagged ones included. */
  ofServer(uuid: string): GtidSet {
    const result = new GtidSet();
    for (const [source, intervals] of this.#sources) {
      if (!source.startsWith(uuid.toLowerCase())) continue;
      for (const { first, last } of intervals) result.#insert(source, first, last);
    }
    return result;
  }

  /** The highest transaction of each source. */
  get heads(): string[] {
    return [...this.#sources].map(([source, intervals]) => `${source}:${intervals.at(-1)!.last}`);
  }

  /** Transactions in it. */
  get size(): number {
    let count = 0n;
    for (const intervals of this.#sources.values())
      for (const { first, last } of intervals) count += last - first + 1n;
    return Number(count);
  }

  get isEmpty(): boolean {
    return this.#sources.size === 0;
  }

  #insert(source: string, first: bigint, last: bigint = first): void {
    if (first < 1n || last < first) throw new Error(`not a GTID interval: ${first}-${last}`);
    this.#text = undefined;
    this.#printed.delete(source);
    const intervals = this.#sources.get(source);
    if (intervals === undefined) {
      this.#sources.set(source, [{ first, last }]);
      return;
    }
    const end = intervals.at(-1)!;
    if (first === end.last + 1n) {
      end.last = last;
      return;
    }
    let at = intervals.findIndex((one) => one.last + 1n >= first);
    if (at === -1) at = intervals.length;
    let until = at;
    const merged: Interval = { first, last };
    while (until < intervals.length && intervals[until]!.first <= last + 1n) {
      const one = intervals[until++]!;
      if (one.first < merged.first) merged.first = one.first;
      if (one.last > merged.last) merged.last = one.last;
    }
    intervals.splice(at, until - at, merged);
  }

  toString(): string {
    return (this.#text ??= this.#print());
  }

  #print(): string {
    // A uuid has a fixed length, so a tagged source sorts right behind the untagged one of its uuid.
    const sources = [...this.#sources.keys()].sort();
    let text = '';
    let uuid = '';
    for (const source of sources) {
      const intervals = this.#printIntervals(source);
      if (source.slice(0, 36) === uuid) text += `${source.slice(36)}:${intervals}`;
      else text += `${text ? ',' : ''}${source}:${intervals}`;
      uuid = source.slice(0, 36);
    }
    return text;
  }

  #printIntervals(source: string): string {
    let text = this.#printed.get(source);
    if (text === undefined) {
      text = this.#sources
        .get(source)!
        .map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`))
        .join(':');
      this.#printed.set(source, text);
    }
    return text;
  }
}

interface Interval {
  first: bigint;
  last: bigint;
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const tagPattern = /^[a-z_][a-z0-9_]{0,31}$/i;
