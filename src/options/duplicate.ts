import { isDeepStrictEqual } from 'node:util';
import { anyObject, invalid } from '../validation/check.js';
import type { ClientOptions } from './client.js';
import { checkCommandOptions } from './command-options.js';
import { copyOptions } from './copy.js';

/**
 * Options that can differ between clients of one group, because they do not concern where connections
 * lead.
 */
const OWN = ['modules', 'scripts', 'functions', 'keyPrefix', 'commandOptions', 'name'] as const;

/** Options without effect, accepted wherever the options of node-redis are. */
const WITHOUT_EFFECT: readonly string[] = [
  'disableOfflineQueue',
  'commandsQueueMaxLength',
  'pingInterval',
  'himportRegistry',
];

export interface DuplicateOptions {
  /** The top-level `client` of the duplicate. */
  readonly client: ClientOptions;
  /** Whether the duplicate has the same methods as the original. */
  readonly sameMethods: boolean;
}

/**
 * The options of a duplicate: `overrides` override those of the original, whose `commandOptions`
 * are `inherited`. Throws `InvalidOptionError` for connection options (address, credentials, RESP,
 * database ...) that differ from the original, because the databases belong to the group.
 */
export function resolveDuplicate(
  overrides: unknown,
  original: ClientOptions,
  inherited: object | undefined,
): DuplicateOptions {
  const given = overrides === undefined ? {} : anyObject(overrides, 'duplicate');
  const client: ClientOptions = { ...original, commandOptions: inherited };
  const cache = original.clientSideCache;
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (name === 'name' && !isClientName(value)) {
      throw invalid('duplicate.name', 'a text without spaces and special characters', value);
    }
    if (name === 'commandOptions') checkCommandOptions(value, 'duplicate.commandOptions');
    const isCache = name === 'clientSideCache' && Boolean(cache);
    if (isCache || (OWN as readonly string[]).includes(name)) client[name] = value;
    else if (!WITHOUT_EFFECT.includes(name) && !isDeepStrictEqual(value, original[name])) {
      const expected = `one of ${OWN.join(', ')}: a duplicate uses the databases of its group`;
      throw invalid(`duplicate.${name}`, expected, value);
    }
  }
  const sameMethods = (['modules', 'scripts', 'functions'] as const).every(
    (name) => client[name] === original[name],
  );
  return { client: copyOptions(client), sameMethods };
}

/** As servers accept it: printable characters of ASCII, without spaces. */
function isClientName(value: unknown): boolean {
  return typeof value === 'string' && /^[!-~]*$/.test(value);
}
