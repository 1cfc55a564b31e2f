#!/usr/bin/env node
/** `npx redis-multidb`. */
import { run } from './program.js';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // `| head` has read enough.
  process.exit(error.code === 'EPIPE' ? (process.exitCode ?? 0) : 1);
});
process.exitCode = await run(process.argv.slice(2));
