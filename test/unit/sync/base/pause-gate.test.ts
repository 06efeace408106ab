import { describe, expect, it } from 'vitest';
import { PauseGate } from '../../../../src/sync/base/pause-gate.js';

class Stream {
  isPaused = false;
  pause() {
    this.isPaused = true;
  }
  resume() {
    this.isPaused = false;
  }
}

describe('PauseGate', () => {
  it('lets a stream go on when the last reason is over, whichever came first', () => {
    const gate = new PauseGate();
    const stream = new Stream();
    gate.lead(stream);
    const [first, second] = [gate.hold('asked for'), gate.hold('asked for')];
    first();
    first();
    expect(stream.isPaused).toBe(true);
    expect(gate.isHeldFor('asked for')).toBe(true);
    expect(gate.isHeldFor('full')).toBe(false);
    second();
    expect([stream.isPaused, gate.isHeld, gate.isHeldFor('asked for')]).toEqual([false, false, false]);
  });

  it('holds the next stream as the one before', () => {
    const gate = new PauseGate();
    const release = gate.hold('full');
    const stream = new Stream();
    gate.lead(stream);
    expect(stream.isPaused).toBe(true);
    release();
    expect(stream.isPaused).toBe(false);
  });

  it('is held with the gate above, and for itself', () => {
    const above = new PauseGate();
    const [one, two] = [new PauseGate(above), new PauseGate(above)];
    const [first, second] = [new Stream(), new Stream()];
    one.lead(first);
    two.lead(second);
    const release = above.hold('full');
    const own = one.hold('waits');
    expect([first.isPaused, second.isPaused, two.isHeld, two.isHeldFor('full')]).toEqual([
      true,
      true,
      true,
      false,
    ]);
    release();
    expect([first.isPaused, second.isPaused]).toEqual([true, false]);
    own();
    expect(first.isPaused).toBe(false);
    two.close();
    above.hold('full');
    expect([first.isPaused, second.isPaused]).toEqual([true, false]);
  });
});
