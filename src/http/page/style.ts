/** The page's style. Colours come in pairs for light and dark; none of them is the only signal. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f5f6f8;
  --surface: #ffffff;
  --text: #14181d;
  --quiet: #535b66;
  --line: #dde1e7;
  --accent: #1a4fbd;
  --on-accent: #ffffff;
  --tint: #e9effb;
  --good: #14652e;
  --bad: #ad1f1d;
  --bad-tint: #fbeceb;
  --warn: #7d4b00;
  --shadow: 0 1px 2px rgb(20 24 29 / 6%);
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0e1115;
    --surface: #161a20;
    --text: #e7eaee;
    --quiet: #a2abb7;
    --line: #2a313a;
    --accent: #8fb6ff;
    --on-accent: #0e1115;
    --tint: #1b2536;
    --good: #72cf8e;
    --bad: #ff958d;
    --bad-tint: #2c1a1b;
    --warn: #eeb45f;
    --shadow: none;
  }
}
*, *::before, *::after { box-sizing: border-box; }
body {
  margin: 0;
  background: var(--ground);
  color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums;
  -webkit-text-size-adjust: 100%;
}
main, header, footer { max-width: 1040px; margin: 0 auto; padding: 0 24px; }
header { display: flex; align-items: baseline; gap: 12px; padding-top: 28px; }
h1 { margin: 0; font-size: 15px; font-weight: 600; }
h2 {
  margin: 40px 0 12px;
  font-size: 12px;
  font-weight: 600;
  letter-spacing: 0.06em;
  text-transform: uppercase;
  color: var(--quiet);
}
h3 { margin: 0; font-size: 18px; font-weight: 600; overflow-wrap: anywhere; }
p { margin: 0; }
.vh {
  position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap;
}
.quiet { color: var(--quiet); }
.icon { width: 1em; height: 1em; flex: none; vertical-align: -0.125em; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }

#live { margin-left: auto; display: inline-flex; align-items: center; gap: 6px; font-size: 13px; color: var(--quiet); }
#live .icon { fill: currentColor; color: var(--good); }
#live[data-live="false"] .icon { fill: none; color: inherit; }
#live[data-live="false"] { color: var(--warn); }

/* What is old is without colour. */
body:has(#live[data-live="false"]) main { filter: grayscale(1); }

#state { margin-top: 20px; padding: 20px 24px; background: var(--surface); border: 1px solid var(--line); border-left: 5px solid var(--quiet); border-radius: 10px; box-shadow: var(--shadow); }
#state[data-tone="good"] { border-left-color: var(--good); }
#state[data-tone="warn"] { border-left-color: var(--warn); }
#state[data-tone="bad"] { border-left-color: var(--bad); background: var(--bad-tint); }
#headline { display: flex; align-items: center; gap: 10px; font-size: 26px; line-height: 1.25; font-weight: 600; letter-spacing: -0.01em; overflow-wrap: anywhere; }
[data-tone="good"] > #headline .icon { color: var(--good); }
[data-tone="warn"] > #headline .icon { color: var(--warn); }
[data-tone="bad"] > #headline .icon { color: var(--bad); }
#why { margin-top: 4px; color: var(--quiet); overflow-wrap: anywhere; }

#databases { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); gap: 16px; margin: 0; padding: 0; list-style: none; }
.database { container-type: inline-size; display: flex; flex-direction: column; gap: 14px; padding: 18px 20px; background: var(--surface); border: 1px solid var(--line); border-radius: 10px; box-shadow: var(--shadow); }
.database[data-active="true"] { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); }
.top { display: flex; align-items: center; gap: 10px; }
.pill { flex: none; margin-left: auto; display: inline-flex; align-items: center; gap: 5px; padding: 2px 10px; border: 1px solid currentColor; border-radius: 99px; font-size: 12.5px; font-weight: 600; color: var(--quiet); }
.pill[data-tone="accent"] { color: var(--on-accent); background: var(--accent); border-color: var(--accent); }
.pill[data-tone="bad"] { color: var(--bad); }
.pill[data-tone="warn"] { color: var(--warn); }
.facts { display: grid; grid-template-columns: repeat(4, auto); justify-content: space-between; gap: 6px 16px; margin: 0; }
@container (max-width: 370px) { .facts { grid-template-columns: 1fr 1fr; justify-content: stretch; gap: 10px 16px; } }
.facts dt { font-size: 12px; color: var(--quiet); }
.facts dd { margin: 0; display: flex; align-items: center; gap: 5px; font-weight: 500; }
dd[data-tone="good"] .icon { color: var(--good); }
dd[data-tone="bad"] { color: var(--bad); }
dd[data-tone="warn"] { color: var(--warn); }

.plot { position: relative; margin: 0; }
.plot svg.chart { display: block; width: 100%; height: 68px; overflow: visible; background: var(--ground); border-radius: 6px; }
.plot .served { fill: var(--tint); }
.plot .line { fill: none; stroke: var(--accent); stroke-width: 1.5; vector-effect: non-scaling-stroke; stroke-linejoin: round; stroke-linecap: round; }
.plot .failed { fill: var(--bad-tint); }
.plot .stripes { fill: url(#stripes); }
#stripes path { stroke: var(--bad); stroke-width: 1; opacity: 0.7; }
.heading { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: 4px 16px; margin: 40px 0 12px; }
.heading h2 { margin: 0; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; font-size: 12.5px; color: var(--quiet); }
.legend span { display: inline-flex; align-items: center; gap: 6px; }
.legend svg { width: 22px; height: 12px; border-radius: 3px; border: 1px solid var(--line); }
.legend .served { fill: var(--tint); }
.legend .failed { fill: var(--bad-tint); }
.legend .stripes { fill: url(#stripes); }
.legend .line { fill: none; stroke: var(--accent); stroke-width: 1.5; }
.defs { position: absolute; width: 0; height: 0; }
.plot .scale { display: block; margin-bottom: 2px; font-size: 11px; line-height: 1.3; color: var(--quiet); }
.plot figcaption { display: flex; justify-content: space-between; gap: 12px; margin-top: 4px; font-size: 12px; color: var(--quiet); }

.grace { font-size: 13px; }
.grace .bar { height: 4px; margin-top: 4px; border-radius: 2px; background: var(--line); overflow: hidden; }
.grace .left { height: 100%; background: var(--warn); border-radius: 2px; transition: width 1s linear; }
.details { margin: 0; padding: 0; list-style: none; font-size: 13.5px; color: var(--quiet); }
.details li { padding-left: 14px; text-indent: -14px; overflow-wrap: anywhere; }
.details li::before { content: "\\2013"; display: inline-block; width: 14px; text-indent: 0; }

button, .button { font: inherit; font-size: 14px; font-weight: 500; min-height: 38px; padding: 6px 14px; border: 1px solid var(--line); border-radius: 8px; background: var(--surface); color: var(--text); cursor: pointer; text-decoration: none; display: inline-flex; align-items: center; }
button:hover, .button:hover { border-color: var(--quiet); }
button.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
button:disabled { opacity: 0.55; cursor: default; }
#sign-in { margin-top: 16px; }
#sign-in[hidden] { display: none; }
.actions { display: flex; flex-wrap: wrap; gap: 8px; margin-top: auto; }

#timeline { margin: 0; padding: 0; list-style: none; background: var(--surface); border: 1px solid var(--line); border-radius: 10px; box-shadow: var(--shadow); }
#timeline li { display: grid; grid-template-columns: 92px minmax(0, 1fr); gap: 2px 16px; padding: 12px 20px; }
#timeline li + li { border-top: 1px solid var(--line); }
#timeline time { color: var(--quiet); font-size: 13.5px; line-height: 24px; }
.move { display: flex; flex-wrap: wrap; align-items: center; gap: 2px 8px; font-weight: 600; overflow-wrap: anywhere; }
.tag { display: inline-flex; align-items: center; gap: 4px; font-size: 12.5px; font-weight: 600; color: var(--quiet); margin-left: 4px; }
.tag[data-tone="bad"] { color: var(--bad); }
.tag[data-tone="good"] { color: var(--good); }
.tag[data-tone="accent"] { color: var(--accent); }
.cause { grid-column: 2; font-size: 13.5px; color: var(--quiet); overflow-wrap: anywhere; }

#explanation { margin: 0; padding: 16px 20px; background: var(--surface); border: 1px solid var(--line); border-radius: 10px; box-shadow: var(--shadow); font: 12.5px/1.6 var(--mono); white-space: pre-wrap; overflow-wrap: anywhere; }
footer { padding-top: 24px; padding-bottom: 40px; font-size: 13px; color: var(--quiet); display: flex; flex-wrap: wrap; gap: 4px 16px; }
footer a { color: var(--quiet); }

#notice { position: sticky; bottom: 16px; z-index: 1; max-width: 1040px; margin: 0 auto; padding: 0 24px; pointer-events: none; }
#notice p { pointer-events: auto; width: fit-content; margin: 0 auto; padding: 12px 16px; border-radius: 8px; background: var(--text); color: var(--ground); box-shadow: 0 4px 16px rgb(0 0 0 / 20%); }
#notice p:empty { display: none; }

dialog { width: min(480px, calc(100vw - 32px)); max-height: calc(100vh - 32px); padding: 24px; border: 1px solid var(--line); border-radius: 12px; background: var(--surface); color: var(--text); box-shadow: 0 12px 40px rgb(0 0 0 / 25%); }
dialog::backdrop { background: rgb(8 10 13 / 50%); }
dialog h2 { margin: 0 0 12px; font-size: 19px; letter-spacing: 0; text-transform: none; color: var(--text); overflow-wrap: anywhere; }
dialog ul { margin: 0; padding-left: 20px; }
dialog li + li { margin-top: 6px; }
dialog fieldset { margin: 18px 0 0; padding: 0; border: 0; }
dialog legend { padding: 0 0 4px; font-weight: 600; }
dialog label { display: flex; gap: 10px; padding: 5px 0; }
dialog input { flex: none; width: 18px; height: 18px; margin: 2px 0 0; accent-color: var(--accent); }
dialog .actions { justify-content: flex-end; margin-top: 20px; }
dialog h3 { margin: 18px 0 6px; font-size: 15px; }
dialog fieldset[hidden], .field[hidden], button[hidden] { display: none; }
.field { margin-top: 14px; }
dialog .field label { display: block; padding: 0 0 4px; font-weight: 600; }
dialog .field input, dialog .field select { width: 100%; height: auto; min-height: 40px; margin: 0; padding: 6px 10px; font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--quiet); border-radius: 8px; }
#steering { margin-top: 4px; overflow-wrap: anywhere; }
#steer { margin-top: 14px; }
#refusal { margin-top: 14px; color: var(--bad); overflow-wrap: anywhere; }
#refusal:empty { display: none; }

@media (max-width: 600px) {
  main, header, footer, #notice { padding-left: 16px; padding-right: 16px; }
  header { padding-top: 18px; }
  #state { padding: 16px; margin-top: 14px; }
  #headline { font-size: 21px; align-items: flex-start; }
  #headline .icon { margin-top: 0.18em; }
  h2, .heading { margin-top: 28px; }
  .database { padding: 16px; }
  #timeline li { grid-template-columns: minmax(0, 1fr); padding: 12px 16px; }
  .cause { grid-column: 1; }
  button, .button { min-height: 44px; }
  .database .actions > * { flex: 1; justify-content: center; }
}
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { transition: none !important; animation: none !important; }
}
@media (forced-colors: active) {
  .pill, .database[data-active="true"] { border-width: 2px; }
}
`;
