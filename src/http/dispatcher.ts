import { type Clock, type Random, systemClock, systemRandom } from '../clock.js';
import { Access, type Refusal } from './access.js';
import { events, failure, html, json, redirectUp } from './answers.js';
import { databasesMeant, perform, readChange } from './changes.js';
import type { OperatedClient } from './client.js';
import { EventStream } from './event-stream.js';
import { LatencyHistory } from './latency-history.js';
import type { ResolvedHttpOptions } from './options.js';
import { pageFor } from './page/page.js';
import { readiness } from './readiness.js';
import { type Answer, BodyError, type HandledRequest } from './request.js';
import { below, match, type Route } from './routes.js';
import { STATUS_SCHEMA } from './schema.js';
import { type Status, statusOf } from './status.js';
import {
  publishSteering,
  readSteering,
  steeringDocument,
  steeringObstacle,
} from './steering-change.js';

const MAX_PATH_LENGTH = 2048;
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_BODY_BYTES = 4096;

const BODY_MEANS: Readonly<Record<string, true>> = {
  active: true,
  drain: true,
  resume: true,
  release: true,
  steering: true,
};

/** Answers every request, of every framework. */
export class Dispatcher {
  readonly stream: EventStream;
  readonly #access: Access;
  readonly #latency: LatencyHistory;
  #closed = false;

  constructor(
    private readonly client: OperatedClient,
    private readonly options: ResolvedHttpOptions,
    private readonly clock: Clock = systemClock,
    random: Random = systemRandom,
  ) {
    this.#access = new Access(options, clock);
    this.#latency = new LatencyHistory(client, clock);
    this.stream = new EventStream(client, () => this.#status(), options, clock, random);
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** The path below the handler; undefined if another handler may answer. */
  pathOf(path: string, mountedAt = this.options.basePath): string | undefined {
    return below(mountedAt, path);
  }

  /** Never rejects; undefined if the path does not belong to the handler. */
  async answer(request: HandledRequest): Promise<Answer | undefined> {
    try {
      return await this.#answer(request);
    } catch {
      // Never the error itself, whose content is unknown.
      return failure(500, 'it failed');
    }
  }

  /** Ends the streams; `/readyz` answers 503 from now on. Idempotent. */
  close(): void {
    this.#closed = true;
    this.stream.close();
    this.#latency.stop();
  }

  async #answer(request: HandledRequest): Promise<Answer | undefined> {
    if (request.path.length > MAX_PATH_LENGTH)
      return abandoned(failure(414, 'the path is too long'));
    if (headerBytes(request) > MAX_HEADER_BYTES) {
      return abandoned(failure(431, 'the headers are too long'));
    }
    const found = match(request.method, request.path);
    switch (found.kind) {
      case 'unknown':
        return undefined;
      case 'bad-path':
        return abandoned(failure(400, 'the path is not valid'));
      case 'wrong-method':
        return abandoned(failure(405, `use ${found.allow}`, { allow: found.allow }));
      default: {
        const { route } = found;
        const refusal = this.#access.refuseSite(request, route.name);
        if (refusal !== undefined) return abandoned(this.#refused(refusal));
        return BODY_MEANS[route.name] ? this.#change(request, route) : this.#read(request, route);
      }
    }
  }

  async #read(request: HandledRequest, { name }: Route): Promise<Answer> {
    if (name === 'livez') return json(200, { status: 'alive' });
    if (name === 'readyz') {
      return readiness(this.client, this.#closed, this.#access.readsFreely(request));
    }
    if (name === 'sign-in') return this.#signIn(request);
    const refusal = await this.#access.refuseRead(request);
    if (refusal !== undefined) return this.#refused(refusal);
    switch (name) {
      case 'status':
        return json(200, this.#status());
      case 'history':
        return json(200, this.#latency.status);
      case 'schema':
        return json(200, STATUS_SCHEMA, { 'content-type': 'application/schema+json' });
      case 'events':
        return this.#events(request);
      default:
        return this.#page(request);
    }
  }

  #events(request: HandledRequest): Answer {
    if (this.stream.isFull) {
      return failure(503, 'too many listeners', { 'retry-after': '5' });
    }
    const lastEventId = request.headers['last-event-id'];
    return events((sink) => this.stream.add(sink, lastEventId));
  }

  async #page(request: HandledRequest): Promise<Answer> {
    const mayChange = await this.#access.mayChange(request, 'switch');
    const { title, challenge, steering } = this.options;
    const maySteer = steering !== undefined && (await this.#access.mayChange(request, 'steer'));
    const maySignIn = !mayChange && challenge !== undefined && !this.#access.changesAreOff;
    const { document, contentSecurityPolicy } = pageFor({ title, mayChange, maySteer, maySignIn });
    return html(document, contentSecurityPolicy);
  }

  /** Makes a browser ask for a user name and password, then redirects to the page. */
  async #signIn(request: HandledRequest): Promise<Answer> {
    if (this.#access.changesAreOff || this.options.challenge === undefined) {
      return failure(404, 'not found');
    }
    if (await this.#access.mayChange(request, 'switch')) return redirectUp();
    return this.#refused({ status: 401, message: 'not allowed' });
  }

  async #change(request: HandledRequest, route: Route): Promise<Answer> {
    const refusal = this.#access.refuseChange(request);
    if (refusal !== undefined) return abandoned(this.#refused(refusal));
    // A form or an image of another site cannot send this type without a preflight request.
    const type = request.headers['content-type'] ?? '';
    if (!/^application\/json\s*(;|$)/i.test(type)) {
      return abandoned(failure(415, 'the content-type must be application/json'));
    }
    let body: unknown;
    try {
      body = await this.#body(request);
    } catch (error) {
      if (!(error instanceof BodyError)) throw error;
      return abandoned(failure(error.status, error.message));
    }
    return route.name === 'steering'
      ? this.#steer(request, body)
      : this.#changeDatabase(request, route, body);
  }

  async #changeDatabase(request: HandledRequest, route: Route, body: unknown): Promise<Answer> {
    const change = readChange(route, body);
    if (typeof change === 'string') return failure(400, change);
    const meant = await this.#authorized(change.databaseId, (id) => {
      return this.#access.refuseAction(request, change.action, id);
    });
    return typeof meant === 'string'
      ? perform(this.client, { ...change, databaseId: meant })
      : meant;
  }

  /** Publishes a steering document for all processes. */
  async #steer(request: HandledRequest, body: unknown): Promise<Answer> {
    const asked = readSteering(body);
    if (typeof asked === 'string') return failure(400, asked);
    const { order } = asked;
    const action = order.action === 'release' ? 'steer-release' : 'steer';
    const documentOf = (databaseId: string | undefined) =>
      steeringDocument(
        this.client,
        { ...asked, order: { ...order, databaseId } },
        this.clock.wallTime(),
      );
    const refuse = (id: string | undefined) =>
      this.#access.refuseAction(request, action, id, documentOf(id));
    let { databaseId } = order;
    if (databaseId === undefined) {
      const denied = await refuse(undefined);
      if (denied !== undefined) return this.#refused(denied);
    } else {
      const meant = await this.#authorized(databaseId, refuse);
      if (typeof meant !== 'string') return meant;
      databaseId = meant;
    }
    const { steering } = this.options;
    const obstacle = steeringObstacle(this.client, steering, order);
    if (obstacle !== undefined || steering === undefined) return failure(409, obstacle ?? '');
    return publishSteering(this.client, steering, documentOf(databaseId));
  }

  /**
   * The exact id of the database that a request means, or the answer that refuses it. `authorize`
   * decides about the exact ids that would be changed, and about the requested id if no database
   * matches, so that a refusal does not reveal which ids exist.
   */
  async #authorized(
    databaseId: string,
    refuse: (id: string) => Promise<Refusal | undefined>,
  ): Promise<string | Answer> {
    const meant = databasesMeant(this.client, databaseId);
    for (const id of meant.length > 0 ? meant : [databaseId]) {
      const denied = await refuse(id);
      if (denied !== undefined) return this.#refused(denied);
    }
    const [found] = meant;
    if (found === undefined) return failure(404, 'no database has this id');
    if (meant.length > 1)
      return failure(409, 'this id is ambiguous: several databases have it after redaction');
    return found;
  }

  async #body(request: HandledRequest): Promise<unknown> {
    let cancel = () => {};
    const timeUp = new Promise<void>((resolve) => {
      const timer = this.clock.after(this.options.bodyTimeoutMs, resolve);
      cancel = () => timer.cancel();
    });
    try {
      return await request.readBody({ maxBytes: MAX_BODY_BYTES, timeUp });
    } finally {
      cancel();
    }
  }

  #status(): Status {
    return statusOf(this.client, this.clock.wallTime());
  }

  #refused({ status, message }: Refusal): Answer {
    const { challenge } = this.options;
    const headers = status === 401 && challenge ? { 'www-authenticate': challenge } : {};
    return failure(status, message, headers as Record<string, string>);
  }
}

/** The body was not read and will not be. */
function abandoned(answer: Answer): Answer {
  return { ...answer, abandon: true };
}

function headerBytes({ headers }: HandledRequest): number {
  let bytes = 0;
  for (const name of Object.keys(headers)) bytes += name.length + (headers[name]?.length ?? 0);
  return bytes;
}
