/** Every event has its channel in docs/diagnostics.md, with all fields of its message. */
import { diagnosticsChannelName, EVENT_NAMES, type MultiDbEventName } from 'redis-multidb';
import { describe, expect, it } from 'vitest';
import { page, section } from './names.js';

const rows = [
  ...section(page('docs/diagnostics.md'), 'Channels').matchAll(
    /^\| `redis-multidb:([\w-]+)` \| (.+) \|$/gm,
  ),
].map(([, name = '', message = '']) => ({ name, message }));

/** The fields that docs/events.md, which is compared with the sources, has for an event. */
function fieldsOf(name: MultiDbEventName): string[] {
  if (name === 'error') return ['error'];
  if (name === 'invalidate') return ['key'];
  const text = section(page('docs/events.md'), `\`${name}\``).split('| reason |')[0] ?? '';
  return [...text.matchAll(/^\| `(\w+)` \|/gm)].map(([, field = '']) => field);
}

it('has every channel', () => {
  const channels = [...EVENT_NAMES, 'client' as const, 'probe' as const, 'command' as const].map(
    diagnosticsChannelName,
  );
  expect(rows.map(({ name }) => `redis-multidb:${name}`)).toEqual(channels);
});

describe.each(EVENT_NAMES)('%s', (name) => {
  it('has every field of its message', () => {
    const index = rows.findIndex((row) => row.name === name);
    const written = rows
      .slice(0, index + 1)
      .reverse()
      .find(({ message }) => message !== 'the same');
    const documented = [...(written?.message ?? '').matchAll(/\w+/g)].map(([field]) => field);
    const fields = fieldsOf(name === 'failover' || name === 'failback' ? 'switch' : name);
    expect(documented).toEqual(['client', ...fields]);
  });
});
