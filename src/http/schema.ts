/** What `GET /status` answers, as JSON Schema (2020-12). `GET /schema.json` serves it. */

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const amount = { type: 'number', minimum: 0 } as const;
const whole = { type: 'integer', minimum: 0 } as const;
const time = { type: 'string', format: 'date-time' } as const;

function orNull<T extends { readonly type: string }>({ type, ...rest }: T) {
  return { ...rest, type: [type, 'null'] };
}

function object(description: string, properties: Record<string, object>) {
  return { description, type: 'object', properties, required: Object.keys(properties) };
}

function about(description: string, schema: object) {
  return { description, ...schema };
}

const probe = {
  ...object('The last probe; null before the first.', {
    check: about('Name of the health check.', text),
    healthy: flag,
    cause: orNull(text),
    at: time,
    latencyMs: amount,
  }),
  type: ['object', 'null'],
};

const healing = {
  ...object('The active one fails and is given time to heal; null: it is well, or there is none.', {
    cause: about('What fails, in words.', text),
    since: about('The first sign of it.', time),
    leftAt: about('It is left then if it still fails.', time),
  }),
  type: ['object', 'null'],
};

const database = object('One database.', {
  id: text,
  weight: { type: 'number', exclusiveMinimum: 0 },
  active: flag,
  health: { enum: ['unknown', 'healthy', 'unhealthy'] },
  cause: about('Why it is unhealthy.', orNull(text)),
  connected: about("Every client's data connection is ready.", flag),
  breaker: { enum: ['closed', 'open'] },
  failures: about('In the sliding window of the circuit breaker.', whole),
  total: about('Commands in the same window.', whole),
  gracePeriodLeftMs: amount,
  drained: about('Somebody keeps it away from traffic.', flag),
  drainEndsAt: about('Null: not drained, or until it is resumed.', orNull(time)),
  latencyMs: about('Of the last probe.', orNull(amount)),
  lastProbe: probe,
  lacks: about('What it lacks to become active.', { type: 'array', items: text }),
  details: about('The same in words.', { type: 'array', items: text }),
  possibleAt: about('When it could become active, if that is known.', orNull(time)),
});

const switched = object('A change of the active database.', {
  from: about('Null: none was active.', orNull(text)),
  to: about('Null: none can serve.', orNull(text)),
  reason: {
    enum: [
      'initial',
      'health-check',
      'circuit-breaker',
      'failback',
      'weight',
      'manual',
      'forced',
      'removed',
      'recovered',
    ],
  },
  cause: about('In words.', text),
  at: time,
  generation: { type: 'integer', minimum: 1 },
  durationMs: about('From the first sign until the switch.', amount),
});

export const STATUS_SCHEMA: Readonly<Record<string, unknown>> = Object.freeze({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Status of a redis-multidb client',
  ...object('Which database is active and why, and what the others lack.', {
    schemaVersion: about('Grows when a field is removed or changes its meaning.', { const: 1 }),
    at: time,
    state: { enum: ['closed', 'connecting', 'serving', 'searching', 'down'] },
    ready: about('A database can serve.', flag),
    activeDatabase: about('Its id; null while there is none.', orNull(text)),
    why: about('In words, why it and no other.', orNull(text)),
    lastResort: about('It serves although it is not eligible, because none is.', flag),
    healing,
    databases: { type: 'array', items: database },
    switches: about('The last ones, oldest first.', { type: 'array', items: switched }),
    explanation: about('What explain() prints.', text),
  }),
});
