// Installs a package on Debian and Ubuntu, as root or with a sudo that doesn't ask.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Stands in the policy-rc.d of this script, so that one that a SIGKILL left behind is known. */
const MARK = '# redis-multidb installs a package';

/**
 * policy-rc.d keeps a package from starting its service while it is installed. Left behind it would
 * keep every service of the machine from starting, so it goes whatever signal ends the shell.
 */
export const INSTALL = `
set -e
export DEBIAN_FRONTEND=noninteractive
policy="\${POLICY:-/usr/sbin/policy-rc.d}"
if [ ! -e "$policy" ] || grep -q '${MARK}' "$policy"; then
  # dash runs the EXIT trap only when the shell exits by itself.
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\\n${MARK}\\nexit 101\\n' > "$policy"
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
