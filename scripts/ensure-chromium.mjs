// Finds a Chromium for the tests of the status page, and on Debian and Ubuntu installs it when there
// is none. Node.js built-ins only.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { aptInstall } from './apt.mjs';

const PLACES = [
  ...(process.env.CHROMIUM ? [process.env.CHROMIUM] : []),
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

const HOW_TO_GET_IT = `No Chromium or Chrome was found: the tests of the status page are SKIPPED.
  macOS:           brew install --cask google-chrome
  Fedora, RHEL:    sudo dnf install chromium
  Debian, Ubuntu:  sudo apt-get install chromium
  elsewhere:       set CHROMIUM to the path of the program`;

/** The path of a Chromium or Chrome; undefined if there is none. */
export function findChromium() {
  return PLACES.find((file) => existsSync(file));
}

/**
 * What was found or installed, for people. Throws when an installation that should have worked did
 * not; where nothing can be installed, the tests are skipped, and this says so.
 */
export function ensureChromium() {
  if (findChromium() === undefined && aptInstall('chromium') && findChromium() === undefined) {
    throw new Error('chromium could not be installed');
  }
  const program = findChromium();
  if (program === undefined) return HOW_TO_GET_IT;
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  return `${program}: ${stdout?.trim() || 'version unknown'}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    console.log(ensureChromium());
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
