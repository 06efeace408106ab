import { parseArgs } from 'node:util';

/** The arguments of a run that is random by its seed. Ends the process with 2 when they are wrong. */
export function seeded(
  name: string,
  defaultMinutes: string,
): { seed: number; untilMs: number; began: number } {
  const began = Date.now();
  const wrong = (): never => {
    console.error(`Usage: npm run ${name} [-- --seed N --minutes N]`);
    process.exit(2);
  };
  const parse = () => {
    try {
      return parseArgs({
        options: {
          seed: { type: 'string', default: '1' },
          minutes: { type: 'string', default: defaultMinutes },
        },
      }).values;
    } catch {
      return wrong();
    }
  };
  const values = parse();
  const [seed, minutes] = [Number(values.seed), Number(values.minutes)];
  if (!Number.isInteger(seed) || !(minutes >= 0)) wrong();
  return { seed, untilMs: began + minutes * 60_000, began };
}
