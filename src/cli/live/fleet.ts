/** `status` and `watch` of several applications. */
import { setMaxListeners } from 'node:events';
import type { Status } from '../../http/status.js';
import { EXIT, FailedError } from '../exit.js';
import type { Output } from '../output.js';
import { onSignal } from '../signals.js';
import type { ServerEvent } from './event-source.js';
import { agreementOf, agreementText, fleetLines, type Member } from './fleet-text.js';
import { pause } from './pace.js';
import { RECONNECT_MS, type Remote } from './remote.js';
import { eventText } from './text.js';

/** Prints one line each. Resolves to exit code 0 if all answer and use the same database, else 1. */
export async function fleetStatus(remotes: readonly Remote[], output: Output): Promise<number> {
  const members = await Promise.all(
    remotes.map(async (remote): Promise<Member> => {
      const { name } = remote;
      try {
        return { name, status: await remote.status(), lost: undefined };
      } catch (error) {
        return { name, status: undefined, lost: reasonOf(error, name) };
      }
    }),
  );
  const agreement = agreementOf(members);
  if (output.json) {
    const applications = members.map(({ name, status, lost }) => {
      return { application: name, error: lost ?? null, status: status ?? null };
    });
    output.document({ report: 'status', ...agreement, applications });
  } else output.print(...fleetLines(members, output.paint));
  return agreement.agree ? EXIT.ok : EXIT.problems;
}

/** Watches until Ctrl-C. An application that can't be reached is tried again. */
export async function watchFleet(remotes: readonly Remote[], output: Output): Promise<never> {
  const abort = new AbortController();
  // Each application adds listeners, and Node.js warns of more than ten.
  setMaxListeners(0, abort.signal);
  const fleet = new Fleet(
    remotes.map(({ name }) => name),
    output,
  );
  const unlisten = onSignal(async () => {
    abort.abort();
    output.terminal.end();
  });
  const unsize = output.terminal.onResize(() => fleet.redraw());
  try {
    await Promise.all(remotes.map((remote) => follow(remote, fleet, abort.signal)));
    throw new FailedError('All applications have ended their streams.');
  } finally {
    abort.abort();
    unsize();
    unlisten();
    output.terminal.close();
  }
}

async function follow(remote: Remote, fleet: Fleet, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const event of remote.events(signal)) {
        if (signal.aborted) return;
        fleet.onEvent(remote.name, event);
      }
    } catch (error) {
      if (signal.aborted) return;
      fleet.onEvent(remote.name, { event: 'lost', data: { cause: reasonOf(error, remote.name) } });
    }
    await pause(RECONNECT_MS, signal);
  }
}

/** What is known about all, and what of it has been shown. */
class Fleet {
  readonly #members: Map<string, Member>;
  #agreement = '';
  #isComplete = false;

  constructor(
    names: readonly string[],
    private readonly output: Output,
  ) {
    this.#members = new Map(
      names.map((name) => [name, { name, status: undefined, lost: undefined }]),
    );
  }

  onEvent(name: string, event: ServerEvent): void {
    const { output } = this;
    const before = this.#members.get(name);
    if (event.event === 'status') {
      this.#members.set(name, { name, status: event.data as Status, lost: undefined });
    } else if (event.event === 'lost') {
      const { cause } = event.data as { cause: string };
      if (before?.lost === cause) return;
      this.#members.set(name, { name, status: before?.status, lost: cause });
    }
    if (output.json) output.line({ application: name, event: event.event, data: event.data });
    else if (!output.terminal.traits.live) this.#printEvent(name, event);
    this.#showAgreement();
    this.redraw();
  }

  redraw(): void {
    const { terminal, paint, json } = this.output;
    if (!json && terminal.traits.live)
      terminal.frame(fleetLines([...this.#members.values()], paint));
  }

  #printEvent(name: string, event: ServerEvent): void {
    // Until all are known, their lines would be mixed with what happens.
    const text = this.#isComplete ? eventText(event, this.output.paint) : undefined;
    if (text !== undefined) this.output.print(`  ${name}  ${text}`);
  }

  /** Once when all are known, and whenever it changes. */
  #showAgreement(): void {
    const { output } = this;
    const members = [...this.#members.values()];
    if (members.some(({ status, lost }) => status === undefined && lost === undefined)) return;
    const agreement = agreementOf(members);
    const text = JSON.stringify(agreement);
    if (text === this.#agreement) return;
    this.#agreement = text;
    const isFirst = !this.#isComplete;
    this.#isComplete = true;
    if (output.json) output.line({ event: 'agreement', data: agreement });
    else if (output.terminal.traits.live) return;
    else if (isFirst) output.print(...fleetLines(members, output.paint));
    else output.print(`  ${agreementText(members, output.paint)}`);
  }
}

/** The name of the application stands beside it. */
function reasonOf(error: unknown, name: string): string {
  const { message } = error as Error;
  return message.startsWith(`${name} `) ? message.slice(name.length + 1) : message;
}
