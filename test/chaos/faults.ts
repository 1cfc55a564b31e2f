/** What can happen to a database. Each lasts until `Place.heal`, or is over at once. */
import type { ProxyConnection } from '../kit/index.js';
import type { Draw } from '../simulation/draw.js';
import type { Place } from './place.js';

export interface Fault {
  readonly name: string;
  /** It is brought about by a command, which the server has to take. */
  readonly byCommand?: boolean;
  /** A cluster has other replicas. */
  readonly notOnClusters?: boolean;
  /** Not every place can have it, at any time. */
  readonly applies?: (place: Place) => boolean;
  readonly begin: (place: Place, draw: Draw) => Promise<unknown> | unknown;
}

const seconds = (draw: Draw, from: number, to: number) => draw.between(from, to).toFixed(2);

/** Transactions go through whole or not at all: a proxy that answers half of one is no fault of this world. */
const isAlone = (command: readonly string[]): boolean =>
  !/^(MULTI|EXEC|DISCARD)$/i.test(command[0] as string) && !command[1]?.startsWith('m:');
const isWrite = (command: readonly string[]): boolean =>
  /^(INCR|LPUSH|RPUSH|SET|HSET|XADD)$/i.test(command[0] as string);
const isData = ({ seen }: ProxyConnection): boolean => seen.has('MGET') || seen.has('INCR');
const isProbe = (command: readonly string[]): boolean =>
  /^(PING|HELLO|CLIENT|INFO|ROLE|CLUSTER|AUTH)$/i.test(command[0] as string);

/** The proxy answers in the server's place: all commands, all but probes, or writes alone. */
function answering(
  name: string,
  reply: string,
  scopes: readonly ('all' | 'data' | 'writes')[],
): Fault {
  return {
    name: `answers ${name}`,
    begin: (place, draw) => {
      const scope = draw.one(scopes);
      const share = draw.one([1, 1, 0.3]);
      place.proxy.answerWith(
        (command) => {
          place.witness.noteAnswer(command, reply);
          return reply;
        },
        (command) => {
          if (!isAlone(command)) return false;
          if (scope === 'data' && isProbe(command)) return false;
          if (scope === 'writes' && !isWrite(command)) return false;
          return share === 1 || draw.chance(share);
        },
      );
    },
  };
}

/** Two settings that reset what they find set. */
async function configure(place: Place, name: string, value: string, back: string): Promise<void> {
  place.undo('CONFIG', 'SET', name, back);
  await place.ask('CONFIG', 'SET', name, value);
}

async function killClients(place: Place): Promise<void> {
  await place.ask('CLIENT', 'KILL', 'TYPE', 'normal');
}

async function replicate(place: Place): Promise<void> {
  place.undo('REPLICAOF', 'NO', 'ONE');
  // Nobody listens there, so that the data stay.
  await place.ask('REPLICAOF', '127.0.0.1', '1');
}

const silences = (['to-server', 'to-client', 'both'] as const).flatMap((direction) =>
  (['hold', 'drop'] as const).map(
    (mode): Fault => ({
      name: `silence ${direction} (${mode})`,
      begin: ({ proxy }) => proxy.silence(direction, { mode }),
    }),
  ),
);

const processes: readonly Fault[] = [
  { name: 'kill', begin: (place) => place.kill() },
  {
    name: 'restart',
    begin: async (place) => {
      await place.kill();
      await place.launch();
    },
  },
  { name: 'freeze', begin: (place) => place.freeze() },
  {
    name: 'freeze, then kill',
    begin: async (place, draw) => {
      await place.freeze();
      await pause(draw.between(50, 400));
      await place.kill();
    },
  },
];

const network: readonly Fault[] = [
  { name: 'reset', begin: ({ proxy }) => proxy.reset() },
  { name: 'end', begin: ({ proxy }) => proxy.end() },
  {
    name: 'refuse',
    begin: ({ proxy }, draw) => {
      proxy.refuse();
      if (draw.chance(0.8)) proxy.reset();
    },
  },
  ...silences,
  { name: 'blackhole', begin: ({ proxy }) => proxy.blackhole() },
  { name: 'half open', begin: ({ proxy }) => proxy.halfOpen() },
  {
    name: 'delay',
    begin: ({ proxy }, draw) =>
      proxy.delay({
        toServerMs: draw.one([0, 5, 50, 300]),
        toClientMs: draw.one([0, 5, 50, 300]),
      }),
  },
  {
    name: 'lossy',
    begin: ({ proxy }, draw) => proxy.lossy({ share: draw.one([0.1, 0.3]), everyMs: 50 }),
  },
  {
    name: 'trickle',
    begin: ({ proxy }, draw) =>
      proxy.trickle({
        bytesPerSecond: draw.one([200, 2000, 20_000]),
        direction: draw.one(['to-server', 'to-client', 'both']),
      }),
  },
  {
    name: 'reply lost',
    begin: ({ proxy }) => {
      void proxy.cutAfter(0, 'to-client', (connection) => !connection.seen.has('PING'));
    },
  },
  {
    name: 'cut',
    begin: ({ proxy }, draw) => {
      void proxy.cutAfter(draw.integer(0, 5000), draw.one(['to-server', 'to-client']));
    },
  },
];

/** What a load balancer or a proxy in the way says before it closes, in no protocol of ours. */
const GARBAGE = [
  '-ERR idle timeout, connection closed by the proxy\r\n',
  'HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n',
  '\x15\x03\x01\x00\x02\x02\x28',
  '\r\n\r\n',
] as const;

const endpoints: readonly Fault[] = [
  {
    name: 'endpoint moved',
    byCommand: true,
    applies: (place) => place.canMove,
    begin: (place) => place.move(),
  },
  {
    name: 'flows forgotten',
    begin: ({ proxy }, draw) =>
      proxy.forgetFlows(
        draw.one(['both', 'both', 'to-server', 'to-client']),
        draw.one(['all', 'all', isData, (connection: ProxyConnection) => !isData(connection)]),
      ),
  },
  {
    name: 'garbage',
    begin: (place, draw) => {
      const text = draw.one(GARBAGE);
      place.witness.noteInjection(text);
      place.proxy.inject('to-client', text);
      if (draw.chance(0.5)) place.proxy.end();
      else place.proxy.reset();
    },
  },
  {
    name: 'name server silent',
    applies: ({ names }) => names !== undefined,
    begin: ({ names, hostname, proxy }, draw) => {
      names?.silence(hostname);
      if (draw.chance(0.5)) proxy.reset();
    },
  },
  {
    name: 'name server slow',
    applies: ({ names }) => names !== undefined,
    begin: ({ names, hostname, proxy }, draw) => {
      names?.delay(draw.integer(50, 500), hostname);
      if (draw.chance(0.5)) proxy.reset();
    },
  },
  {
    name: 'name unknown',
    applies: ({ names }) => names !== undefined,
    begin: ({ names, hostname, proxy }, draw) => {
      names?.fail(draw.one(['EAI_AGAIN', 'ENOTFOUND']), hostname);
      if (draw.chance(0.5)) proxy.reset();
    },
  },
];

const states: readonly Fault[] = [
  answering('LOADING', '-LOADING Redis is loading the dataset in memory', ['all']),
  answering(
    'MASTERDOWN',
    "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    ['all', 'data'],
  ),
  answering('CLUSTERDOWN', '-CLUSTERDOWN Hash slot not served', ['data']),
  answering('READONLY', "-READONLY You can't write against a read only replica.", ['writes']),
  answering('NOREPLICAS', '-NOREPLICAS Not enough good replicas to write.', ['writes']),
  answering('TRYAGAIN', '-TRYAGAIN Multiple keys request during rehashing of slot', ['data']),
  answering(
    'MISCONF',
    '-MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist to disk.',
    ['writes'],
  ),
  answering('BUSY', '-BUSY Redis is busy running a script.', ['all']),
  { name: 'READONLY', byCommand: true, notOnClusters: true, begin: replicate },
  {
    name: 'MASTERDOWN',
    byCommand: true,
    notOnClusters: true,
    begin: async (place) => {
      await configure(place, 'replica-serve-stale-data', 'no', 'yes');
      await replicate(place);
    },
  },
  { name: 'OOM', byCommand: true, begin: (place) => configure(place, 'maxmemory', '1', '0') },
  {
    name: 'NOAUTH',
    byCommand: true,
    begin: async (place, draw) => {
      place.undo('CONFIG', 'SET', 'requirepass', '');
      await place.ask('CONFIG', 'SET', 'requirepass', 'changed');
      place.password = 'changed';
      if (draw.chance(0.7)) await killClients(place);
    },
  },
  {
    name: 'maxclients',
    byCommand: true,
    begin: async (place, draw) => {
      await configure(place, 'maxclients', '1', '10000');
      if (draw.chance(0.7)) await killClients(place);
    },
  },
  { name: 'CLIENT KILL', byCommand: true, begin: killClients },
  {
    name: 'CLIENT PAUSE',
    byCommand: true,
    begin: async (place, draw) => {
      const durationMs = draw.integer(100, 900);
      place.busyUntil = performance.now() + durationMs + 20;
      await place.ask('CLIENT', 'PAUSE', String(durationMs), draw.one(['ALL', 'WRITE']));
    },
  },
  {
    name: 'DEBUG SLEEP',
    byCommand: true,
    begin: async (place, draw) => {
      const duration = seconds(draw, 0.1, 0.9);
      place.busyUntil = performance.now() + Number(duration) * 1000 + 50;
      await place.start('DEBUG', 'SLEEP', duration);
    },
  },
  {
    name: 'long script',
    byCommand: true,
    begin: async (place, draw) => {
      const duration = seconds(draw, 0.1, 0.6);
      // Processor time, which passes more slowly on a busy machine: others wait for its end.
      place.busyUntil = performance.now() + Number(duration) * 1000 + 300;
      const script = 'local e = os.clock() + ARGV[1] while os.clock() < e do end return 1';
      await place.start('EVAL', script, '0', duration);
    },
  },
];

export const FAULTS: readonly Fault[] = [...processes, ...network, ...endpoints, ...states];

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
