import { watch } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { MAX_STEERING_LENGTH } from '../core/steering/document.js';
import type { SteeringSource } from '../options/steering.js';
import { jittered, milliseconds, optionalText, requiredText, sourceOptions } from './options.js';

/** Options of `fileSteering()`. */
export interface FileSteeringOptions {
  /** Time between two readings, about. Accepts milliseconds from 1 to 2147483647. Default: 5000. */
  readonly intervalMs?: number;
  /** The name of the source. Default: `file`. */
  readonly name?: string;
}

/** One character more than is allowed, in bytes of UTF-8. */
const MOST_BYTES = 4 * MAX_STEERING_LENGTH + 1;
/** A writer may be in the middle of the file. */
const SETTLE_MS = 50;
/** A half-written file is invalid JSON; it is read again before that is reported. */
const TRIES = 3;

/**
 * Steering by a file: a Kubernetes ConfigMap, or what a configuration manager writes. Reads it again
 * at changes of its directory, and periodically, because not every file system reports them. A
 * deleted file changes nothing.
 */
export function fileSteering(file: string, options: FileSteeringOptions = {}): SteeringSource {
  const given = sourceOptions(options, ['intervalMs', 'name'], 'options');
  const location = path.resolve(requiredText(file, 'path'));
  const intervalMs = milliseconds(given.intervalMs, 'intervalMs', 5000);
  const name = optionalText(given.name, 'name') ?? 'file';
  return {
    name,
    watch(context) {
      let isOver = false;
      let isReading = false;
      let isDue = false;
      const read = async () => {
        isDue = isReading;
        if (isReading) return;
        isReading = true;
        try {
          await readOnce(0);
        } finally {
          isReading = false;
        }
        if (isDue && !isOver) context.after(SETTLE_MS, read);
      };
      const readOnce = async (tries: number): Promise<void> => {
        let text: string | undefined;
        try {
          text = await contentOf(location);
        } catch (error) {
          if (!isOver) context.fail(error);
          return;
        }
        if (isOver) return;
        if (text === undefined) context.absent();
        else if (isJson(text) || tries >= TRIES) context.deliver(text);
        else {
          await new Promise<void>((resolve) => context.after(SETTLE_MS, resolve));
          await readOnce(tries + 1);
        }
      };
      const periodically = () => {
        void read();
        context.after(jittered(intervalMs, context.random), periodically);
      };
      const end = onChange(path.dirname(location), () => context.after(SETTLE_MS, read));
      periodically();
      return () => {
        isOver = true;
        end();
      };
    },
  };
}

/** Undefined: there is no such file. A directory of a ConfigMap is read through its symbolic links. */
async function contentOf(location: string): Promise<string | undefined> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(location, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const buffer = Buffer.alloc(MOST_BYTES);
    const { bytesRead } = await handle.read(buffer, 0, MOST_BYTES, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Calls back at changes in a directory, as long as the system reports them. */
function onChange(directory: string, callback: () => void): () => void {
  try {
    const watcher = watch(directory, { persistent: false }, callback);
    // The periodic reading remains.
    watcher.on('error', () => watcher.close());
    return () => watcher.close();
  } catch {
    return () => {};
  }
}
