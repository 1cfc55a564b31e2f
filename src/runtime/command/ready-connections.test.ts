import { beforeEach, expect, it } from 'vitest';
import type { ReconnectingConnection } from '../connection/reconnecting-connection.js';
import type { Database } from '../database.js';
import type { Route } from '../route.js';
import type { DataConnection } from './data-connection.js';
import { ReadyConnections } from './ready-connections.js';

const east = { id: 'east' } as Database;
const west = { id: 'west' } as Database;
const link = (of: Database) => ({ of }) as unknown as ReconnectingConnection;
const connection = (name: string) => ({ name }) as unknown as DataConnection;
const links = new Map([east, west].map((database) => [database, link(database)]));
const eastern = links.get(east) as ReconnectingConnection;
const western = links.get(west) as ReconnectingConnection;
const routeTo = (database: Database | undefined) => ({ database }) as Route;

let ready: ReadyConnections;

beforeEach(() => {
  ready = new ReadyConnections(links);
});

it('finds the connection to the active database, whatever the route is', () => {
  const [one, two] = [connection('one'), connection('two')];
  ready.set(eastern, one).set(western, two);
  expect(ready.activeOf(routeTo(east))).toBe(one);
  expect(ready.activeOf(routeTo(west))).toBe(two);
  expect(ready.activeOf(routeTo(undefined))).toBeUndefined();
  expect(ready.activeOf(routeTo({ id: 'unknown' } as Database))).toBeUndefined();
});

it('forgets what it has found when the connections change', () => {
  const [one, two] = [connection('one'), connection('two')];
  const route = routeTo(east);
  expect(ready.activeOf(route)).toBeUndefined();
  ready.set(eastern, one);
  expect(ready.activeOf(route)).toBe(one);
  ready.set(eastern, two);
  expect(ready.activeOf(route)).toBe(two);
  ready.delete(eastern);
  expect(ready.activeOf(route)).toBeUndefined();
  ready.set(eastern, one);
  ready.clear();
  expect(ready.activeOf(route)).toBeUndefined();
});
