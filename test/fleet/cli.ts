// `npm run test:fleet -- --members 60`: a fleet of real processes. Ends with 1 if a promise was broken.
import { parseArgs } from 'node:util';
import { stopAll } from '../kit/index.js';
import { runFleet } from './fleet.js';

const HELP = `npm run test:fleet -- [options]
  --members N   number of processes (60)
  --spread S    seconds over which they move (20)
  --pause MS    pause of each process between two commands (200)`;

const { values } = parseArgs({
  options: {
    members: { type: 'string', default: '60' },
    spread: { type: 'string', default: '20' },
    pause: { type: 'string', default: '200' },
    help: { type: 'boolean', default: false },
  },
});
const members = Number(values.members);
const spreadMs = Math.round(Number(values.spread) * 1000);
const pauseMs = Number(values.pause);

if (values.help || !(Number.isInteger(members) && members > 1 && spreadMs > 0 && pauseMs >= 0)) {
  console.log(HELP);
  process.exitCode = values.help ? 0 : 2;
} else {
  const timeoutMs = 3000;
  const report = await runFleet({ members, spreadMs, pauseMs, timeoutMs, log: console.log });
  await stopAll();
  const { readErrors, ledgerErrors, activeDatabases, ...rest } = report;
  for (const error of [...readErrors, ...ledgerErrors].slice(0, 20)) console.log(`  ${error}`);
  const agreed = new Set(activeDatabases).size === 1;
  const counts = { readErrors: readErrors.length, ledgerErrors: ledgerErrors.length, agreed };
  console.log(JSON.stringify({ ...rest, ...counts }, undefined, 2));
  if (readErrors.length + ledgerErrors.length > 0 || !agreed) process.exitCode = 1;
}
