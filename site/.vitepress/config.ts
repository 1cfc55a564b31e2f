import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { defineConfig } from 'vitepress';
import { apiSidebar, symbolPages } from './api.js';
import {
  breakableNames,
  linkedSymbols,
  scrollableTables,
  shownFiles,
  siteLinks,
  slugify,
} from './markdown.js';
import { downloadOf, isPage, routeOf, sidebar } from './navigation.js';

const root = path.resolve(import.meta.dirname, '../..');
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
/** Undefined as long as package.json names no repository: then there are no links to it. */
const repository: string | undefined = (manifest.repository?.url ?? manifest.repository)
  ?.replace(/^git\+/, '')
  .replace(/\.git$/, '');
const api = path.join(root, 'site/api');
/** Files that pages link to, from the root. */
const downloads = ['docs', 'docs/guides', 'examples/express', 'examples/fastify'].flatMap(
  (folder) =>
    readdirSync(path.join(root, folder))
      .filter((file) => /\.(json|yml|yaml|js|ts)$/.test(file) && file !== 'package.json')
      .map((file) => `${folder}/${file}`),
);

/** Inside the page, so that it needs no path. */
const ICON = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#b72b26"/><path d="M8 9h9v6H8zM15 17h9v6h-9z" fill="#fff"/><path d="M9 18v4h4M23 14v-4h-4" fill="none" stroke="#fff" stroke-width="2"/></svg>',
)}`;

export default defineConfig({
  srcDir: '..',
  srcExclude: readdirSync(root, { withFileTypes: true }).flatMap((entry) => {
    if (!entry.isDirectory())
      return entry.name.endsWith('.md') && !isPage(entry.name) ? entry.name : [];
    return ['docs', 'examples', 'site'].includes(entry.name) ? [] : `${entry.name}/**`;
  }),
  rewrites: routeOf,
  title: 'redis-multidb',
  description: manifest.description,
  lang: 'en',
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: ICON }]],
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    anchor: { slugify },
    toc: { slugify },
    config(md) {
      const links = { root, repository, isPage, downloads };
      siteLinks(md, links);
      scrollableTables(md);
      breakableNames(md);
      linkedSymbols(md, root, symbolPages(api));
      shownFiles(md, links);
    },
  },
  themeConfig: {
    nav: [
      { text: 'Playground', link: '/playground' },
      { text: 'Start', link: '/start' },
      { text: 'Guides', link: '/guides/' },
      { text: 'Guarantees', link: '/guarantees' },
      { text: 'Options', link: '/options' },
      { text: 'API', link: '/api/' },
    ],
    sidebar: { '/api/': apiSidebar(api), '/': sidebar() },
    outline: { level: [2, 3] },
    search: { provider: 'local' },
    ...(repository === undefined
      ? {}
      : {
          editLink: { pattern: ({ filePath }) => `${repository}/edit/main/${filePath}` },
          socialLinks: [{ icon: 'github', link: repository }],
        }),
    footer: { message: `Version ${manifest.version}, MIT licence` },
  },
  vite: {
    publicDir: false,
    // The engine in the playground. Nothing else of the site uses modules of Node.js.
    resolve: {
      alias: ['events', 'util', 'crypto', 'os'].map((name) => ({
        find: `node:${name}`,
        replacement: path.join(root, `site/playground/node/${name}.ts`),
      })),
    },
    plugins: [
      {
        name: 'downloads',
        generateBundle() {
          for (const file of downloads) {
            const source = readFileSync(path.join(root, file));
            this.emitFile({ type: 'asset', fileName: downloadOf(file), source });
          }
        },
      },
    ],
  },
});
