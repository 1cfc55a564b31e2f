import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Attributes, Meter } from '@opentelemetry/api';
import { type CommandMessage, commandChannelName } from '../diagnostics/command-channel.js';
import { failureOf } from '../metrics/call-failure.js';
import { COMMAND_DURATION, COMMAND_DURATION_BUCKETS } from '../metrics/histograms.js';
import type { Subjects } from '../metrics/subjects.js';
import {
  attributesOf,
  type CallTarget,
  failureAttributes,
  serverAttributes,
} from './attributes.js';

/** Records the durations of commands from now on; returns what ends it. */
export function recordCommands(meter: Meter, subjects: Subjects): () => void {
  const durations = meter.createHistogram(COMMAND_DURATION.otel, {
    description: COMMAND_DURATION.help,
    unit: COMMAND_DURATION.unit,
    advice: { explicitBucketBoundaries: [...COMMAND_DURATION_BUCKETS] },
  });
  const series = new SuccessSeries();
  const record = (message: unknown) => {
    const call = message as CommandMessage;
    const client = subjects.find(call.group);
    if (client === undefined) return;
    const attributes = series.attributesOf(client, call);
    durations.record(
      call.durationMs / 1000,
      call.failure === undefined
        ? attributes
        : { ...attributes, ...failureAttributes(failureOf(call.failure.error)) },
    );
  };
  subscribe(commandChannelName, record);
  return () => unsubscribe(commandChannelName, record);
}

/** Attributes, and what they were made from. */
interface Made extends CallTarget {
  readonly attributes: Attributes;
}

/** Number of commands whose attributes are kept for each client: more than there are. */
const MAX_COMMANDS = 1000;

/** Keeps the attributes of the latest call of each command, because most calls go where it went. */
class SuccessSeries {
  readonly #made = new Map<string, Map<string, Made>>();

  attributesOf(client: string, call: CommandMessage): Attributes {
    const { command, id, serverAddress, serverPort, database } = call;
    let byCommand = this.#made.get(client);
    if (byCommand === undefined) {
      byCommand = new Map();
      this.#made.set(client, byCommand);
    }
    const made = byCommand.get(command);
    if (
      made !== undefined &&
      made.id === id &&
      made.serverAddress === serverAddress &&
      made.serverPort === serverPort &&
      made.database === database
    ) {
      return made.attributes;
    }
    const target = { id, serverAddress, serverPort, database };
    const attributes = {
      ...attributesOf({ client, operation: command }),
      ...serverAttributes(target),
    };
    if (byCommand.size >= MAX_COMMANDS) byCommand.clear();
    byCommand.set(command, { ...target, attributes });
    return attributes;
  }
}
