// What happens to the active database. Every one but the reset lasts.

/** @typedef {import('../../test/kit/index.js').RedisServer} RedisServer */
/** @typedef {import('../../test/kit/index.js').FaultProxy} FaultProxy */

/** @type {Readonly<Record<string, { direct: boolean, strike: (server: RedisServer, proxy: FaultProxy) => unknown }>>} */
export const FAULTS = {
  killed: { direct: true, strike: (server) => server.kill() },
  frozen: { direct: true, strike: (server) => server.freeze() },
  'connections reset, then refused': {
    direct: false,
    strike: (_server, proxy) => {
      proxy.refuse();
      proxy.reset();
    },
  },
  silent: {
    direct: false,
    strike: (_server, proxy) => proxy.silence('both', { mode: 'drop' }),
  },
  'connections reset, the server is healthy': {
    direct: false,
    strike: (_server, proxy) => proxy.reset(),
  },
  LOADING: {
    direct: false,
    strike: (_server, proxy) => proxy.answerWith('-LOADING Redis is loading the dataset in memory'),
  },
};

/** What comes back by itself, without another database. */
export const SURVIVED = 'connections reset, the server is healthy';
