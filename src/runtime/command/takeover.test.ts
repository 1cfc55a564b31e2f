import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClientContext } from '../../testing/fake-client-context.js';
import type { Route, RouteChange } from '../route.js';
import type { BlockingCommands } from './blocking-commands.js';
import type { Command } from './command.js';
import type { DataConnection } from './data-connection.js';
import type { DataConnections } from './data-connections.js';
import type { InFlightConnection } from './sent-attempt.js';
import { takeOver } from './takeover.js';

let client: FakeClientContext;
let channel: DataConnection;
let draining: Set<InFlightConnection>;
let unblocked: unknown[];
let drained: unknown[];

beforeEach(() => {
  client = new FakeClientContext();
  channel = client.connect(client.east);
  draining = new Set();
  [unblocked, drained] = [[], []];
});

function change(to: Partial<Route>, failed: boolean): void {
  const from = client.route;
  client.route = { ...from, generation: 2, ...to };
  const connections = {
    links: new Map([[client.east, channel.link]]),
    channels: new Map([[channel.link, channel]]),
    draining,
    endHandover: () => {},
    drain: (link: unknown) => drained.push(link),
    endDraining: (each: InFlightConnection) => draining.delete(each),
  };
  const blocking = { takeFrom: () => [], unblock: (each: unknown) => unblocked.push(each) };
  const moved: RouteChange = { from, to: client.route, failed };
  takeOver(
    client,
    connections as unknown as DataConnections,
    blocking as unknown as BlockingCommands,
    moved,
  );
}

it('leaves what is in flight on a healthy database where it is', () => {
  const read = client.sent(['GET', 'k'], channel);
  change({ database: client.west }, false);
  expect([client.resent, unblocked, drained]).toEqual([[], [channel], []]);
  expect(read.state).toBe('under-way');
});

it('sends what was not written, and what waits for a retry, to the next database', () => {
  const unwritten = client.sent(['INCR', 'k'], channel, { written: false });
  const waiting = client.command(['GET', 'k']);
  client.waiting.addRetry(waiting, 0);
  change({ database: client.west }, false);
  expect(client.resent).toEqual([unwritten.command, waiting]);
  expect([unwritten.state, unwritten.command.attempts]).toEqual(['taken-back', 0]);
});

describe('from a database that failed', () => {
  it('repeats reads in flight, and leaves writes to their replies', () => {
    const read = client.sent(['GET', 'k'], channel);
    const write = client.sent(['SET', 'k', 'v'], channel);
    change({ database: client.west }, true);
    expect(client.resent).toEqual([read.command]);
    expect([read.command.maybeExecuted, write.state]).toEqual([true, 'under-way']);
    expect(drained).toEqual([channel.link]);
  });

  it('repeats no more reads than the budget allows', () => {
    client.repeatsLeft = 1;
    const [first, second] = [1, 2].map(() => client.sent(['GET', 'k'], channel));
    change({ database: client.west }, true);
    expect(client.resent).toEqual([first?.command]);
    expect(second?.state).toBe('under-way');
  });

  it('sends a read whose hedge was taken back, and takes nothing from the budget for it', () => {
    client.repeatsLeft = 1;
    const [hedged, other] = [1, 2].map(() => client.sent(['GET', 'k'], channel));
    client.hedging = {
      adopt: (_database: unknown, moving: Set<Command>) => moving.add(hedged!.command),
    } as unknown as FakeClientContext['hedging'];
    change({ database: client.west }, true);
    expect(client.resent).toEqual([hedged?.command, other?.command]);
    expect(hedged?.command.maybeExecuted).toBe(true);
  });

  it('repeats nothing that has used up its attempts or its time', () => {
    const worn = client.sent(['GET', 'k'], channel);
    worn.command.attempts = 3;
    change({ database: client.west }, true);
    expect(client.resent).toEqual([]);
  });

  it('repeats writes up to the safety that retryOnFailover allows', () => {
    client.options.retryOnFailover = true;
    const options = { retrySafety: 'last-write-wins' } as const;
    const set = client.sent(['SET', 'k', 'v'], channel, { options });
    const increment = client.sent(['INCR', 'k'], channel, { options });
    change({ database: client.west }, true);
    expect(client.resent).toEqual([set.command]);
    expect(increment.state).toBe('under-way');
  });

  it('fails everything when there is nowhere to go', () => {
    const written = client.sent(['INCR', 'k'], channel);
    const unwritten = client.sent(['INCR', 'k'], channel, { written: false });
    const backlog = client.command(['GET', 'k']);
    client.waiting.addToBacklog(backlog);
    change({ database: undefined, state: 'down' }, true);
    expect(client.settled.map(({ command }) => command.sequence).sort()).toEqual([1, 2, 3]);
    const errors = new Map(client.settled.map(({ command, error }) => [command, error]));
    expect(errors.get(written.command)).toMatchObject({ maybeExecuted: true });
    expect(errors.get(unwritten.command)).toMatchObject({ maybeExecuted: false });
    expect(client.waiting.takeBacklog()).toEqual([]);
  });
});
