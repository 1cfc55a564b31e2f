/** The page: one document, its script and style inline and allowed by their hashes alone. */
import { createHash } from 'node:crypto';
import { SCRIPT } from './script.js';
import { STYLE } from './style.js';

export interface PageOptions {
  readonly title: string;
  /** Whether the reader gets the buttons. */
  readonly mayChange: boolean;
  /** Whether the reader may publish steering documents. */
  readonly maySteer: boolean;
  /** Whether there is something to sign in to. */
  readonly maySignIn: boolean;
}

/** Per copy, as the texts are that it is made of. */
let policy: string | undefined;

export function pageFor(options: PageOptions): {
  readonly document: string;
  readonly contentSecurityPolicy: string;
} {
  policy ??= [
    "default-src 'none'",
    `script-src ${hashOf(SCRIPT)}`,
    `style-src ${hashOf(STYLE)}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
  return { document: documentOf(options), contentSecurityPolicy: policy };
}

function documentOf({ title, mayChange, maySteer, maySignIn }: PageOptions): string {
  const signIn = maySignIn
    ? '<a class="button" href="" id="sign-in" hidden>Sign in to make changes</a>'
    : '';
  const steer = maySteer
    ? '<button type="button" id="steer">Steer all processes\u2026</button>'
    : '';
  return `<!doctype html>
<html lang="en" data-may-change="${mayChange}">
<head>
<meta charset="utf-8">
<title>${escapeHtml(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<svg class="defs" aria-hidden="true"><pattern id="stripes" width="8" height="8" patternUnits="userSpaceOnUse"><path d="M-1 1l2-2M0 8l8-8M7 9l2-2"/></pattern></svg>
<header>
<h1>${escapeHtml(title)}</h1>
<span id="live" data-live="false">Connecting</span>
</header>
<main>
<section id="state" aria-label="State"><p id="headline">Connecting</p><p id="why"></p><p id="steering"></p>${steer}</section>
<div class="heading">
<h2 id="databases-title">Databases</h2>
<p class="legend">
<span><svg viewBox="0 0 22 12" aria-hidden="true"><path class="line" d="M2 9l5-2 5 1 4-5 4 4"/></svg>latency of probes</span>
<span><svg viewBox="0 0 22 12" aria-hidden="true"><rect class="served" width="22" height="12"/></svg>active</span>
<span><svg viewBox="0 0 22 12" aria-hidden="true"><rect class="failed" width="22" height="12"/><rect class="stripes" width="22" height="12"/></svg>probes failed</span>
</p>
</div>
<ul id="databases" aria-labelledby="databases-title"></ul>
${signIn}
<h2 id="timeline-title">Switches</h2>
<ol id="timeline" reversed aria-labelledby="timeline-title"></ol>
<h2 id="explanation-title">In words</h2>
<pre id="explanation" aria-labelledby="explanation-title"></pre>
</main>
<footer><span>redis-multidb</span><span id="as-of"></span></footer>
<div id="notice"><p role="status"></p></div>
<p id="announcer" class="vh" role="log" aria-live="polite"></p>
<p id="alarm" class="vh" role="alert"></p>
<dialog id="dialog" aria-labelledby="question" aria-describedby="consequences">
<form>
<h2 id="question"></h2>
<ul id="consequences"></ul>
<fieldset id="durations"><legend>For how long?</legend></fieldset>
<p id="refusal" role="alert"></p>
<div class="actions"><button type="button" id="cancel">Cancel</button><button type="submit" class="primary" id="confirm"></button></div>
</form>
</dialog>
${maySteer ? STEER_DIALOG : ''}
<noscript><p>This page needs JavaScript. <code>status</code> beside it has the same as JSON.</p></noscript>
<script type="module">${SCRIPT}</script>
</body>
</html>
`;
}

/** The choices are made by the script, which knows the databases. */
const STEER_DIALOG = `<dialog id="steer-dialog" aria-labelledby="steer-title">
<form>
<h2 id="steer-title">Steer all processes</h2>
<fieldset id="steer-actions"><legend>What should they do?</legend></fieldset>
<div class="field"><label for="steer-database">Database</label><select id="steer-database"></select></div>
<div class="field"><label for="steer-for">For how long?</label><select id="steer-for"></select></div>
<div class="field"><label for="steer-spread">Moves are spread</label><select id="steer-spread"></select></div>
<div class="field"><label for="steer-reason">Reason</label><input id="steer-reason" maxlength="500" autocomplete="off"></div>
<div class="field"><label for="steer-by">Your name</label><input id="steer-by" required maxlength="200" autocomplete="username"></div>
<h3>What will happen</h3>
<ul id="steer-preview" aria-live="polite"></ul>
<div class="actions"><button type="button" id="steer-cancel">Cancel</button><button type="submit" class="primary">Continue</button></div>
</form>
</dialog>`;

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/** For text and for attributes in double quotes. */
export function escapeHtml(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}
