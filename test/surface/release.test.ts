/** What is not ready is not published, and a version gets its section of the changelog. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseChangeset, release } from '../../scripts/release/changelog.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const directory = mkdtempSync(path.join(tmpdir(), 'redis-multidb-release-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const READY = {
  name: 'redis-multidb',
  version: '1.2.3',
  repository: 'github:somebody/redis-multidb',
  homepage: 'https://example.com',
  bugs: 'https://example.com/issues',
};

/** The check in a project that has this package.json, changelog and changeset. */
function check(manifest: object, changelog: string, changeset?: string) {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(path.join(directory, '.changeset'), { recursive: true });
  writeFileSync(path.join(directory, 'package.json'), JSON.stringify(manifest));
  writeFileSync(path.join(directory, 'CHANGELOG.md'), changelog);
  writeFileSync(path.join(directory, '.changeset/README.md'), '');
  if (changeset !== undefined) writeFileSync(path.join(directory, '.changeset/a-b.md'), changeset);
  const script = path.join(root, 'scripts/check-release.mjs');
  const { status, stderr } = spawnSync(process.execPath, [script], { cwd: directory });
  return { status, text: String(stderr) };
}

describe('publishing', () => {
  const changelog = '## [Unreleased]\n\n## [1.2.3] - 2030-01-31\n';

  it('is refused for each field that the owner has not filled in', () => {
    for (const field of ['repository', 'homepage', 'bugs']) {
      const { status, text } = check({ ...READY, [field]: undefined }, changelog);
      expect(status).toBe(1);
      expect(text).toBe(
        `Not published: package.json has no "${field}", which only the owner of the repository can fill in.\n`,
      );
    }
  });

  it('is refused without a section of the changelog, and with a changeset that is left', () => {
    expect(check(READY, '## [Unreleased]\n')).toMatchObject({ status: 1 });
    expect(check(READY, changelog, '---\nredis-multidb: patch\n---\n\nText.\n').text).toContain(
      'a-b.md',
    );
  });

  it('is allowed when nothing is missing', () => {
    expect(check(READY, changelog)).toEqual({ status: 0, text: '' });
  });

  it('asks by every way that npm has to publish', () => {
    const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
    expect(scripts.release).toMatch(/^node scripts\/check-release\.mjs && /);
    expect(scripts.prepublishOnly).toBe('node scripts/check-release.mjs');
  });
});

it('changesets choose the number of the version, on this Node.js', () => {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(path.join(directory, '.changeset'), { recursive: true });
  const manifest = path.join(directory, 'package.json');
  writeFileSync(manifest, JSON.stringify({ ...READY, version: '0.1.0' }));
  writeFileSync(path.join(directory, 'package-lock.json'), '{}');
  copyFileSync(
    path.join(root, '.changeset/config.json'),
    path.join(directory, '.changeset/config.json'),
  );
  const changeset = '---\n"redis-multidb": minor\n---\n\nText.\n';
  writeFileSync(path.join(directory, '.changeset/a-b.md'), changeset);
  const changesets = path.join(root, 'node_modules/@changesets/cli/bin.js');
  const { status, stderr } = spawnSync(process.execPath, [changesets, 'version'], {
    cwd: directory,
    encoding: 'utf8',
  });
  expect(status, stderr).toBe(0);
  expect(JSON.parse(readFileSync(manifest, 'utf8')).version).toBe('0.2.0');
});

describe('the changelog', () => {
  const before =
    '# Changelog\n\n## [Unreleased]\n\n### Added\n\n- One.\n\n### Fixed\n\n- Two.\n\n## [0.1.0] - 2029-01-01\n\n- Old.\n';

  it('has a section of the version, and an empty one for what comes', () => {
    expect(release(before, '0.2.0', '2030-01-31', [])).toBe(
      before.replace('## [Unreleased]\n', '## [Unreleased]\n\n## [0.2.0] - 2030-01-31\n'),
    );
  });

  it('has the text of each changeset below the heading of its kind', () => {
    const changesets = ['patch', 'minor', 'major'].map((bump) =>
      parseChangeset(`---\n"redis-multidb": ${bump}\n---\n\nA ${bump}\nchange.\n`),
    );
    expect(release(before, '1.0.0', '2030-01-31', changesets)).toBe(
      '# Changelog\n\n## [Unreleased]\n\n## [1.0.0] - 2030-01-31\n\n### Added\n\n- One.\n- A minor\n  change.\n\n' +
        '### Fixed\n\n- Two.\n- A patch\n  change.\n\n### Changed\n\n- A major\n  change.\n\n' +
        '## [0.1.0] - 2029-01-01\n\n- Old.\n',
    );
  });

  it('refuses a changeset of nothing', () => {
    expect(() => parseChangeset('Text.')).toThrow('no changeset');
  });
});
