#!/usr/bin/env node
/** `npx redis-multidb`. */
import { run } from './program.js';
import { onClosedOutput } from './signals.js';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') onClosedOutput();
  else process.exit(1);
});
// Nobody can be told any more, and the command goes on.
process.stderr.on('error', () => {});
process.exitCode = await run(process.argv.slice(2));
