/** What can be stopped and let go on; calling either again does nothing. */
interface Pausable {
  pause(): void;
  resume(): void;
}

/**
 * Whether streams may go on. Everybody who has a reason holds the gate, and releases it when that is over: what is held
 * for two reasons goes on when both are. A gate below another one is held whenever that one is.
 */
export class PauseGate {
  private readonly holds = new Set<{ readonly reason: string }>();
  private readonly below = new Set<PauseGate>();
  private steered: Pausable | null = null;

  constructor(private readonly above: PauseGate | null = null) {
    above?.below.add(this);
  }

  get isHeld(): boolean {
    return this.holds.size > 0 || (this.above?.isHeld ?? false);
  }

  /** By somebody, here, for this reason. */
  isHeldFor(reason: string): boolean {
    return [...this.holds].some((hold) => hold.reason === reason);
  }

  /** Gives what releases it; calling that again does nothing. */
  hold(reason: string): () => void {
    const hold = { reason };
    this.holds.add(hold);
    this.steer();
    return () => {
      if (this.holds.delete(hold)) this.steer();
    };
  }

  /** In place of the one before: it stands still from here on whenever the gate is held. */
  lead(stream: Pausable): void {
    this.steered = stream;
    this.steer();
  }

  /** The gate above is not to know it any more. */
  close(): void {
    this.above?.below.delete(this);
    this.steered = null;
  }

  private steer(): void {
    if (this.isHeld) this.steered?.pause();
    else this.steered?.resume();
    for (const gate of this.below) gate.steer();
  }
}
