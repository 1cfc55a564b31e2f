import type { ClientContext } from './client-context.js';

/** Resolves after a full turn of the event loop, in which the data in the socket is read. */
export function aTurn({ coordinator }: Pick<ClientContext, 'coordinator'>): Promise<void> {
  return new Promise((resolve) => {
    coordinator.runtime.clock.afterTurn(resolve);
  });
}
