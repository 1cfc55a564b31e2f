// `npm run chaos -- --seed N --minutes M`: real servers, random faults, and a checker that does not
// trust the client. Ends with 1 if a promise was broken.
import { parseArgs } from 'node:util';
import type { ChaosApi } from './run.js';
import { CHAOS_TOPOLOGIES, type ChaosTopology } from './topology.js';
import { useVersion5 } from './version-5.js';

const HELP = `npm run chaos -- [options]
  --seed N       the first seed (1)
  --minutes M    how long each seed goes on (1); fractions are possible
  --count N      how many seeds, one after the other (1)
  --api A        the API of the clients: node-redis or ioredis (node-redis)
  --client 5|6   major version of node-redis (6)
  --topology T   how databases are reached: client, pool, sentinel, cluster or mixed (client)
  --short        two databases and short stalls, as in the tests
  --trace        what happened, for clean seeds as well`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '1' },
    count: { type: 'string', default: '1' },
    api: { type: 'string', default: 'node-redis' },
    client: { type: 'string', default: '6' },
    topology: { type: 'string', default: 'client' },
    short: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const first = Number(values.seed);
const minutes = Number(values.minutes);
const count = Number(values.count);
const isValid =
  Number.isInteger(first) &&
  minutes > 0 &&
  Number.isInteger(count) &&
  count > 0 &&
  ['5', '6'].includes(values.client) &&
  isTopology(values.topology) &&
  isApi(values.api);

if (values.help || !isValid) {
  console.log(HELP);
  process.exitCode = values.help ? 0 : 2;
} else {
  if (values.client === '5') useVersion5();
  // After the choice of the version.
  const { chaos } = await import('./run.js');
  const { summary, verdict } = await import('./report.js');
  const reports = [];
  for (let seed = first; seed < first + count; seed += 1) {
    const report = await chaos({
      seed,
      api: values.api as ChaosApi,
      durationMs: minutes * 60_000,
      thorough: !values.short,
      settings: { topology: values.topology as ChaosTopology },
    });
    const client = values.client === '6' ? '' : ` --client ${values.client}`;
    const topology = values.topology === 'client' ? '' : ` --topology ${values.topology}`;
    const api = values.api === 'node-redis' ? '' : ` --api ${values.api}`;
    const options = `${values.short ? ' --short' : ''}${api}${client}${topology}`;
    console.log(verdict(report, `npm run chaos -- --seed ${seed} --minutes ${minutes}${options}`));
    if (values.trace && report.violations.length === 0) console.log(report.trace.join('\n'));
    reports.push(report);
  }
  console.log(summary(reports));
  process.exitCode = reports.some(({ violations }) => violations.length > 0) ? 1 : 0;
}

function isTopology(name: string): boolean {
  return (CHAOS_TOPOLOGIES as readonly string[]).includes(name);
}

/** A pool does not keep the order of commands, which applications with ioredis expect. */
function isApi(name: string): boolean {
  return (
    name === 'node-redis' || (name === 'ioredis' && !['pool', 'mixed'].includes(values.topology))
  );
}
