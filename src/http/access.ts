import type { Clock } from '../clock.js';
import type { SteeringDocument } from '../core/steering/document.js';
import type { AuthorizeRequest, HttpAction, ResolvedHttpOptions } from './options.js';
import { isCrossSite, isLocal, isNavigation, isOwnHost } from './origin.js';
import type { HandledRequest } from './request.js';
import type { RouteName } from './routes.js';

/** Why a request is refused. */
export interface Refusal {
  readonly status: 401 | 403;
  readonly message: string;
}

const NOT_ALLOWED: Refusal = { status: 403, message: 'not allowed' };

/** Decides who may do what. Everything that is not clearly allowed is refused. */
export class Access {
  constructor(
    private readonly options: ResolvedHttpOptions,
    private readonly clock: Clock,
  ) {}

  get changesAreOff(): boolean {
    return this.options.authorize === undefined;
  }

  /** Whether the client may read everything without a call of `authorize`. */
  readsFreely(request: HandledRequest): boolean {
    const { read, hosts } = this.options;
    return read === 'any' || (read === 'loopback' && isLocal(request, hosts));
  }

  /** Requests that another site must not cause a browser to make. */
  refuseSite(request: HandledRequest, route: RouteName): Refusal | undefined {
    const { hosts } = this.options;
    const isLink = (route === 'page' || route === 'sign-in') && isNavigation(request);
    if (isLink && request.method === 'GET') return undefined;
    if (!isCrossSite(request, hosts)) return undefined;
    return { status: 403, message: 'requests from other sites are refused' };
  }

  async refuseRead(request: HandledRequest): Promise<Refusal | undefined> {
    if (this.readsFreely(request)) return undefined;
    const foreign = this.#refuseHost(request);
    if (foreign !== undefined) return foreign;
    if (this.options.authorize === undefined) {
      return {
        status: 403,
        message: "only loopback clients may read; the options 'authorize' and 'read' allow others",
      };
    }
    return this.#ask(request, { action: 'read', preview: false });
  }

  /** Checks before the body is read. */
  refuseChange(request: HandledRequest): Refusal | undefined {
    if (this.changesAreOff) {
      return {
        status: 403,
        message: "changes are not allowed; the option 'authorize' allows them",
      };
    }
    return this.#refuseHost(request);
  }

  /** After `refuseChange`. */
  async refuseAction(
    request: HandledRequest,
    action: HttpAction,
    databaseId: string | undefined,
    steering?: SteeringDocument,
  ): Promise<Refusal | undefined> {
    return this.#ask(request, { action, databaseId, steering, preview: false });
  }

  /** Whether the page shows the buttons of `action` to this client. */
  async mayChange(request: HandledRequest, action: 'switch' | 'steer'): Promise<boolean> {
    if (this.refuseChange(request) !== undefined) return false;
    return (await this.#ask(request, { action, preview: true })) === undefined;
  }

  #refuseHost(request: HandledRequest): Refusal | undefined {
    if (isOwnHost(request, this.options.hosts)) return undefined;
    return { status: 403, message: "this Host is not listed in the option 'hosts'" };
  }

  async #ask(
    request: HandledRequest,
    what: Pick<AuthorizeRequest, 'action' | 'preview'> & Partial<AuthorizeRequest>,
  ): Promise<Refusal | undefined> {
    const { action, databaseId, steering, preview } = what;
    const { authorize, authorizeTimeoutMs, challenge } = this.options;
    const { method, path, headers, remoteAddress, raw } = request;
    const asked: AuthorizeRequest = {
      ...{ action, databaseId, steering, preview },
      ...{ method, path, headers, remoteAddress, raw },
    };
    const refusal: Refusal =
      challenge === undefined ? NOT_ALLOWED : { status: 401, message: 'not allowed' };
    let isAllowed: unknown;
    let cancel = () => {};
    try {
      const timeUp = new Promise<false>((resolve) => {
        const timer = this.clock.after(authorizeTimeoutMs, () => resolve(false));
        cancel = () => timer.cancel();
      });
      isAllowed = await Promise.race([authorize?.(asked), timeUp]);
    } catch {
      isAllowed = false;
    }
    cancel();
    return isAllowed === true ? undefined : refusal;
  }
}
