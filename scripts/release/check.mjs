// What has to be true before a version is published.

/** Fields of package.json that only the owner of the repository can fill in. */
const OWNERS_FIELDS = ['repository', 'homepage', 'bugs'];

/**
 * The reasons not to publish; empty when there is none.
 * @param {Record<string, unknown>} manifest package.json
 * @param {string} changelog
 * @param {readonly string[]} changesets names of the files that no version has taken up
 * @returns {string[]}
 */
export function refusals(manifest, changelog, changesets) {
  const reasons = OWNERS_FIELDS.filter((field) => !manifest[field]).map(
    (field) => `package.json has no "${field}", which only the owner of the repository can fill in`,
  );
  const { version } = manifest;
  if (!changelog.includes(`## [${version}]`)) {
    reasons.push(`CHANGELOG.md has no section for ${version}: run \`npm run version\` first`);
  }
  if (changesets.length > 0) {
    reasons.push(`no version has taken up ${changesets.join(', ')}: run \`npm run version\` first`);
  }
  return reasons;
}
