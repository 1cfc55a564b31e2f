/** The configuration of the playground: what it starts with, as a link, and as code. */
import { DEFAULTS } from '../../src/options/defaults.js';

export interface PlaygroundDatabase {
  readonly id: string;
  readonly weight: number;
  /** Of one direction. */
  readonly latencyMs: number;
  /** Most that a random part adds to the latency. */
  readonly jitterMs: number;
}

export type OptionValue = number | boolean | string;

export interface PlaygroundConfig {
  readonly databases: readonly PlaygroundDatabase[];
  readonly commandsPerSecond: number;
  /** Share of reads, 0 to 1; the rest are INCR. */
  readonly readShare: number;
  /** Options that differ from their defaults, by their path, for example `healthCheck.timeoutMs`. */
  readonly options: Readonly<Record<string, OptionValue>>;
}

export const INITIAL: PlaygroundConfig = {
  databases: [
    { id: 'east', weight: 1, latencyMs: 0.5, jitterMs: 0 },
    { id: 'west', weight: 0.5, latencyMs: 15, jitterMs: 2 },
  ],
  commandsPerSecond: 100,
  readShare: 0.5,
  options: {},
};

/** One option as a control. */
export interface Control {
  readonly path: string;
  readonly kind: 'number' | 'boolean' | 'choice';
  readonly choices: readonly string[];
  readonly default: string;
  readonly range: string;
  readonly meaning: string;
}

/** Options without a meaning for the simulated databases: names, transactions, iterators, subscriptions. */
const WITHOUT_EFFECT =
  /^(databases|client|iterators|subscriptions|preload|maxTransaction|resolve|beforeFailback|keepConnecting)/;
/** Numbers without a default. */
const NUMBERS = new Set(['failureDetector.slowCallMs', 'unhealthyAfterMs']);

/** Every option that is a number, a flag or a choice, from the table of defaults. */
export function controls(): Control[] {
  return Object.entries(DEFAULTS).flatMap(([path, entry]) => {
    const kind = NUMBERS.has(path) ? 'number' : typeof entry.default;
    if (WITHOUT_EFFECT.test(path)) return [];
    if (kind !== 'number' && kind !== 'boolean' && kind !== 'string') return [];
    const choices = [...entry.range.matchAll(/'([\w-]+)'/g)].map(([, choice = '']) => choice);
    return {
      path,
      kind: kind === 'string' ? ('choice' as const) : kind,
      choices,
      default: entry.shownDefault ?? String(entry.default),
      range: entry.range,
      meaning: entry.meaning,
    };
  });
}

/** The options as an object: `{ 'healthCheck.timeoutMs': 250 }` gives `{ healthCheck: { timeoutMs: 250 } }`. */
export function nested(options: PlaygroundConfig['options']): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(options)) {
    const names = path.split('.');
    let place = result;
    for (const name of names.slice(0, -1)) {
      place[name] ??= {};
      place = place[name] as Record<string, unknown>;
    }
    place[names.at(-1) as string] = value;
  }
  return result;
}

/** The configuration as a program. */
export function asCode({ databases, options }: PlaygroundConfig): string {
  const lines = databases.map(
    ({ id, weight }) =>
      `    { id: '${id}', weight: ${weight}, client: { url: 'redis://${id}.example.com:6379' } },`,
  );
  const settings = Object.entries(nested(options)).map(
    ([name, value]) => `  ${name}: ${show(value)},`,
  );
  return [
    "import { createMultiDbClient } from 'redis-multidb';",
    '',
    'const client = createMultiDbClient({',
    '  databases: [',
    ...lines,
    '  ],',
    ...settings,
    '});',
    'await client.connect();',
    '',
  ].join('\n');
}

function show(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value !== 'object' || value === null) return String(value);
  const parts = Object.entries(value).map(([name, each]) => `${name}: ${show(each)}`);
  return `{ ${parts.join(', ')} }`;
}

/** The configuration for the fragment of a link. */
export function asFragment(config: PlaygroundConfig): string {
  return encodeURIComponent(JSON.stringify(config));
}

/** What a link holds; undefined for a link of somebody else. Values are validated where they are used. */
export function fromFragment(fragment: string): PlaygroundConfig | undefined {
  try {
    const { databases, commandsPerSecond, readShare, options } = JSON.parse(
      decodeURIComponent(fragment.replace(/^#/, '')),
    );
    if (!Array.isArray(databases) || databases.length < 1 || databases.length > 5) return undefined;
    return {
      databases: databases.map(({ id, weight, latencyMs, jitterMs }) => ({
        id: String(id).slice(0, 30),
        weight: Number(weight),
        latencyMs: bounded(latencyMs, 0, 5000, 0.5),
        jitterMs: bounded(jitterMs, 0, 5000, 0),
      })),
      commandsPerSecond: bounded(commandsPerSecond, 0, 1000, 100),
      readShare: bounded(readShare, 0, 1, 0.5),
      options: typeof options === 'object' && options !== null ? options : {},
    };
  } catch {
    return undefined;
  }
}

/** A number within its limits; `otherwise` for what is no number. */
export function bounded(value: unknown, least: number, most: number, otherwise: number): number {
  const number = Number(value);
  return Number.isFinite(number) ? Math.min(most, Math.max(least, number)) : otherwise;
}
