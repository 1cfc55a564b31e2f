/** The style of the report. Light and dark follow the reader's setting; nothing is loaded. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --text: #1c2230; --soft: #5b6475; --rule: #e2e5eb;
  --grid: #edeff3; --lane: #eef0f4; --fault: #444d5f; --on-fault: #ffffff;
  --c0: #2f66d0; --c1: #0f8f80; --c2: #8a4fc4; --c3: #b0620c; --c4: #c03d7c; --c5: #5a7a1f;
  --good: #17803d; --good-soft: #e3f4e8; --bad: #c22f2f; --bad-soft: #fbe5e4;
  --reader: #d02f2f; --writer: #d9861a; --unavailable: #9aa3b2; --outage: #d02f2f14;
  --shade: #1c223030; --down: #c9414166; --frozen: #5aa7d8; --slow: #d9a21a; --lossy: #c06a2b; --read-only: #8d6bc9;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #11141a; --card: #191d25; --text: #e6e9ef; --soft: #9aa4b5; --rule: #2b313c;
    --grid: #242a34; --lane: #232934; --fault: #c3cad6; --on-fault: #191d25;
    --c0: #6c9bf5; --c1: #3bbfae; --c2: #b58ae6; --c3: #e0a050; --c4: #ee85b5; --c5: #a5c765;
    --good: #5fcf86; --good-soft: #17301f; --bad: #f08080; --bad-soft: #3a1d1f;
    --reader: #f06a6a; --writer: #eba84a; --unavailable: #6b7587; --outage: #f0808018;
    --shade: #000000a0; --down: #e0606080; --frozen: #4b8fbb; --slow: #d9a83a; --lossy: #d98a4b; --read-only: #a98be0;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; padding: 32px 20px 56px; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
main { max-width: 1160px; margin: 0 auto; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 16px; margin-bottom: 20px; }
h1 { font-size: 24px; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 16px; margin: 0 0 12px; }
p { margin: 0; }
.soft { color: var(--soft); }
header .soft { flex-basis: 100%; }
.verdict { padding: 3px 12px; border-radius: 99px; font-weight: 600; font-size: 14px; }
.verdict.kept { background: var(--good-soft); color: var(--good); }
.verdict.broken { background: var(--bad-soft); color: var(--bad); }
section {
  background: var(--card); border: 1px solid var(--rule); border-radius: 10px;
  padding: 18px 20px; margin-bottom: 16px;
}
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(128px, 1fr)); gap: 12px 20px; }
.facts dt { color: var(--soft); font-size: 13px; }
.facts div { display: flex; flex-direction: column; justify-content: space-between; }
.facts dd { margin: 0; font-size: 21px; font-weight: 600; font-variant-numeric: tabular-nums; }
dl { margin: 0; }
/* The shade at an edge says that there is more; a cover that scrolls along hides it at the end. */
.scroll {
  overflow-x: auto; margin: 0 -20px -4px; padding: 0 20px 4px;
  background:
    linear-gradient(to right, var(--card) 40%, transparent) left / 44px 100% no-repeat local,
    linear-gradient(to left, var(--card) 40%, transparent) right / 44px 100% no-repeat local,
    linear-gradient(to right, var(--shade), transparent) left / 18px 100% no-repeat scroll,
    linear-gradient(to left, var(--shade), transparent) right / 18px 100% no-repeat scroll;
}
svg { display: block; width: 100%; min-width: 760px; height: auto; font-family: inherit; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 500; font-size: 13px; color: var(--soft); white-space: nowrap; }
th, td { padding: 7px 14px 7px 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
tr:last-child td { border-bottom: 0; }
th:last-child, td:last-child { padding-right: 0; }
.number { text-align: right; white-space: nowrap; }
.value { overflow-wrap: anywhere; }
.small { font-size: 13px; line-height: 1.45; color: var(--soft); }
td.small { min-width: 150px; }
.nowrap { white-space: nowrap; }
.strong { font-weight: 600; }
.bad { color: var(--bad); font-weight: 600; }
.step { color: var(--soft); }
code { font: 12px/1.4 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.promises { list-style: none; margin: 0; padding: 0; }
.promises > li { display: grid; grid-template-columns: 24px 1fr auto; column-gap: 4px; padding: 7px 0; border-bottom: 1px solid var(--rule); }
.promises > li:last-child { border-bottom: 0; }
.mark { font-weight: 700; }
.kept > .mark { color: var(--good); }
.broken > .mark { color: var(--bad); }
.promises ul { grid-column: 2 / -1; margin: 4px 0 0; padding-left: 18px; color: var(--bad); font-size: 14px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 10px 0 0; padding: 0; list-style: none; font-size: 13px; color: var(--soft); }
.legend i { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 6px; vertical-align: -1px; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 16px; align-items: start; }
.columns section { min-width: 0; }

text { fill: var(--text); font-size: 13px; }
.tick { fill: var(--soft); font-size: 11px; font-weight: 400; }
.panel { font-weight: 600; }
.grid { stroke: var(--grid); stroke-width: 1; }
.lane { fill: var(--lane); }
.c0 { --colour: var(--c0); } .c1 { --colour: var(--c1); } .c2 { --colour: var(--c2); }
.c3 { --colour: var(--c3); } .c4 { --colour: var(--c4); } .c5 { --colour: var(--c5); }
.active { fill: var(--colour); }
.area { fill: var(--colour); fill-opacity: 0.22; }
.line { fill: none; stroke: var(--colour); stroke-width: 1.5; stroke-linejoin: round; stroke-linecap: round; }
.p50 { --colour: var(--c0); } .p99 { --colour: var(--soft); stroke-width: 1.1; }
.down { fill: url(#hatch); }
.hatch { stroke: var(--down); stroke-width: 5; }
.frozen { fill: url(#ice); stroke: var(--frozen); stroke-width: 1; }
.ice { stroke: var(--frozen); stroke-width: 2; }
.slow { fill: none; stroke: var(--slow); stroke-width: 2; stroke-dasharray: 2 4; }
.lossy { fill: none; stroke: var(--lossy); stroke-width: 2; stroke-dasharray: 8 4; }
.read-only { fill: none; stroke: var(--read-only); stroke-width: 2; }
.outage { fill: var(--outage); }
.bar.reader { fill: var(--reader); } .bar.writer { fill: var(--writer); } .bar.unavailable { fill: var(--unavailable); }
.fault line { stroke: var(--fault); stroke-width: 1; stroke-dasharray: 3 3; opacity: 0.55; }
.fault circle { fill: var(--fault); }
.fault text { fill: var(--on-fault); font-size: 12.5px; font-weight: 600; }
.hover rect { fill: transparent; }
.hover rect:hover { fill: var(--text); fill-opacity: 0.08; }
i.c0, i.c1, i.c2, i.c3, i.c4, i.c5, i.p50, i.p99 { background: var(--colour); }
i.reader { background: var(--reader); } i.writer { background: var(--writer); } i.unavailable { background: var(--unavailable); }
i.down { background: repeating-linear-gradient(135deg, var(--down) 0 4px, transparent 4px 6px); border: 1px solid var(--down); }
i.frozen { background: repeating-linear-gradient(90deg, var(--frozen) 0 2px, transparent 2px 5px); border: 1px solid var(--frozen); }
i.slow { border: 2px dotted var(--slow); }
i.lossy { border: 2px dashed var(--lossy); }
i.read-only { border: 2px solid var(--read-only); }
@media (max-width: 760px) { .promises .small { grid-column: 2; } }
@media (max-width: 560px) { body { padding: 20px 10px 40px; } section { padding: 14px; } .scroll { margin: 0 -14px; padding: 0 14px; }
  .wide { display: none; } th, th.number, td.nowrap { white-space: normal; } th, td { padding-right: 10px; } td code { overflow-wrap: anywhere; } td.what { min-width: 130px; overflow-wrap: anywhere; } }
@media print { body { background: none; padding: 0; } section { break-inside: avoid; } }
`;
