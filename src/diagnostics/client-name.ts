import { processState } from '../process-state.js';

const counter = processState('client-names@1', () => ({ unnamed: 0 }));

/**
 * What a client is called in metrics and diagnostics: the `name` of its node-redis options, which
 * Redis shows in CLIENT LIST; else `client-1`, `client-2` ... in order of creation.
 */
export function clientName(options: { readonly name?: unknown }): string {
  if (typeof options.name === 'string' && options.name !== '') return options.name;
  counter.unnamed += 1;
  return `client-${counter.unnamed}`;
}
