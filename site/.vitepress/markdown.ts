/** What the site changes in the Markdown of the repository: where links lead to, and anchors as GitHub makes them. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { MarkdownOptions } from 'vitepress';
import { downloadOf, routeOf } from './navigation.js';

type MarkdownIt = Parameters<NonNullable<MarkdownOptions['config']>>[0];
type Token = ReturnType<MarkdownIt['parse']>[number];

export interface Links {
  /** The root of the repository. */
  readonly root: string;
  /** Where the repository is shown, without a slash at the end; undefined while nobody has set it. */
  readonly repository: string | undefined;
  /** The files that are pages of the site. */
  readonly isPage: (file: string) => boolean;
  /** The files that the site offers for download. */
  readonly downloads: readonly string[];
}

/** The anchor of a heading, as GitHub makes it. */
export function slugify(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');
}

/** Where a relative link of a file leads to in the site; undefined if the site has nothing there. */
function targetOf(href: string, from: string, links: Links): string | undefined {
  const [to = '', anchor] = href.split('#');
  const hash = anchor === undefined ? '' : `#${anchor}`;
  if (to === '') return hash;
  const file = path.posix.join(path.posix.dirname(from), decodeURI(to)).replace(/\/$/, '');
  if (links.isPage(file)) return `/${routeOf(file)}${hash}`;
  if (links.isPage(`${file}/README.md`)) return `/${routeOf(`${file}/README.md`)}${hash}`;
  if (links.downloads.includes(file)) return `/${downloadOf(file)}`;
  if (links.repository !== undefined && existsSync(path.join(links.root, file))) {
    return `${links.repository}/blob/main/${file}${hash}`;
  }
  return undefined;
}

/** Rewrites the relative links of all pages; a link to a file that the site does not have becomes text. */
export function siteLinks(md: MarkdownIt, links: Links): void {
  md.core.ruler.after('inline', 'site-links', ({ tokens, env }) => {
    const file: string | undefined = env.realPath ?? env.path;
    // A title that is looked at on its own.
    if (file === undefined) return;
    const from = path.relative(links.root, file).replaceAll(path.sep, '/');
    for (const { children } of tokens) {
      if (children) rewrite(children, from, links);
    }
  });
}

function rewrite(children: Token[], from: string, links: Links): void {
  let isDropped = false;
  for (const token of children) {
    if (token.type === 'link_close' && isDropped) {
      hide(token);
      isDropped = false;
    }
    if (token.type !== 'link_open') continue;
    const href = token.attrGet('href') ?? '';
    if (/^[a-z]+:|^\//i.test(href)) continue;
    const target = targetOf(href, from, links);
    if (target !== undefined) {
      token.attrSet('href', target);
    } else if (
      existsSync(path.join(links.root, path.dirname(from), href.split('#')[0] as string))
    ) {
      hide(token);
      isDropped = true;
    }
    // What is left leads nowhere, and fails the build as a dead link.
  }
}

function hide(token: Token): void {
  token.type = 'text';
  token.tag = '';
  token.nesting = 0;
  token.content = '';
}

const LANGUAGES: Readonly<Record<string, string>> = {
  '.yaml': 'yaml',
  '.js': 'js',
  '.ts': 'ts',
};

/**
 * A paragraph that is nothing but a link to a file which the site offers for download shows that file below. On
 * GitHub the same link leads to the file.
 */
export function shownFiles(md: MarkdownIt, { root, downloads }: Links): void {
  md.core.ruler.before('site-links', 'shown-files', ({ tokens, env, Token }) => {
    const page: string | undefined = env.realPath ?? env.path;
    if (page === undefined) return;
    for (let at = tokens.length - 2; at > 0; at -= 1) {
      const [link, , end] = tokens[at]?.children ?? [];
      if (tokens[at - 1]?.type !== 'paragraph_open' || link?.type !== 'link_open') continue;
      if (end?.type !== 'link_close' || tokens[at]?.children?.length !== 3) continue;
      const file = path.resolve(path.dirname(page), link.attrGet('href') ?? '');
      const language = LANGUAGES[path.extname(file)];
      const name = path.relative(root, file).replaceAll(path.sep, '/');
      if (language === undefined || !downloads.includes(name)) continue;
      const code = new Token('fence', 'code', 0);
      Object.assign(code, { info: language, markup: '```', block: true });
      code.content = readFileSync(file, 'utf8');
      tokens.splice(at + 2, 0, code);
    }
  });
}

/** Wide tables scroll on their own, by keyboard as well. The empty corner of a table is no header. */
export function scrollableTables(md: MarkdownIt): void {
  md.renderer.rules.table_open = (tokens, index, options, _env, self) =>
    `<div class="table" tabindex="0" role="group" aria-label="Table">${self.renderToken(tokens, index, options)}`;
  md.renderer.rules.table_close = (tokens, index, options, _env, self) =>
    `${self.renderToken(tokens, index, options)}</div>`;
  md.core.ruler.push('empty-headers', ({ tokens }) => {
    for (const [index, token] of tokens.entries()) {
      if (token.type !== 'th_open' || tokens[index + 1]?.content !== '') continue;
      token.tag = 'td';
      (tokens[index + 2] as Token).tag = 'td';
    }
  });
}

/**
 * Long names in backticks may break after a dot, and before a capital where no dot is near. Otherwise the column of the
 * option names takes a whole phone.
 */
export function breakableNames(md: MarkdownIt): void {
  const { code_inline: render } = md.renderer.rules;
  if (render === undefined) return;
  md.renderer.rules.code_inline = (tokens, index, ...rest) => {
    const html = render(tokens, index, ...rest);
    const { content } = tokens[index] as Token;
    if (!/^[\w[\].]{20,}$/.test(content)) return html;
    const parts = content.split(/(?<=\.)(?=[a-z])/i);
    const breakable = parts.map((part) =>
      part.length < 20 ? part : part.replace(/(?<=[a-z])(?=[A-Z])/g, '<wbr>'),
    );
    return html.replace(content, breakable.join('<wbr>'));
  };
}

/** The first mention of a public symbol in a page, in backticks, links to its page in the API reference. */
export function linkedSymbols(
  md: MarkdownIt,
  root: string,
  pages: ReadonlyMap<string, string>,
): void {
  md.core.ruler.before('site-links', 'linked-symbols', ({ tokens, env, Token }) => {
    const file: string | undefined = env.realPath ?? env.path;
    if (file === undefined || file.startsWith(path.join(root, 'site'))) return;
    const linked = new Set<string>();
    for (const [index, { children }] of tokens.entries()) {
      if (!children || tokens[index - 1]?.type === 'heading_open') continue;
      let depth = 0;
      for (let at = 0; at < children.length; at += 1) {
        const token = children[at] as Token;
        if (token.type === 'link_open') depth += 1;
        if (token.type === 'link_close') depth -= 1;
        const name = token.content.replace(/\(\)$/, '');
        const target = pages.get(name);
        if (token.type !== 'code_inline' || depth > 0 || target === undefined || linked.has(name))
          continue;
        linked.add(name);
        const open = new Token('link_open', 'a', 1);
        open.attrSet('href', target);
        children.splice(at, 1, open, token, new Token('link_close', 'a', -1));
        at += 2;
      }
    }
  });
}
