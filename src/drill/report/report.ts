/** The HTML report: one file that needs nothing else. */
import { count, counted, duration, moment, name, sentence, shortened, total } from './format.js';
import { html, Markup, NOTHING } from './html.js';
import type { ErrorCounts, PromiseVerdict, RunResult, StepResult } from './model.js';
import { STYLE } from './report-style.js';
import { COLOURS, OUTAGE_TEXT, timeline } from './svg.js';
import { type LoadWords, wordsOf } from './words.js';

export function report(result: RunResult): string {
  const broken = result.promises.filter(({ violations }) => violations.length > 0).length;
  const verdict = result.ok
    ? result.texts.kept
    : `${broken} of ${result.promises.length} ${result.texts.counted} ${result.texts.failed}`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${result.title}: ${verdict}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body><main>
<header>
<h1>${result.title}</h1>
<span class="verdict ${result.ok ? 'kept' : 'broken'}">${verdict}</span>
<p class="soft">${[...result.versions, `${result.startedAt.slice(0, 16).replace('T', ' ')} UTC`].join(' · ')}</p>
</header>
${facts(result)}
${result.ok ? NOTHING : verdicts(result)}
<section><h2>Timeline</h2>
<div class="scroll">${timeline(result)}</div>
${legend(result)}
</section>
<section><h2>Faults</h2>
<div class="scroll">${faultTable(result)}</div>
</section>
${result.ok ? verdicts(result) : NOTHING}
<section><h2>Switches</h2>
<div class="scroll">${switchTable(result)}</div>
</section>
<div class="columns">
<section><h2>${result.texts.settings}</h2>
${settingTable(result)}
</section>
<section><h2>Databases</h2>
${databaseTable(result)}
</section>
</div>
</main></body>
</html>
`;
  return page.text;
}

function facts({ traffic, durationMs, steps, switches, texts, application }: RunResult): Markup {
  const readerErrors = steps.reduce((sum, { readerErrors }) => sum + total(readerErrors), 0);
  const slowest = Math.max(
    0,
    ...steps.map((step) => (step.isFault ? (step.servedAfterMs ?? 0) : 0)),
  );
  const repeated = steps.reduce((sum, step) => sum + step.repeated, 0);
  const words = wordsOf(texts);
  const fact = (label: string, value: string) =>
    html`<div><dt>${label}</dt><dd>${value}</dd></div>`;
  return html`<section><dl class="facts">
${fact(sentence(words.load), count(traffic.reads + traffic.writes))}
${fact('Duration', moment(durationMs))}
${fact('Slowest recovery', duration(slowest))}
${fact('Steps and switches', `${steps.length} and ${switches.length}`)}
${words.audited ? fact(words.acknowledged, count(traffic.acknowledgedWrites)) : fact('Slowest good answer', duration(traffic.maxLatencyMs))}
${fact(sentence(words.readerErrors), count(readerErrors))}
${words.audited ? fact('Executed twice', count(repeated)) : fact('Ended after SIGTERM', duration(application?.ended?.afterMs))}
</dl></section>`;
}

function legend({ databases, outages, texts }: RunResult): Markup {
  const entry = (style: string, text: string) => html`<li><i class="${style}"></i>${text}</li>`;
  const words = wordsOf(texts);
  const kinds = [...new Set(outages.map(({ kind }) => kind))];
  return html`<ul class="legend">
${databases.map(({ id }, index) => entry(`c${index % COLOURS}`, `${id} active`))}
${kinds.map((kind) => entry(kind, OUTAGE_TEXT[kind]))}
${entry('p50', 'p50')}
${entry('p99', 'p99')}
${entry('reader', words.readerErrors)}
${entry('writer', words.writerErrors)}
${entry('unavailable', words.unavailable)}
</ul>`;
}

function faultTable({ steps, texts }: RunResult): Markup {
  const words = wordsOf(texts);
  const repeated = words.audited ? html`<th class="number wide">Repeated</th>` : NOTHING;
  return html`<table>
<thead><tr><th></th><th>Fault</th><th class="wide">Next</th><th class="number wide">Switch after</th><th class="number">${sentence(words.firstReply)} after</th><th class="wide">To be expected</th><th class="number">${sentence(words.readers)}: errors</th><th class="number">${sentence(words.writers)}: errors</th>${repeated}</tr></thead>
<tbody>${steps.map((step, index) => faultRow(step, index, words))}</tbody>
</table>`;
}

function faultRow(step: StepResult, index: number, words: LoadWords): Markup {
  const bad = (value: number) => (value > 0 ? 'number bad' : 'number');
  const readers = total(step.readerErrors);
  return html`<tr>
<td class="step">${index + 1}</td>
<td class="what">${step.title}<div class="small">${step.action}</div>${errorLines(step, words)}</td>
<td class="nowrap wide">${name(step.expected)}</td>
<td class="number wide">${duration(step.switchedAfterMs)}</td>
<td class="number strong">${duration(step.servedAfterMs)}</td>
<td class="small wide">${step.goal}</td>
<td class="${bad(readers)}">${count(readers)}</td>
<td class="number">${count(total(step.writerErrors))}</td>
${words.audited ? html`<td class="${bad(step.repeated)} wide">${count(step.repeated)}</td>` : NOTHING}
</tr>`;
}

/** One line per kind of error. */
function errorLines(
  { readerErrors, writerErrors, unavailable }: StepResult,
  words: LoadWords,
): Markup[] {
  const lines = (who: string, errors: ErrorCounts) =>
    Object.entries(errors).map(
      ([kind, times]) =>
        html`<div class="small">${who}: <code>${count(times)} ${kind}</code></div>`,
    );
  return [
    ...lines(words.reader, readerErrors),
    ...lines(words.writer, writerErrors),
    ...lines('all down', unavailable),
  ];
}

function brokenFirst(promises: readonly PromiseVerdict[]): PromiseVerdict[] {
  const rank = ({ violations }: PromiseVerdict) => (violations.length > 0 ? 0 : 1);
  return [...promises].sort((a, b) => rank(a) - rank(b));
}

/** What failed comes before everything else. */
function verdicts({ texts, promises }: RunResult): Markup {
  return html`<section><h2>${texts.promises}</h2>
<ul class="promises">${brokenFirst(promises).map(promise)}</ul>
</section>`;
}

function promise({ promise, evidence, violations }: PromiseVerdict): Markup {
  const kept = violations.length === 0;
  const list = html`<ul>${shortened(violations).map((text) => html`<li>${text}</li>`)}</ul>`;
  return html`<li class="${kept ? 'kept' : 'broken'}"><span class="mark">${kept ? '✓' : '✗'}</span>
<span>${promise}</span><span class="small">${evidence}</span>${kept ? NOTHING : list}</li>`;
}

function switchTable({ switches }: RunResult): Markup {
  const rows = switches.map(
    ({ at, from, to, reason, cause, durationMs }) => html`<tr>
<td class="number">${moment(at)}</td><td class="nowrap">${name(from)} → ${name(to)}</td><td class="nowrap wide">${reason}</td><td class="what">${cause}</td>
<td class="number wide">${durationMs > 0 ? duration(durationMs) : ''}</td></tr>`,
  );
  return html`<table>
<thead><tr><th class="number">At</th><th>Switch</th><th class="wide">Reason</th><th>Cause</th><th class="number wide">After the first sign</th></tr></thead>
<tbody>${rows}</tbody></table>`;
}

function settingTable({ settings, texts }: RunResult): Markup {
  const hasDefaults = settings.some(({ defaultValue }) => defaultValue !== '');
  const rows = settings.map(
    ({ name, value, defaultValue }) => html`<tr>
<td><code>${name}</code></td><td class="${hasDefaults ? 'number' : 'value'}">${value}</td>${hasDefaults ? html`<td class="number">${defaultValue}</td>` : NOTHING}</tr>`,
  );
  return html`<div class="scroll"><table>
${hasDefaults ? html`<thead><tr><th>Option</th><th class="number">Here</th><th class="number">Default</th></tr></thead>` : NOTHING}
<tbody>${rows}</tbody></table></div>
<p class="small">${texts.settingsNote}</p>`;
}

function databaseTable({ databases, traffic, texts }: RunResult): Markup {
  const rows = databases.map(
    ({ id, weight, address }) => html`<tr>
<td>${id}</td><td class="number">${weight}</td><td class="number"><code>${address}</code></td></tr>`,
  );
  return html`<table>
<thead><tr><th>Database</th><th class="number">Weight</th><th class="number">Address</th></tr></thead>
<tbody>${rows}</tbody></table>
<p class="small">${texts.databasesNote} ${counted(traffic.callers, 'caller')}, ${counted(traffic.ratePerSecond, wordsOf(texts).one)} per second.</p>`;
}
