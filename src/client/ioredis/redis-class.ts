import type { RetrySafety } from '../../core/command-risk.js';
import { UnsupportedError } from '../../errors.js';
import { checkedOutage, checkedRetrySafety } from '../../options/command-options.js';
import { hedgingOfView } from '../../options/hedging.js';
import type { HedgingOptions } from '../../options/types.js';
import type { CommandOptions, OutagePolicy } from '../../runtime/command/command-options.js';
import type { SharedGroup } from '../../runtime/group/shared-group.js';
import { define } from '../define.js';
import { managementMembers, type Translating } from '../management-members.js';
import { shareListeners } from '../shared-listeners.js';
import { traceConnect, UNNAMED } from '../tracing.js';
import { OF_THE_CLIENT, performTransaction, type TransactionCall } from './client-transaction.js';
import { defineDirectMethods } from './direct-methods.js';
import { duplicateOptions } from './duplicate-options.js';
import { withText } from './errors.js';
import { closed, Face } from './face.js';
import type {
  IoredisClass,
  IoredisCommand,
  IoredisInstance,
  IoredisOptions,
  IoredisScanStream,
  PipelineStream,
} from './library.js';
import { MONITOR } from './refused-commands.js';
import { attachPages } from './scan-stream.js';
import { CommandSender } from './send-command.js';
import { VIEW, ViewOptions } from './view-options.js';

/** What a client of a group is created from. */
export interface ClientSetup {
  readonly name: string;
  readonly shared: SharedGroup;
  /** Options of ioredis that belong to one client. */
  readonly options: IoredisOptions;
  /** Passes a database of this API to `use`, converted into one of the engine. */
  readonly translating: Translating;
  /** Options of all commands, inherited from a view. */
  readonly commandOptions?: CommandOptions;
}

export type MultiDbClass = new (setup: ClientSetup) => IoredisInstance;

/** What a client and its views know about each other. */
interface Own {
  readonly face: Face;
  readonly sender: CommandSender;
  readonly setup: ClientSetup;
}

const OWN = Symbol('redis-multidb');

type Client = IoredisInstance & {
  readonly [OWN]: Own;
  readonly [VIEW]: ViewOptions;
  sendCommand(command: IoredisCommand, stream?: PipelineStream): Promise<unknown>;
};

/** Per copy of this package, because each extends with its own code. */
const classes = new WeakMap<object, MultiDbClass>();

/** In place of ioredis's connections. It is never asked for one. */
class Unconnected {
  connect(): Promise<never> {
    return Promise.reject(new UnsupportedError('use `duplicate()` to create another client'));
  }

  disconnect(): void {}

  check(): boolean {
    return true;
  }
}

/**
 * The class of clients of several databases for one copy of ioredis: a subclass of its `Redis` whose
 * commands go to the engine. Nothing of ioredis's connection code runs.
 */
export function multiDbClassOf(Redis: IoredisClass): MultiDbClass {
  const known = classes.get(Redis);
  if (known !== undefined) return known;
  const created = extend(Redis);
  // Libraries look at the name of the constructor.
  Object.defineProperty(created, 'name', { value: Redis.name });
  classes.set(Redis, created);
  return created;
}

function extend(Redis: IoredisClass): MultiDbClass {
  class MultiDbRedis extends Redis {
    declare readonly [OWN]: Own;
    declare readonly [VIEW]: ViewOptions;

    constructor(setup: ClientSetup) {
      super({ ...setup.options, lazyConnect: true, Connector: Unconnected });
      shareListeners(this);
      const isLazy = setup.options.lazyConnect === true;
      this.options.lazyConnect = isLazy;
      // Commands of one turn of the event loop are written together anyway.
      this.options.enableAutoPipelining = false;
      const { commandTimeout: timeout } = this.options as { commandTimeout?: number };
      const base = { ...setup.commandOptions, ...(timeout === undefined ? {} : { timeout }) };
      const face = new Face(Redis, this, setup);
      const { connectionName } = this.options;
      if (typeof connectionName === 'string') {
        face.session.settings.set('SETNAME', ['CLIENT', 'SETNAME', connectionName]);
      }
      const sender = new CommandSender(face, Redis);
      const view = new ViewOptions(face, base);
      define(this, { [OWN]: { face, sender, setup }, [VIEW]: view });
      const { name, shared, translating } = setup;
      const api = { notOpen: () => withText(closed()), translating };
      define(this, managementMembers(name, face.session, shared, api));
      if (isLazy) face.status.set('wait');
      else void this.connect().catch(() => {});
    }

    connect(callback?: (error: unknown) => void): Promise<void> {
      const { face } = this[OWN];
      const connecting = traceConnect(() => face.connect(), UNNAMED, face.source);
      if (callback !== undefined) connecting.then(() => callback(null), callback);
      return connecting;
    }

    disconnect(reconnect = false): void {
      this[OWN].face.disconnect(reconnect);
    }

    close(): Promise<void> {
      return this[OWN].face.close();
    }

    destroy(): void {
      this[OWN].face.disconnect(false);
    }

    async [Symbol.asyncDispose](): Promise<void> {
      await this.close();
    }

    ref(): void {
      this[OWN].face.session.ref();
    }

    unref(): void {
      this[OWN].face.session.unref();
    }

    duplicate(overrides?: IoredisOptions): IoredisInstance {
      const { setup } = this[OWN];
      const options = duplicateOptions(setup.options, this.options, overrides);
      const { timeout: _timeout, ...commandOptions } = this[VIEW].base;
      return new (multiDbClassOf(Redis))({ ...setup, options, commandOptions });
    }

    withRetrySafety(retrySafety: RetrySafety): IoredisInstance {
      return viewOf(this, { retrySafety: checkedRetrySafety(retrySafety) });
    }

    withOutage(outage: OutagePolicy): IoredisInstance {
      return viewOf(this, { outage: checkedOutage(outage) });
    }

    withHedging(given: HedgingOptions | false = {}): IoredisInstance {
      const { standbyConnections, group } = this[OWN].setup.shared.options;
      return viewOf(this, { hedging: hedgingOfView(given, group.client, standbyConnections) });
    }

    transaction(...call: TransactionCall): Promise<unknown> {
      const { face } = this[OWN];
      const run = face.shared.rejections.wrap(async () =>
        performTransaction(face, call, (connection) =>
          transactionView(this, new CommandSender(face, Redis, connection)),
        ),
      );
      return run();
    }

    get mode(): string {
      return this[OWN].face.pubsub.isActive ? 'subscriber' : 'normal';
    }

    monitor(callback?: (error: unknown) => void): Promise<never> {
      const { rejections } = this[OWN].face.shared;
      const refused = rejections.reject(new UnsupportedError(`monitor: ${MONITOR}`));
      if (callback !== undefined) refused.catch(callback);
      return refused;
    }

    sendCommand(command: IoredisCommand, stream?: PipelineStream): Promise<unknown> {
      return this[OWN].sender.send(command, stream, this[VIEW]);
    }

    /** Called by the constructor of ioredis; the status is that of the engine. */
    setStatus(status: string): void {
      this.status = status;
    }

    override createScanStream(command: string, options: object): IoredisScanStream {
      const stream = super.createScanStream(command, options);
      const { face } = this[OWN];
      const send = (page: IoredisCommand, own: CommandOptions) =>
        viewOf(this, own).sendCommand(page);
      attachPages(stream, Redis.Command, this.options, face.shared.options, send);
      return stream;
    }
  }
  defineDirectMethods(MultiDbRedis.prototype, Redis);
  return MultiDbRedis;
}

/** A view of a client whose commands have these options. */
function viewOf(client: IoredisInstance, own: CommandOptions): Client {
  const view = Object.create(client) as Client;
  const { face, base } = (client as Client)[VIEW];
  define(view, { [VIEW]: new ViewOptions(face, { ...base, ...own }) });
  return view;
}

/** A view of a client whose commands take part in a transaction. */
function transactionView(client: IoredisInstance, sender: CommandSender): Client {
  const view = viewOf(client, {});
  define(view, {
    sendCommand(this: Client, command: IoredisCommand, stream?: PipelineStream) {
      return sender.send(command, stream, this[VIEW]);
    },
  });
  for (const name of OF_THE_CLIENT) {
    define(view, {
      [name]: () => {
        const why = 'not available in a transaction; call it on the client';
        throw new UnsupportedError(`${name}: ${why}`);
      },
    });
  }
  return view;
}
