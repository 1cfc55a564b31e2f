/** The JSON schema of a steering document, draft 7, which every editor supports. */
import {
  MAX_SPREAD_MS,
  MAX_STAGES,
  MAX_STEERED_DATABASES,
  MAX_TEXT,
  TIME_PATTERN,
} from './document.js';

const text = (maxLength: number) => ({ type: 'string', minLength: 1, maxLength });
const milliseconds = { type: 'number', minimum: 0, maximum: MAX_SPREAD_MS };
const time = { type: 'string', pattern: TIME_PATTERN };

/** Returns the schema of a steering document. */
export function steeringSchema(): Readonly<Record<string, unknown>> {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Steering document of redis-multidb',
    type: 'object',
    additionalProperties: false,
    required: ['schemaVersion', 'version', 'issuedAt', 'by', 'reason'],
    properties: {
      schemaVersion: { description: 'The version of this format.', const: 1 },
      version: {
        description: 'Grows with each document; the highest version is obeyed.',
        type: 'integer',
        minimum: 1,
        maximum: Number.MAX_SAFE_INTEGER,
      },
      issuedAt: { description: 'When the document was published (UTC).', ...time },
      until: {
        description: 'When the document ends by itself (UTC); later than issuedAt.',
        ...time,
      },
      spread: {
        description: 'Milliseconds over which the processes move, or stages. Default: 0.',
        anyOf: [
          milliseconds,
          {
            type: 'array',
            minItems: 1,
            maxItems: MAX_STAGES,
            items: {
              type: 'object',
              required: ['share'],
              additionalProperties: false,
              properties: {
                share: {
                  description: 'Rises from stage to stage; the last one is 1.',
                  type: 'number',
                  exclusiveMinimum: 0,
                  maximum: 1,
                },
                overMs: milliseconds,
                holdMs: milliseconds,
              },
            },
          },
        ],
      },
      prefer: {
        description: 'The database that comes first, whatever the weights.',
        ...text(MAX_TEXT.id),
      },
      weights: {
        description: 'Weights in place of the configured ones, by database.',
        type: 'object',
        minProperties: 1,
        maxProperties: MAX_STEERED_DATABASES,
        propertyNames: text(MAX_TEXT.id),
        additionalProperties: { type: 'number', exclusiveMinimum: 0 },
      },
      drain: {
        description: 'Databases that serve only when no other one can.',
        type: 'array',
        minItems: 1,
        maxItems: MAX_STEERED_DATABASES,
        uniqueItems: true,
        items: text(MAX_TEXT.id),
      },
      failback: { description: 'Overrides failbackSupported.', type: 'boolean' },
      force: {
        description: 'Makes the preferred database active although it is unhealthy.',
        type: 'boolean',
      },
      by: { description: 'Who published it.', ...text(MAX_TEXT.by) },
      reason: { description: 'Why.', ...text(MAX_TEXT.reason) },
    },
    dependencies: {
      force: ['prefer'],
      prefer: { not: { required: ['weights'] } },
    },
  };
}
