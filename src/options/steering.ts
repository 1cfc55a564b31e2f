import { hostname } from 'node:os';
import type { Timer } from '../clock.js';
import type { CommandArgument } from '../core/command-argument.js';
import type { SteeringDocument } from '../core/steering/document.js';
import { invalid } from '../validation/check.js';

/** A database of the client, as a steering source may read it. */
export interface SteeringDatabase {
  /** The id of the database. */
  readonly id: string;
  /**
   * Sends a command over a probe connection that is open already. Rejects with the error reply, when
   * no connection is open, or when it breaks or does not answer within the probe timeout.
   */
  sendCommand(args: readonly CommandArgument[]): Promise<unknown>;
}

/** What a source may use, and where it reports. Calls after the end of the watch have no effect. */
export interface SteeringContext {
  /** The databases of the client at this moment. */
  readonly databases: readonly SteeringDatabase[];
  /**
   * Reports a document: JSON text, or the value itself. Duplicates have no effect, so that a source
   * may report at every reading. `origin`: the place in the source, if it reads several.
   */
  deliver(document: unknown, origin?: string): void;
  /** Reports that the source was read and holds no document. Changes nothing. */
  absent(origin?: string): void;
  /** Reports that the source can't be read. Changes nothing. */
  fail(error: unknown, origin?: string): void;
  /** Calls back once after `delayMs`; ends with the watch, and does not keep the process alive. */
  after(delayMs: number, callback: () => void): Timer;
  /** Uniform in [0, 1), for jitter. */
  random(): number;
}

/** Where steering documents come from. Implement it for a source of your own. */
export interface SteeringSource {
  /** Name in `explain()`, events and metrics; unique in the client. */
  readonly name: string;
  /** Begins to watch; the returned function ends that. Several clients may watch at the same time. */
  watch(context: SteeringContext): () => void;
  /**
   * Publishes a document to every place of the source that can be reached. Raises the version of
   * `document` where the source holds the same or a higher one. Rejects if no place can be named.
   * Optional: without it, the source is read only.
   */
  publish?(document: SteeringDocument): Promise<SteeringPublication>;
}

/** What `publish()` of a steering source did. */
export interface SteeringPublication {
  /** The document as it was published. */
  readonly document: SteeringDocument;
  /** The places that hold it, such as ids of databases. */
  readonly written: readonly string[];
  /** The places that were not reached, or refused, and why. */
  readonly failed: readonly { readonly place: string; readonly cause: string }[];
}

/** The sources, validated; none if steering is off. */
export function resolveSteering(value: unknown): readonly SteeringSource[] {
  if (value === undefined) return [];
  const sources: unknown[] = Array.isArray(value) ? value : [value];
  if (sources.length === 0) throw invalid('steering', 'a source, or a non-empty array', value);
  const names = new Set<string>();
  for (const [index, source] of sources.entries()) {
    const at = Array.isArray(value) ? `steering[${index}]` : 'steering';
    if (!isSource(source)) throw invalid(at, 'an object with `name` and `watch()`', source);
    if (names.has(source.name)) {
      throw invalid(`${at}.name`, 'a name that no other source has', source.name);
    }
    names.add(source.name);
  }
  return Object.freeze([...sources]) as readonly SteeringSource[];
}

function isSource(value: unknown): value is SteeringSource {
  const { name, watch } = (value ?? {}) as Partial<SteeringSource>;
  return typeof name === 'string' && name !== '' && typeof watch === 'function';
}

/** Distinguishes this process from the others of the fleet. */
export function defaultInstanceId(): string {
  return `${hostname()}:${process.pid}`;
}
