import { expect, it } from 'vitest';
import { classify } from './classify.js';
import { proxyReply } from './proxy-replies.js';

it.each([
  ['no upstream host', 'no'],
  ['upstream failure', 'perhaps'],
  ['ERR Connection refused', 'no'],
  ['ERR Connection timed out', 'perhaps'],
  ['ERR no available server', 'no'],
  ['ERR no server connection avaliable', 'no'],
  ['ERR unknown command', undefined],
  ['ERR Connection refused by rule 7', undefined],
  ['WRONGTYPE no upstream host', undefined],
])('%s: executed %s', (text, executed) => {
  expect(proxyReply(text)).toBe(executed);
});

it('knows further ones by their beginning', () => {
  expect(proxyReply('ERR backend gone (shard 3)', ['ERR backend gone'])).toBe('perhaps');
  expect(proxyReply('ERR backend gone', [])).toBeUndefined();
});

it('makes it a state reply, whose script may have run', () => {
  const error = new Error('no upstream host');
  const context = { driverKind: 'reply', written: true } as const;
  const state = { kind: 'state-reply', countsAsFailure: true, stateWord: 'NO_UPSTREAM' };
  expect(classify(error, { ...context, commandName: 'INCR' })).toEqual({
    ...state,
    executed: 'no',
  });
  const ofScript = classify(error, { ...context, commandName: 'EVAL' });
  expect(ofScript).toEqual({ ...state, executed: 'perhaps' });
  const inside = classify(error, { ...context, commandName: 'EXEC', insideResult: true });
  expect(inside.kind).toBe('application-reply');
});
