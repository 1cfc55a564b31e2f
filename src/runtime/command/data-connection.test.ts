import { beforeEach, describe, expect, it } from 'vitest';
import type { Connection } from '../../drivers/driver.js';
import type { ReconnectingConnection } from '../connection/reconnecting-connection.js';
import type { Database } from '../database.js';
import type { Command } from './command.js';
import { DataConnection } from './data-connection.js';
import { SentAttempt } from './sent-attempt.js';

let connection: { bytesReceived: number; hasLanes?: boolean };
let channel: DataConnection;

beforeEach(() => {
  connection = { bytesReceived: 100 };
  channel = new DataConnection(
    connection as Connection,
    {} as Database,
    {} as ReconnectingConnection,
    { onAttemptReply: () => {}, onAttemptError: () => {}, onAttemptLane: () => {} },
    5,
  );
});

const attempt = (deadline = 1000) => new SentAttempt({} as Command, channel, 0, deadline, 1);

it('lists what is under way, oldest first, wherever something is taken out', () => {
  const all = Array.from({ length: 5 }, () => attempt());
  for (const each of all) channel.add(each);
  expect(channel.attempts()).toEqual(all);
  expect(channel.oldest).toBe(all[0]);

  for (const index of [2, 0, 4]) channel.remove(all[index] as SentAttempt);
  channel.remove(all[2] as SentAttempt);
  expect(channel.attempts()).toEqual([all[1], all[3]]);
  expect(channel.size).toBe(2);

  const late = attempt();
  channel.add(late);
  expect(channel.attempts()).toEqual([all[1], all[3], late]);
  for (const each of channel.attempts()) channel.remove(each);
  expect([channel.size, channel.oldest, channel.attempts()]).toEqual([0, undefined, []]);
});

it('is empty again and takes more', () => {
  const one = attempt();
  channel.add(one);
  channel.remove(one);
  const other = attempt();
  channel.add(other);
  expect(channel.attempts()).toEqual([other]);
});

it('knows the earliest deadline, and none when it is empty', () => {
  const [late, early] = [attempt(2000), attempt(500)];
  expect(channel.earliestDeadline).toBe(Number.POSITIVE_INFINITY);
  channel.add(late);
  channel.add(early);
  expect(channel.earliestDeadline).toBe(500);
  channel.remove(early);
  // Not looked up again: no attempt is due before it, that is all it promises.
  expect(channel.earliestDeadline).toBeLessThanOrEqual(2000);
  channel.remove(late);
  expect(channel.earliestDeadline).toBe(Number.POSITIVE_INFINITY);
});

it('sees progress by the bytes that arrive', () => {
  expect(channel.look(10)).toBe(false);
  expect(channel.lastProgress).toBe(5);
  connection.bytesReceived += 1;
  channel.suspectedAt = 8;
  expect(channel.look(20)).toBe(true);
  expect([channel.lastProgress, channel.suspectedAt]).toEqual([20, Number.NEGATIVE_INFINITY]);
  expect(channel.look(30)).toBe(false);
  expect(channel.lastProgress).toBe(20);
});

it('counts the replies that nobody waits for any more', () => {
  const [one, two] = [attempt(), attempt()];
  channel.orphan(one, 10);
  channel.orphan(two, 20);
  expect([channel.orphaned, channel.orphanedSince]).toEqual([2, 10]);
  channel.adopt(one);
  channel.adopt(one);
  expect(channel.orphaned).toBe(1);
  channel.adopt(two);
  channel.orphan(attempt(), 30);
  expect([channel.orphaned, channel.orphanedSince]).toEqual([1, 30]);
});

describe('of several lanes', () => {
  const lane = (bytesReceived = 0) => ({
    bytesReceived,
    identify: () => Promise.resolve('1'),
    drop: () => {},
  });
  const command = { deadline: 3000 } as Command;

  beforeEach(() => {
    connection = { bytesReceived: 0, hasLanes: true };
    channel = new DataConnection(
      connection as Connection,
      {} as Database,
      {} as ReconnectingConnection,
      { onAttemptReply: () => {}, onAttemptError: () => {}, onAttemptLane: () => {} },
      5,
    );
  });

  it('keeps what waits apart from what is under way, and each lane from the others', () => {
    const all = [attempt(), attempt(), attempt()] as [SentAttempt, SentAttempt, SentAttempt];
    const given = all.map((each) => new SentAttempt(command, channel, 0, each.deadline, 1));
    const [waiting, first, second] = given as typeof all;
    for (const each of given) channel.add(each);
    const [one, two] = [lane(), lane()];
    channel.move(first, one, 10);
    channel.move(second, two, 20);
    expect(channel.isWaitingRoom).toBe(true);
    expect(channel.listed()).toEqual([waiting]);
    expect([...channel.lanes].map((each) => each.listed())).toEqual([[first], [second]]);
    expect(channel.attempts()).toEqual([waiting, first, second]);
    expect(channel.isEmpty).toBe(false);

    one.bytesReceived = 1;
    expect([first.lane.look(30), second.lane.look(30), channel.look(30)]).toEqual([
      true,
      false,
      false,
    ]);

    for (const each of given) each.lane.remove(each);
    expect([channel.isEmpty, channel.attempts()]).toEqual([true, []]);
  });

  it('what waited for a lane has its time from there on, within that of its command', () => {
    const short = new SentAttempt(command, channel, 0, 1000, 1);
    channel.add(short);
    channel.move(short, lane(), 400);
    expect([short.sentAt, short.deadline, short.lane.earliestDeadline]).toEqual([400, 1400, 1400]);
    channel.move(short, lane(), 2500);
    expect([short.sentAt, short.deadline]).toEqual([2500, 3000]);
    expect(channel.attempts()).toEqual([short]);
  });

  it('what left its lane waits again, and nothing that waits is owed', () => {
    const redirected = new SentAttempt(command, channel, 0, 1000, 1);
    channel.add(redirected);
    channel.move(redirected, lane(), 10);
    const { lane: left } = redirected;
    channel.move(redirected, undefined, 20);
    expect([left.size, channel.listed(), channel.lanes.has(channel as never)]).toEqual([
      0,
      [redirected],
      false,
    ]);
    channel.orphan(redirected, 30);
    expect(channel.orphaned).toBe(0);
  });

  it('loses one lane alone', () => {
    const [first, second] = [attempt(), attempt()].map(
      ({ deadline }) => new SentAttempt(command, channel, 0, deadline, 1),
    ) as [SentAttempt, SentAttempt];
    const one = lane();
    channel.add(first);
    channel.add(second);
    channel.move(first, one, 10);
    channel.move(second, lane(), 10);
    expect(channel.lose(one)).toEqual([first]);
    expect([first.lane.lost, second.lane.lost, channel.lost]).toEqual([true, false, false]);
    expect(channel.lose(lane())).toEqual([]);
  });
});

describe('behind a command that blocks', () => {
  const sent = (sentAt: number, sequence: number, blockMs?: number) => {
    const command = { sequence, traits: { category: 'read', blockMs } };
    return new SentAttempt(command as unknown as Command, channel, sentAt, 1000, 1);
  };

  it('no reply is late, before it is answered', () => {
    const early = sent(10, 1);
    const blocking = sent(20, 2, 5000);
    const [same, later] = [sent(20, 3), sent(30, 4)];
    for (const each of [blocking, same, later]) channel.add(each);
    expect([early, blocking, same, later].map((each) => channel.isBlocked(each))).toEqual([
      false,
      false,
      true,
      true,
    ]);
    for (const each of [same, later]) {
      channel.remove(each);
      channel.orphan(each, 100);
    }
    expect([channel.orphaned, channel.orphanedSince]).toEqual([2, undefined]);
    channel.remove(blocking);
    channel.blockEndedAt = 300;
    expect(channel.orphanedSince).toBe(300);
  });

  it('a reply that was to come before it is late all the same', () => {
    const early = sent(10, 1);
    channel.add(sent(20, 2, Number.POSITIVE_INFINITY));
    channel.orphan(early, 100);
    expect(channel.orphanedSince).toBe(100);
  });
});
