// Runs inside a project that has installed the packed package and one version of @redis/client, on
// every supported version of Node.js: each entry point loads with `import` and with `require()`,
// and both give the same module.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const entryPoints = Object.keys(require('redis-multidb/package.json').exports)
  .filter((subpath) => !subpath.endsWith('.json'))
  .map((subpath) => `redis-multidb${subpath.slice(1)}`);

for (const entryPoint of entryPoints) {
  const imported = await import(entryPoint);
  const required = require(entryPoint);
  const names = Object.keys(imported);
  assert.ok(names.length > 0, `${entryPoint} exports nothing`);
  assert.ok(!names.includes('default'), `${entryPoint} has a default export`);
  for (const name of names) {
    assert.notEqual(imported[name], undefined, `${entryPoint}: ${name} is undefined`);
    assert.equal(required[name], imported[name], `${entryPoint}: ${name} exists twice`);
  }
}

const client = require('@redis/client/package.json').version;
console.log(`Node.js ${process.version}, @redis/client ${client}: ${entryPoints.join(', ')} load.`);
