import { setTimeout as sleep } from 'node:timers/promises';
import { createMultiDbClient, type MultiDbClient } from 'redis-multidb';
import type { Audit } from '../src/drill/load/audit.js';
import type { Load } from '../src/drill/load/commands.js';
import { Ledger } from '../src/drill/load/ledger.js';
import type { Recorder } from '../src/drill/load/recorder.js';
import { SAMPLE_MS } from '../src/drill/load/series.js';
import { Traffic } from '../src/drill/load/traffic.js';
import { counted } from '../src/drill/report/format.js';
import type { RunResult } from '../src/drill/report/model.js';
import { type Follower, type Played, playStep } from '../src/drill/script/play.js';
import { judgedSteps } from '../src/drill/script/results.js';
import { ScriptError, type StepRun } from '../src/drill/script/step.js';
import { judge } from '../src/drill/script/verdict.js';
import type { View } from '../src/drill/view.js';
import { openHandles, turns } from '../test/kit/index.js';
import { audit } from './audit.js';
import { type HedgedReads, judgeHedged } from './hedged-reads.js';
import { HEDGED_STEP, SCRIPT, type Stage, WARM_UP_MS } from './script.js';
import type { Servers } from './servers.js';
import { CALLERS, RATE_PER_SECOND, SETTINGS, shownSettings, TEXTS, TITLE } from './settings.js';

export interface Run {
  readonly servers: Servers;
  readonly client: MultiDbClient;
  readonly hedged: HedgedReads;
  readonly load: Load;
  readonly recorder: Recorder;
  readonly view: View;
  readonly versions: readonly string[];
  readonly startedAt: Date;
}

export function createClient(servers: Servers): MultiDbClient {
  return createMultiDbClient({
    ...SETTINGS,
    databases: servers.infos.map(({ id, weight }) => ({
      id,
      weight,
      client: { url: servers.get(id).url },
    })),
  });
}

/** Plays the script under traffic, reads the servers, ends everything, and judges. */
export async function perform(run: Run): Promise<RunResult> {
  const { servers, client, hedged, load, recorder, view } = run;
  const ledger = new Ledger();
  const pace = { callers: CALLERS, ratePerSecond: RATE_PER_SECOND };
  const traffic = new Traffic(client, load, ledger, recorder, pace);
  recorder.listenTo(client);
  view.start();
  await client.connect();
  traffic.start();
  await hedged.start();
  const { runs, failure } = await play(run);
  traffic.stop();
  recorder.series.flush();
  const durationMs = recorder.now();
  const hanging = await settled(traffic);
  const { found, leftovers } = await end(run, ledger);
  view.stop();

  const steps = judgedSteps(runs, recorder, found);
  const { switches, series } = recorder;
  const { reads, writes } = traffic;
  const { acknowledged } = ledger;
  const promises = [
    ...judge({
      steps,
      planned: SCRIPT.length,
      switches,
      gracePeriodMs: SETTINGS.gracePeriodMs,
      reads,
      writes,
      acknowledged,
      hanging,
      maxLatencyMs: series.maxLatencyMs,
      routed: recorder.routed,
      misrouted: recorder.misrouted,
      failedWhileDown: recorder.failedWhileDown,
      waitedWhileDown: recorder.waitedWhileDown,
      wrongWhileDown: recorder.wrongWhileDown,
      audit: found,
      looked: 'processes, sockets and unhandled rejections',
      leftovers,
      failure,
    }),
    judgeHedged(hedged),
  ];
  return {
    title: TITLE,
    texts: TEXTS,
    versions: run.versions,
    startedAt: run.startedAt.toISOString(),
    durationMs,
    databases: servers.infos,
    settings: shownSettings(),
    traffic: {
      ...pace,
      reads,
      writes,
      acknowledgedWrites: acknowledged,
      maxLatencyMs: series.maxLatencyMs,
    },
    steps: steps.map(({ result }) => result),
    switches,
    outages: servers.outages,
    samples: series.samples,
    sampleMs: SAMPLE_MS,
    promises,
    ok: promises.every(({ violations }) => violations.length === 0),
  };
}

/** Plays the steps in turn. */
async function play(run: Run): Promise<Played<Stage>> {
  const { view } = run;
  const runs: StepRun<Stage>[] = [];
  const follower: Follower = {
    step: (index, one) => view.step(index, one),
    served: (one, at) => {
      view.served(one, at);
      for (const line of explained(run)) view.note(line);
    },
  };
  await sleep(WARM_UP_MS);
  for (const step of SCRIPT) {
    try {
      await playStep(step, { stage: run, runs, follower });
      if (step.title === HEDGED_STEP) {
        await run.hedged.stop();
        const { evidence, violations } = judgeHedged(run.hedged);
        view.note([evidence, ...violations].join('; '));
      }
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      view.failure(text);
      const failure = error instanceof ScriptError ? text : `"${step.title}" failed: ${text}`;
      return { runs, failure };
    }
  }
  return { runs, failure: undefined };
}

/** What the client itself says about each database of higher weight than the active one. */
function explained({ client, servers }: Run): string[] {
  const { active, others } = client.explain();
  const weightOf = (id: string | undefined) =>
    servers.infos.find((info) => info.id === id)?.weight ?? 0;
  return others
    .filter(({ id }) => weightOf(id) > weightOf(active?.id))
    .map(({ id, details }) => `explain(): ${id}: ${details.join('; ')}`);
}

/** Waits as long as a command may take and returns how many have not settled then. */
async function settled({ pending }: Traffic): Promise<number> {
  const giveUpAt = performance.now() + SETTINGS.commandDeadlineMs + 5000;
  while (pending.size > 0 && performance.now() < giveUpAt) await sleep(10);
  return pending.size;
}

async function end({ client, hedged, servers, recorder }: Run, ledger: Ledger) {
  const leftovers: string[] = [];
  // Without effect unless the script ended early.
  await hedged.stop();
  // Bounded by itself; a client that hangs here would hang the demo.
  const closed = await Promise.race([
    client.close().then(() => true),
    sleep(10_000, false, { ref: false }),
  ]);
  if (!closed) {
    leftovers.push('close() did not end within 10 s');
    client.destroy();
  }
  let found: Audit | undefined;
  try {
    found = await audit(servers, ledger, CALLERS);
  } catch {
    // A server is down because the script ended early; the verdict says that nothing was read.
  }
  const processes = await servers.dispose();
  if (processes.length > 0) leftovers.push(`processes ${processes.join(', ')} are still running`);
  const sockets = await openSockets();
  if (sockets > 0) leftovers.push(`still open: ${counted(sockets, 'socket')}`);
  leftovers.push(...recorder.unhandled);
  return { found, leftovers };
}

/** Closing takes some turns of the event loop. */
async function openSockets(): Promise<number> {
  for (let looks = 0; ; looks++) {
    await turns(5);
    const open = openHandles().TCPSocketWrap ?? 0;
    if (open === 0 || looks === 100) return open;
    await sleep(10);
  }
}
