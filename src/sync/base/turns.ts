/** So many may be at work at a time; the others wait, and go in the order in which they came. */
export class Turns {
  private working = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly most: number) {}

  /** How many are at work. */
  get taken(): number {
    return this.working;
  }

  /** Throws what `work` throws. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.working < this.most) this.working++;
    else await new Promise<void>((go) => this.waiting.push(go));
    try {
      return await work();
    } finally {
      // Its place goes on to the next.
      const next = this.waiting.shift();
      if (next) next();
      else this.working--;
    }
  }
}
