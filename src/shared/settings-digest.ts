/** What names a task or says where it connects: a file has it unresolved, and an engine resolved. */
const elsewhere = new Set([
  '$schema',
  'version',
  'id',
  'name',
  'tag',
  'source',
  'destination',
  'alerts',
  'keepRunning',
  'ignoredChecks',
]);

/**
 * A short mark of each setting of a task by its key, so that those of a file and those that a run goes by can be
 * compared without sending either. Settings that hold variables have none: what they come to is known to one side only.
 */
export function settingsDigest(task: object): Record<string, string> {
  return digests(task, (key) => !elsewhere.has(key));
}

/** The same of the connections and alerts, as a file has them. */
export function connectionsDigest(file: object): Record<string, string> {
  return digests(file, (key) => key === 'source' || key === 'destination' || key === 'alerts', true);
}

/** Keys that have another mark in each of the two; one that only one of them has tells nothing. */
export function differingKeys(a: Record<string, string>, b: Record<string, string>): string[] {
  return Object.keys(a).filter((key) => b[key] !== undefined && a[key] !== b[key]);
}

function digests(of: object, isWanted: (key: string) => boolean, withVariables = false) {
  const marks: Record<string, string> = {};
  for (const [key, value] of Object.entries(of)) {
    if (!isWanted(key)) continue;
    const text = canonical(value);
    if (withVariables || !text.includes('${')) marks[key] = mark(text);
  }
  return marks;
}

/** The same text for the same value, whatever the order of its keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value ?? null, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** 53 bits (cyrb53): two texts that differ by accident have different ones. */
function mark(text: string): string {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return (4294967296 * (2097151 & low) + (high >>> 0)).toString(36);
}
