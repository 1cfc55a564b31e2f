/** The globals of Node.js that the engine uses, where there are none. */
import { BrowserBuffer } from './buffer.js';

/** To be called before the engine is loaded. */
export function provideGlobals(): void {
  const globals = globalThis as Record<string, unknown>;
  globals.Buffer ??= BrowserBuffer;
  globals.process ??= createProcess();
}

function createProcess() {
  const jobs: (() => void)[] = [];
  const { port1, port2 } = new MessageChannel();
  // A message arrives when no promise job is left, as a job of `process.nextTick` runs.
  port1.onmessage = () => jobs.shift()?.();
  return {
    env: {},
    nextTick(job: () => void) {
      jobs.push(job);
      port2.postMessage(undefined);
    },
    emitWarning(message: string) {
      console.warn(message);
    },
  };
}
