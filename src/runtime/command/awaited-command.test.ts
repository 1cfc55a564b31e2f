import { expect, it } from 'vitest';
import { commandTraits } from '../../core/command-category.js';
import { AwaitedCommand } from './awaited-command.js';

function command(): AwaitedCommand {
  const args = ['GET', 'key'];
  return new AwaitedCommand(1, args, undefined, commandTraits(args), 1000);
}

async function awaiting(awaited: AwaitedCommand): Promise<unknown> {
  return awaited as unknown as Promise<unknown>;
}

it('settles the promise of who awaits it', async () => {
  const [answered, failed] = [command(), command()];
  const promises = [awaiting(answered), awaiting(failed)];
  await Promise.resolve();
  answered.resolve('value');
  failed.reject(new Error('no'));
  await expect(promises[0]).resolves.toBe('value');
  await expect(promises[1]).rejects.toThrow('no');
});

it('keeps what came before anybody awaited it', async () => {
  const [answered, failed] = [command(), command()];
  answered.resolve(undefined);
  failed.reject(new Error('no'));
  await expect(awaiting(answered)).resolves.toBe(undefined);
  await expect(awaiting(failed)).rejects.toThrow('no');
});
