#!/usr/bin/env node
/** `npx redis-multidb`. */
import { missingPackage } from './missing-package.js';
import { onClosedOutput } from './signals.js';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') onClosedOutput();
  else process.exit(1);
});
// The error can't be reported any more, and the command continues.
process.stderr.on('error', () => {});
try {
  const { run } = await import('./program.js');
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  const text = missingPackage(error);
  if (text === undefined) throw error;
  process.stderr.write(`redis-multidb: ${text}\n`);
  process.exitCode = 1;
}
