// Runs schedules by seed: `npm run simulate -- --seed 7 --count 1000`. With a count of one it
// prints the trace. Ends at the first failing seed, with the command that repeats it.
import { parseArgs } from 'node:util';
import { simulate } from './simulate.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '1000' },
    'max-failures': { type: 'string', default: '1' },
  },
});
const first = Number(values.seed);
const count = Number(values.count);
let rejections = 0;
process.on('unhandledRejection', (error) => {
  rejections += 1;
  console.log('unhandled rejection:', error);
});

// Every probe ends by an unused error; the stack traces would take a sixth of the time.
if (count > 1) Error.stackTraceLimit = 0;

const startedAt = performance.now();
const sum = { schedules: 0, simulatedMs: 0, faults: 0, switches: 0, commands: 0, failed: 0 };
for (let seed = first; seed < first + count; seed += 1) {
  const result = await simulate({ seed, trace: count === 1 });
  await new Promise((resolve) => setImmediate(resolve));
  for (const line of result.trace) console.log(line);
  sum.schedules += 1;
  sum.simulatedMs += result.simulatedMs;
  sum.faults += result.faults;
  sum.switches += result.switches;
  sum.commands += result.commands;
  if (result.violations.length > 0 || rejections > 0) {
    const [violation] = result.violations;
    console.log(`seed ${seed}: ${violation?.promise} ${violation?.text} (at ${violation?.at} ms)`);
    console.log(`repeat with: npm run simulate -- --seed ${seed} --count 1`);
    sum.failed += 1;
    rejections = 0;
    if (sum.failed >= Number(values['max-failures'])) break;
  }
}
const seconds = (performance.now() - startedAt) / 1000;
console.log(
  `${sum.schedules} schedules, ${sum.failed} failed, ${(sum.simulatedMs / 3_600_000).toFixed(1)} simulated hours, ` +
    `${sum.faults} faults, ${sum.switches} switches, ${sum.commands} commands in ${seconds.toFixed(1)} s ` +
    `(${Math.round((sum.schedules / seconds) * 60)} schedules a minute)`,
);
process.exitCode = sum.failed > 0 ? 1 : 0;
