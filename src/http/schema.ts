/** The JSON Schema (2020-12) of `GET /status`. `GET /schema.json` serves it. */

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

/** An application with an earlier version does not report these properties. */
function optional<T extends { readonly required: readonly string[] }>(names: string[], schema: T) {
  return { ...schema, required: schema.required.filter((name) => !names.includes(name)) };
}

function about(description: string, schema: object) {
  return { description, ...schema };
}

const probe = {
  ...object('The latest probe; null before the first one.', {
    check: about('Name of the health check.', text),
    healthy: flag,
    cause: orNull(text),
    at: time,
    latencyMs: amount,
  }),
  type: ['object', 'null'],
};

const healing = {
  ...object('The failover delay of the active database; null if it is healthy or there is none.', {
    cause: about('Description of the failure.', text),
    since: about('Time of the first sign of the failure.', time),
    leftAt: about('Time at which the database is left if it still fails.', time),
  }),
  type: ['object', 'null'],
};

const forced = {
  ...object('How long the active database is forced; null if it is not.', {
    unchecked: about('Whether it is not left even if it fails.', flag),
    until: about('Null: until it is released.', orNull(time)),
  }),
  type: ['object', 'null'],
};

const document = object('A steering document; null without one.', {
  version: { type: 'integer', minimum: 1 },
  by: about('Who published it.', text),
  reason: about('Why.', text),
  asks: about('What it asks for, in words.', text),
  obeyedAt: about('When this client begins to obey, or began.', time),
  until: about('When it ceases to obey; null: when a newer document replaces it.', orNull(time)),
});

const steering = {
  ...object('Steering; null without the option.', {
    instanceId: text,
    place: about('The place of this client in a spread.', { type: 'number', minimum: 0 }),
    obeyed: { ...document, type: ['object', 'null'] },
    next: about('Obeyed later.', { ...document, type: ['object', 'null'] }),
    stopped: about('Why this client no longer obeys a document.', orNull(text)),
    sources: {
      type: 'array',
      items: object('One source.', { source: text, state: text, cause: orNull(text) }),
    },
  }),
  type: ['object', 'null'],
};

const database = optional(
  ['slow', 'slowCalls', 'readOnly'],
  object('One database.', {
    id: text,
    weight: { type: 'number', exclusiveMinimum: 0 },
    active: flag,
    health: { enum: ['unknown', 'healthy', 'unhealthy'] },
    cause: about('Why the database is unhealthy.', orNull(text)),
    connected: about('Whether the data connections of all clients are ready.', flag),
    breaker: { enum: ['closed', 'open'] },
    failures: about('Failures in the sliding window of the circuit breaker.', whole),
    total: about('Commands in the sliding window.', whole),
    slow: about('Whether it is active and slow, or was left for that and is not fast again.', flag),
    slowCalls: about('Slow calls in the sliding window of the failure detector.', whole),
    readOnly: about('Whether it serves reads only, until it is promoted.', flag),
    gracePeriodLeftMs: amount,
    drained: about('Whether the database is drained.', flag),
    drainEndsAt: about(
      'Null if the database is not drained, or drained until it is resumed.',
      orNull(time),
    ),
    latencyMs: about('Latency of the latest probe.', orNull(amount)),
    lastProbe: probe,
    lacks: about('What the database lacks to become active.', { type: 'array', items: text }),
    details: about('Descriptions of what it lacks.', { type: 'array', items: text }),
    possibleAt: about('When the database could become active, if known.', orNull(time)),
  }),
);

const switched = object('A change of the active database.', {
  from: about('Null if none was active.', orNull(text)),
  to: about('Null if none can serve.', orNull(text)),
  reason: {
    enum: [
      'initial',
      'health-check',
      'circuit-breaker',
      'slow',
      'failback',
      'weight',
      'manual',
      'forced',
      'removed',
      'steered',
      'recovered',
    ],
  },
  cause: about('In words.', text),
  at: time,
  generation: { type: 'integer', minimum: 1 },
  durationMs: about('Time from the first sign until the switch.', amount),
});

const status = object('The active database, the reason, and what the other databases lack.', {
  schemaVersion: about('Increases when a field is removed or changes its meaning.', { const: 1 }),
  at: time,
  state: { enum: ['closed', 'connecting', 'serving', 'searching', 'down'] },
  ready: about('Whether a database can serve.', flag),
  activeDatabase: about('Id of the active database; null if there is none.', orNull(text)),
  why: about('Why this database is active.', orNull(text)),
  lastResort: about(
    'Whether the active database is the last resort: not eligible, but no other one is.',
    flag,
  ),
  forced,
  healing,
  nextFailbackCheckAt: about(
    'The next look for a better database; null: failback is off, or the active one is held.',
    orNull(time),
  ),
  databases: { type: 'array', items: database },
  switches: about('The latest switches, oldest first.', { type: 'array', items: switched }),
  steering,
  explanation: about('The text of explain().', text),
});

/** The JSON Schema (2020-12) of the document of `GET /status`. */
export const STATUS_SCHEMA: Readonly<Record<string, unknown>> = Object.freeze({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Status of a redis-multidb client',
  ...optional(['forced', 'steering'], status),
});
