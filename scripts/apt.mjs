// Installs a package on Debian and Ubuntu, as root or with a sudo that doesn't ask.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

// policy-rc.d keeps a package from starting its service while it is installed.
const INSTALL = `
set -e
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"
  chmod 755 "$policy"
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends "$1"
# The service of a package that only the tests wanted is disabled for the next boot as well.
systemctl disable "$1" >/dev/null 2>&1 || true
`;

/** The words before `sh -c` that make it run as root without asking; undefined if nothing does. */
function asRoot() {
  if (process.getuid?.() === 0) return [];
  const canSudo = spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0;
  return canSudo ? ['sudo', '-n'] : undefined;
}

/**
 * Whether it was tried; look then for what should be there.
 * @param {string} name of the package
 */
export function aptInstall(name) {
  const prefix = existsSync('/usr/bin/apt-get') ? asRoot() : undefined;
  if (prefix === undefined) return false;
  console.log(`Installing ${name} (apt-get) ...`);
  const [program = 'sh', ...args] = [...prefix, 'sh', '-c', INSTALL, 'sh', name];
  spawnSync(program, args, { stdio: 'inherit' });
  return true;
}
