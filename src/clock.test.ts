import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { systemClock } from './clock.js';

/** In a process where nothing else goes on, as within this one something always does. */
const IDLE = `
  import { systemClock } from '${fileURLToPath(new URL('./clock.ts', import.meta.url))}';
  systemClock.after(1, () => {
    systemClock.after(200, () => console.log('the next timer'), { keepAlive: true });
    systemClock.afterTurn(() => console.log('a turn'));
  }, { keepAlive: true });
`;

it('afterTurn does not wait for a timer on an idle loop, and lets the process end', async () => {
  const args = ['--import', 'tsx', '--input-type=module', '--eval', IDLE];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(stdout.trim().split('\n')).toEqual(['a turn', 'the next timer']);
});

it('afterTurn can be cancelled in each of its turns', async () => {
  const story: string[] = [];
  const turn = (what: string) => systemClock.afterTurn(() => story.push(what));
  turn('cancelled at once').cancel();
  const later = turn('cancelled later');
  await new Promise<void>((resolve) => {
    systemClock.after(1, () => {
      later.cancel();
      systemClock.afterTurn(resolve);
    });
  });
  expect(story).not.toContain('cancelled at once');
});
