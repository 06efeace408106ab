/** A wall clock that lags this far behind the monotonic one was set back meanwhile. */
const setBackMillis = 1000;

/**
 * How long ago it was made, ms, with the time for which this process or the machine stood still. The monotonic clock
 * goes on under a stopped process and may rest with a sleeping machine; the wall clock counts both, and can be set. So
 * the longer of the two counts, and Infinity when the wall clock was set back: then nobody knows.
 */
export class Elapsed {
  readonly #monotonic: number;
  readonly #wall: number;

  constructor(private readonly clocks: { monotonic(): number; wall(): number } = ownClocks) {
    this.#monotonic = clocks.monotonic();
    this.#wall = clocks.wall();
  }

  get millis(): number {
    const monotonic = this.clocks.monotonic() - this.#monotonic;
    const wall = this.clocks.wall() - this.#wall;
    return wall < monotonic - setBackMillis ? Infinity : Math.max(monotonic, wall);
  }
}

const ownClocks = { monotonic: () => performance.now(), wall: () => Date.now() };
