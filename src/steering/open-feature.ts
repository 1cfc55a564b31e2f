import type { SteeringSource } from '../options/steering.js';
import { invalid } from '../validation/check.js';
import { jittered, milliseconds, optionalText, requiredText, sourceOptions } from './options.js';

/** The members of an OpenFeature client that are used; that of `@openfeature/server-sdk` has them. */
export interface FeatureFlagClient {
  /** Resolves to the value of a flag, or to `defaultValue` with an error code. */
  getObjectDetails(
    flagKey: string,
    defaultValue: never,
  ): Promise<{
    readonly value: unknown;
    readonly errorCode?: unknown;
    readonly errorMessage?: string;
  }>;
  /** Adds a listener of an event of the provider. */
  addHandler(event: never, handler: () => void): void;
  /** Removes it. */
  removeHandler(event: never, handler: () => void): void;
}

/** Options of `openFeatureSteering()`. */
export interface OpenFeatureSteeringOptions {
  /** Time between two evaluations, about. Accepts milliseconds from 1 to 2147483647. Default: 5000. */
  readonly intervalMs?: number;
  /** The name of the source. Default: `open-feature`. */
  readonly name?: string;
}

const EVENTS = ['PROVIDER_READY', 'PROVIDER_CONFIGURATION_CHANGED'] as const;

/**
 * Steering by an object flag of OpenFeature, whichever service holds it. The flag is evaluated when
 * the provider reports a change, and periodically. An empty object means that there is no document.
 */
export function openFeatureSteering(
  client: FeatureFlagClient,
  flagKey: string,
  options: OpenFeatureSteeringOptions = {},
): SteeringSource {
  if (typeof client?.getObjectDetails !== 'function') {
    throw invalid('client', 'a client of @openfeature/server-sdk', client);
  }
  const flag = requiredText(flagKey, 'flagKey');
  const given = sourceOptions(options, ['intervalMs', 'name'], 'options');
  const intervalMs = milliseconds(given.intervalMs, 'intervalMs', 5000);
  const name = optionalText(given.name, 'name') ?? 'open-feature';
  return {
    name,
    watch(context) {
      let isOver = false;
      const read = async () => {
        try {
          const { value, errorCode, errorMessage } = await client.getObjectDetails(
            flag,
            {} as never,
          );
          if (isOver) return;
          if (errorCode !== undefined) context.fail(new Error(errorMessage ?? String(errorCode)));
          else if (isEmpty(value)) context.absent();
          else context.deliver(value);
        } catch (error) {
          if (!isOver) context.fail(error);
        }
      };
      const onChange = () => void read();
      for (const event of EVENTS) client.addHandler(event as never, onChange);
      const periodically = () => {
        void read();
        context.after(jittered(intervalMs, context.random), periodically);
      };
      periodically();
      return () => {
        isOver = true;
        for (const event of EVENTS) client.removeHandler(event as never, onChange);
      };
    },
  };
}

function isEmpty(value: unknown): boolean {
  const isObject = typeof value === 'object' && value !== null;
  return value === undefined || value === null || (isObject && Object.keys(value).length === 0);
}
