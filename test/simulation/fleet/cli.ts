// Runs fleets on virtual time: `npm run simulate:fleet -- --seeds 200` judges drawn schedules.
import { parseArgs } from 'node:util';
import { drawScenario, runScenario } from './scenario.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '20' },
    processes: { type: 'string', default: '50' },
  },
});
const first = Number(values.seed);
let metastable = 0;
// Every probe ends by an unused error; the stack traces would take much of the time.
Error.stackTraceLimit = 0;
const startedAt = performance.now();
for (let seed = first; seed < first + Number(values.seeds); seed += 1) {
  const { scenario, verdict, fleet } = await runScenario(
    drawScenario(seed, Number(values.processes)),
  );
  const { findings, recoveredAfterMs, failedShare, peakLoad } = verdict;
  const { utilization, dropAfterMs, connectionUnits, callers, options } = scenario.settings;
  const { faultAt, faultEndsAt } = scenario.course;
  console.log(
    `seed ${seed}: ${scenario.fault.name} for ${((faultEndsAt - faultAt) / 1000).toFixed(1)} s, ` +
      `${Math.round(utilization * 100)} % used, drops after ${dropAfterMs} ms, ${connectionUnits} units a connection, ` +
      `${callers.retries} retries, ${JSON.stringify(options)}`,
  );
  console.log(
    `  recovered after ${(recoveredAfterMs / 1000).toFixed(1)} s, ${(failedShare * 100).toFixed(2)} % failed, ` +
      `load up to ${peakLoad.toFixed(2)}, ${fleet.clock.events} events`,
  );
  for (const finding of findings) console.log(`  METASTABLE: ${finding}`);
  if (findings.length > 0) metastable += 1;
}
const seconds = (performance.now() - startedAt) / 1000;
console.log(`${values.seeds} schedules, ${metastable} metastable, ${seconds.toFixed(1)} s`);
process.exitCode = metastable > 0 ? 1 : 0;
