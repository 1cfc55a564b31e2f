import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { pageFor } from './page.js';
import { SCRIPT } from './script.js';

it('has one script, without imports', () => {
  expect(SCRIPT).toMatch(/^\S/);
  expect(SCRIPT).not.toMatch(/\b(import|export)\b[\s{*"'(]/);
  expect(SCRIPT.length).toBeLessThan(40_000);
});

it('is one document that asks for nothing from elsewhere', () => {
  const { document } = pageFor({ title: 'T', mayChange: true, maySteer: true, maySignIn: true });
  expect(document).not.toMatch(/\b(src|href)="(?!data:,|")/);
  expect(document.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|\/\/[a-z]/);
  expect(document).not.toMatch(/innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b/);
  expect(document).not.toMatch(/ style="| on[a-z]+="/);
});

it('allows its script and its style by their hashes', () => {
  const { document, contentSecurityPolicy } = pageFor({
    title: '',
    mayChange: false,
    maySteer: false,
    maySignIn: false,
  });
  for (const [directive, tag] of [
    ['script-src', 'script'],
    ['style-src', 'style'],
  ] as const) {
    const [, text = ''] = new RegExp(`<${tag}[^>]*>([\\s\\S]*?)</${tag}>`).exec(document) ?? [];
    const hash = createHash('sha256').update(text).digest('base64');
    expect(contentSecurityPolicy).toContain(`${directive} 'sha256-${hash}'`);
  }
  expect(contentSecurityPolicy).not.toMatch(/unsafe|\*/);
  expect(SCRIPT).not.toContain('</');
});

it('escapes its title', () => {
  const title = `</title><script>alert("x")</script>&'`;
  const { document } = pageFor({ title, mayChange: false, maySteer: false, maySignIn: false });
  expect(document).not.toContain('alert("x")');
  expect(document).toContain(
    '&lt;/title&gt;&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;',
  );
});
