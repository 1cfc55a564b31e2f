import { expect, it } from 'vitest';
import { ReadyConnections } from './ready-connections.js';

it('every change makes a new version', () => {
  const link = {} as never;
  const channel = {} as never;
  const ready = new ReadyConnections();
  const versions = [ready.version];
  ready.set(link, channel);
  versions.push(ready.version);
  ready.delete(link);
  versions.push(ready.version);
  ready.set(link, channel).clear();
  versions.push(ready.version);
  expect(new Set(versions).size).toBe(versions.length);
  expect(ready.size).toBe(0);
});
