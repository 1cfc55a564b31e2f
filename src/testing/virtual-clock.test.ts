import { describe, expect, it } from 'vitest';
import { VirtualClock } from './virtual-clock.js';

describe('VirtualClock', () => {
  it('fires timers in order of time, and equal ones in order of scheduling', async () => {
    const clock = new VirtualClock();
    const fired: string[] = [];
    clock.after(20, () => fired.push(`c at ${clock.now()}`));
    clock.after(10, () => fired.push(`a at ${clock.now()}`));
    clock.after(10, () => fired.push(`b at ${clock.now()}`));
    await clock.advance(15);
    expect(fired).toEqual(['a at 10', 'b at 10']);
    expect(clock.now()).toBe(15);
    await clock.advance(5);
    expect(fired).toEqual(['a at 10', 'b at 10', 'c at 20']);
  });

  it('fires a timer that a timer has scheduled', async () => {
    const clock = new VirtualClock();
    const at: number[] = [];
    clock.after(10, () => clock.after(10, () => at.push(clock.now())));
    await clock.advance(100);
    expect(at).toEqual([20]);
  });

  it('runs all promise jobs between two events', async () => {
    const clock = new VirtualClock();
    const order: string[] = [];
    const deep = async (levels: number): Promise<void> => {
      for (let level = 0; level < levels; level += 1) await null;
      order.push('promises');
    };
    clock.after(1, () => deep(200));
    clock.after(1, () => order.push('timer'));
    await clock.advance(1);
    expect(order).toEqual(['promises', 'timer']);
  });

  it('runs the promise jobs of the last event before it resolves', async () => {
    const clock = new VirtualClock();
    let done = false;
    clock.after(1, async () => {
      for (let level = 0; level < 50; level += 1) await null;
      done = true;
    });
    await clock.advance(1);
    expect(done).toBe(true);
  });

  it('does not fire what was cancelled, and counts what is pending', async () => {
    const clock = new VirtualClock();
    const fired: string[] = [];
    const timer = clock.after(1, () => fired.push('cancelled'));
    const turn = clock.afterTurn(() => fired.push('cancelled'));
    clock.after(2, () => fired.push('fired'));
    expect(clock.pendingTimers).toBe(3);
    timer.cancel();
    timer.cancel();
    turn.cancel();
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(10);
    expect(fired).toEqual(['fired']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('calls back after a turn without letting time pass', async () => {
    const clock = new VirtualClock();
    const at: number[] = [];
    clock.afterTurn(() => at.push(clock.now()));
    await clock.advance(0);
    expect(at).toEqual([0]);
  });

  it('lets the world go on while the loop is blocked, then timers, then deliveries, then turns', async () => {
    const clock = new VirtualClock();
    const order: string[] = [];
    const note = (what: string) => () => order.push(`${what} at ${clock.now()}`);
    clock.deliver(10, note('delivery'));
    clock.after(20, () => {
      note('timer')();
      clock.afterTurn(note('turn'));
    });
    clock.elsewhere(30, note('world'));
    clock.deliver(200, note('later'));
    await clock.stall(100);
    expect(order).toEqual(['world at 30', 'timer at 100', 'delivery at 100', 'turn at 100']);
  });

  it('can be blocked by a callback', async () => {
    const clock = new VirtualClock();
    const at: number[] = [];
    clock.after(10, () => clock.block(1000));
    clock.after(20, () => at.push(clock.now()));
    await clock.advance(30);
    expect(at).toEqual([1010]);
    expect(clock.now()).toBe(1010);
  });

  it('advances until a condition holds, or says that it did not', async () => {
    const clock = new VirtualClock();
    let holds = false;
    clock.after(10, () => {
      holds = true;
    });
    clock.after(50, () => {});
    await clock.until(() => holds, 100);
    expect(clock.now()).toBe(10);
    await expect(clock.until(() => false, 100, 'the impossible')).rejects.toThrow(
      'the impossible did not come within 100 ms',
    );
    expect(clock.now()).toBe(110);
  });

  it('rejects with what a callback throws, and goes on afterwards', async () => {
    const clock = new VirtualClock();
    clock.after(1, () => {
      throw new Error('broken');
    });
    await expect(clock.advance(10)).rejects.toThrow('broken');
    await clock.advance(10);
    expect(clock.now()).toBe(11);
  });

  it('reports an endless loop at one instant', async () => {
    const clock = new VirtualClock();
    const again = () => clock.deliver(0, again);
    again();
    await expect(clock.advance(1)).rejects.toThrow('time stands still');
  });

  it('refuses delays that Node.js does not keep', () => {
    const clock = new VirtualClock();
    for (const delay of [Number.NaN, -1, 2 ** 31]) {
      expect(() => clock.after(delay, () => {})).toThrow(RangeError);
    }
  });
});
