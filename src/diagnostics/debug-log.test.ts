import { expect, it } from 'vitest';
import { describeEvent } from './debug-log.js';

it('puts an event on one line', () => {
  const event = {
    from: 'east',
    to: undefined,
    reason: 'health-check',
    cause: 'east: no answer',
    at: new Date(0),
    durationMs: 12.5,
    error: Object.assign(new Error('refused\nby "them"'), { config: { password: 'secret' } }),
    failures: [{ id: 'east', cause: 'no answer' }],
  };
  expect(describeEvent('orders\neast', 'switch', [event])).toBe(
    'orders east switch from=east to=undefined reason=health-check cause="east: no answer" ' +
      'at=1970-01-01T00:00:00.000Z durationMs=12.5 error="refused by \\"them\\"" ' +
      'failures=[{id=east cause="no answer"}]',
  );
});

it('prints events without a payload and errors', () => {
  expect(describeEvent('orders', 'ready', [])).toBe('orders ready');
  expect(describeEvent('orders', 'error', [new Error('oops')])).toBe('orders error error="oops"');
});
