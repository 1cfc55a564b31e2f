// The documentation site, built by VitePress from README.md and docs/.
//
//   npm run docs:dev                        serves it while you write
//   npm run docs:build                      builds it into site/.vitepress/dist/ and checks its links;
//                                          the API reference comes from the docstrings of src/
//   npm run docs:build -- --base /docs/     for a site that is served below a path
//   npm run docs:build -- --out DIR         builds into another directory
//   npm run docs:preview                    serves what was built

import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { build, createServer, serve } from 'vitepress';
import { writeApiReference } from './docs-site/api-reference.mjs';
import { checkSite } from './docs-site/check.mjs';
import { root } from './run.mjs';

const site = path.join(root, 'site');
const { values, positionals } = parseArgs({
  options: {
    base: { type: 'string', default: '/' },
    out: { type: 'string', default: path.join(site, '.vitepress/dist') },
    port: { type: 'string', default: '5173' },
  },
  allowPositionals: true,
});
const { base } = values;
const port = Number(values.port);
const outDir = path.resolve(values.out);

const api = path.join(site, 'api');

if (positionals[0] === 'dev') {
  if (!existsSync(api)) await writeApiReference(api);
  const server = await createServer(site, { base, port });
  await server.listen();
  server.printUrls();
} else if (positionals[0] === 'preview') {
  await serve({ root: site, base, port });
} else {
  await writeApiReference(api);
  await build(site, { base, outDir });
  const { pages, links, problems } = checkSite(outDir, base);
  for (const problem of problems) console.error(problem);
  console.log(`Checked the site: ${pages} pages, ${links} links, ${problems.length} problems.`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
