import { describe, expect, it } from 'vitest';
import type { Attempt, Lane } from '../../driver.js';
import { ServerIdentity } from '../../server-identity.js';
import { ClusterAttempt, type ClusterLane, Part, Withdrawn } from './attempt.js';
import { Sending } from './sending.js';

const MOVED = new Error('MOVED 1 127.0.0.1:7001');

function laneOf(name: string): ClusterLane & { name: string } {
  return {
    name,
    assigned: new Set(),
    bytesReceived: 0,
    identify: () => Promise.resolve('1'),
    serverIdentity: () => ServerIdentity.unknown(),
    drop: () => {},
  };
}

/** An attempt of the engine, which notes the lanes that it was told of. */
function attemptOf() {
  const lanes: unknown[] = [];
  const state = { isOver: false };
  const attempt: Attempt = {
    args: ['MGET', 'a', 'b'],
    batch: undefined,
    options: undefined,
    written: false,
    handle: undefined,
    get over() {
      return state.isOver;
    },
    onReply: () => {},
    onError: () => {},
    onLane: (lane: Lane | undefined) => lanes.push((lane as { name: string } | undefined)?.name),
  };
  return { attempt, lanes, state, owner: new ClusterAttempt(attempt) };
}

function send(part: Part, isAll = false) {
  const ended: unknown[] = [];
  const sending = new Sending(
    part,
    ['GET', 'a'],
    undefined,
    undefined,
    false,
    isAll,
    (reply) => ended.push(reply),
    (error) => ended.push(error),
  );
  return { sending, ended };
}

const taker = { withdraw: () => true };
const a = laneOf('a');
const b = laneOf('b');

describe('the lane by which the engine judges', () => {
  it('is that of the node which has not answered yet', () => {
    const { owner, lanes } = attemptOf();
    const one = send(owner.whole).sending;
    const other = send(owner.whole).sending;
    one.takes(a, taker);
    other.takes(b, taker);
    expect(lanes).toEqual(['a']);
    one.onReply('reply');
    expect(lanes).toEqual(['a', 'b']);
    expect([a.assigned.has(owner), b.assigned.has(owner)]).toEqual([false, true]);
    other.onReply('reply');
    owner.end();
    expect(lanes).toEqual(['a', 'b']);
    expect(b.assigned.has(owner)).toBe(false);
  });

  it('is none while it waits after a redirection, and then the next one', () => {
    const { owner, lanes, attempt } = attemptOf();
    const { sending } = send(owner.whole, true);
    sending.takes(a, taker);
    sending.written = true;
    expect(attempt.written).toBe(true);
    sending.onError(MOVED);
    expect(attempt.written).toBe(false);
    expect(lanes).toEqual(['a', undefined]);
    send(owner.whole, true).sending.takes(b, taker);
    expect(lanes).toEqual(['a', undefined, 'b']);
  });

  it('is none while the next part of a pipeline waits', () => {
    const { owner, lanes } = attemptOf();
    const { sending } = send(owner.whole, true);
    sending.takes(a, taker);
    sending.written = true;
    sending.onReply('reply');
    expect(lanes).toEqual(['a']);
    send(new Part(owner), true).sending.waits();
    expect(lanes).toEqual(['a', undefined]);
  });
});

describe('what is sent for it', () => {
  it.each([
    ['settled', (owner: ClusterAttempt) => owner.end()],
    ['was withdrawn', (owner: ClusterAttempt) => owner.withdraw()],
    ['lost its lane', (owner: ClusterAttempt) => owner.fail(new Error('lost'))],
  ] as const)('ends when it %s', (_, end) => {
    const { owner } = attemptOf();
    const { sending, ended } = send(owner.whole);
    sending.waits();
    end(owner);
    expect(sending.settled).toBe(true);
    expect(sending.over).toBe(true);
    expect(ended).toEqual([expect.any(Error)]);
    sending.onReply('late');
    expect(ended).toHaveLength(1);
  });

  it('is over once nobody waits for the result, and says why', () => {
    const { owner, state } = attemptOf();
    const { sending } = send(owner.whole);
    expect(sending.over).toBe(false);
    state.isOver = true;
    expect(sending.over).toBe(true);
    expect(owner.refusal).toBeInstanceOf(Withdrawn);
  });

  it('keeps the count of what may have been executed, part by part', () => {
    const { owner, attempt } = attemptOf();
    const first = send(owner.whole, true).sending;
    first.written = true;
    first.onReply('reply');
    const rest = new Part(owner);
    const second = send(rest, true).sending;
    expect([owner.whole.written, rest.written, owner.effects]).toEqual([true, false, 1]);
    second.written = true;
    second.written = true;
    expect(owner.effects).toBe(2);
    second.onError(MOVED);
    expect([rest.written, owner.effects, attempt.written]).toEqual([false, 1, true]);
    expect(owner.withdraw()).toBe(false);
  });

  it('follows as one when every command of a pipeline was moved', () => {
    const { owner, attempt } = attemptOf();
    const ended: unknown[] = [];
    const note = (value: unknown) => ended.push(value);
    const batch = { kind: 'pipeline', commands: [['GET', 'a']] } as const;
    const pipeline = () => new Sending(owner.whole, [], batch, undefined, false, true, note, note);
    const moved = { status: 'rejected', reason: MOVED };
    const sending = pipeline();
    sending.written = true;
    sending.onReply([moved, moved]);
    expect(ended).toEqual([MOVED]);
    expect(attempt.written).toBe(false);
    const partly = [moved, { status: 'fulfilled', value: 1 }];
    pipeline().onReply(partly);
    expect(ended[1]).toBe(partly);
  });
});
