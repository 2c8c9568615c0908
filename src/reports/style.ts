/** A table as cards, one a row: too wide for its screen, it would have to be scrolled sideways. */
function cards(name: string): string {
  return `
  ${name}, ${name} caption, ${name} tbody, ${name} tfoot { display: block; }
  ${name} thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  ${name} tr { display: grid; grid-template-columns: minmax(min-content, 1fr) auto; gap: 0.2rem 0.75rem; padding: 0.8rem 0.75rem; border-top: 1px solid var(--line); }
  ${name} th, ${name} td { padding: 0; border: 0; min-width: 0; text-align: left; white-space: normal; }
  ${name} .line::before { content: "Line "; }
  ${name} .line { font-weight: 600; }
  ${name} [data-label]::before { content: attr(data-label) " "; color: var(--soft); font-weight: 400; }
  ${name} td:empty { display: none; }
  ${name} tfoot tr { border-top: 2px solid var(--ink); }
  ${name} td.number { grid-column: 2; text-align: right; overflow-wrap: anywhere; }
  ${name} .corner { grid-row: 1; grid-column: 2; text-align: right; }
  ${name} .wide, ${name} .whole { grid-column: 1 / -1; }`;
}

/** The one style sheet of all pages: light, dark and print. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #f7f6f3; --card: #ffffff; --ink: #1b1e23; --soft: #565d67; --line: #e0ddd6; --strong-line: #b9b5ab;
  --good: #0a6147; --good-tint: #e2f1ea; --warn: #7d4b00; --warn-tint: #fbefd5;
  --bad: #a32018; --bad-tint: #fce8e5; --calm: #3f4a5a; --calm-tint: #e8ebef; --link: #1f4e8c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #131519; --card: #1b1e24; --ink: #e9eaec; --soft: #a7afba; --line: #2f343c; --strong-line: #545c68;
    --good: #77d6b0; --good-tint: #15302a; --warn: #f2c46d; --warn-tint: #352a10;
    --bad: #ffa399; --bad-tint: #3c1d1b; --calm: #b9c3d1; --calm-tint: #262c34; --link: #9cc2f5;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif;
}
.sheet { max-width: 66rem; margin: 0 auto; padding: 2.75rem 1.5rem 4rem; }
h1, h2, h3, p, dl, dd, ul, ol, table { margin: 0; padding: 0; }
h1 { font-size: clamp(1.5rem, 1.1rem + 2vw, 2.25rem); line-height: 1.2; letter-spacing: -0.015em; font-weight: 650; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; line-height: 1.3; font-weight: 650; letter-spacing: -0.005em; }
h3 { font-size: 1rem; font-weight: 650; }
p { max-width: 48rem; text-wrap: pretty; overflow-wrap: anywhere; }
ul, ol { list-style: none; }
code, .mono { font-family: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "Liberation Mono", monospace; font-size: 0.9em; overflow-wrap: anywhere; }
a { color: var(--link); text-underline-offset: 0.15em; overflow-wrap: anywhere; }
a:focus-visible, summary:focus-visible { outline: 0.19rem solid var(--calm); outline-offset: 0.125rem; border-radius: 0.2rem; }
.copy { user-select: all; }
.soft { color: var(--soft); }
.small { font-size: 0.875rem; }
.nowrap { white-space: nowrap; }
section { margin-top: 3rem; }
section > h2 + * { margin-top: 0.75rem; }
section > p + * { margin-top: 1rem; }
section > dl + p { margin-top: 0.75rem; }

.sandbox {
  color: #221b00; background: #ffd54a; text-align: center; font-size: 1.0625rem;
  border-bottom: 0.6rem solid; border-image: repeating-linear-gradient(-45deg, #221b00 0 0.7rem, #ffd54a 0.7rem 1.4rem) 10;
}
.sandbox p { max-width: none; padding: 0.75rem 1.5rem; }
.sandbox strong { font-weight: 800; letter-spacing: 0.08em; text-transform: uppercase; margin-right: 0.35em; }

nav p { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; max-width: none; font-size: 0.9375rem; margin-bottom: 1.25rem; }
.eyebrow { color: var(--soft); font-size: 0.9375rem; margin-bottom: 0.35rem; }
.verdict { margin-top: 1.5rem; padding: 1.15rem 1.35rem 1.25rem; border-radius: 0.75rem; }
.verdict p { max-width: none; color: var(--ink); }
.verdict .word { font-size: 1.375rem; line-height: 1.3; font-weight: 650; letter-spacing: -0.01em; margin-bottom: 0.25rem; color: inherit; }
.verdict p + p { margin-top: 0.2rem; }
.times { margin-top: 0.85rem; max-width: none; }
.good { color: var(--good); background: var(--good-tint); }
.warn { color: var(--warn); background: var(--warn-tint); }
.bad { color: var(--bad); background: var(--bad-tint); }
.calm { color: var(--calm); background: var(--calm-tint); }
.tag { display: inline-block; padding: 0.05rem 0.55rem; border-radius: 1rem; font-size: 0.8125rem; font-weight: 600; white-space: nowrap; }

.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(9rem, 42%), 1fr)); gap: 1rem 1.5rem; margin-top: 1.75rem; }
.facts div { border-top: 1px solid var(--strong-line); padding-top: 0.5rem; }
.facts dt { color: var(--soft); font-size: 0.875rem; }
.facts dd { font-size: 1.625rem; line-height: 1.25; font-weight: 600; font-variant-numeric: tabular-nums; letter-spacing: -0.01em; }

.balance { display: flex; flex-wrap: wrap; background: var(--card); border: 1px solid var(--line); border-radius: 0.75rem; padding: 1.1rem 1.35rem; }
.balance > div + div { position: relative; padding-left: 5rem; }
.balance.even > div + div::before { content: "="; position: absolute; left: 1.9rem; top: 50%; transform: translateY(-50%); font-size: 1.75rem; line-height: 1; font-weight: 600; color: var(--good); }
.balance dt { color: var(--soft); font-size: 0.875rem; }
.balance dd { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.balance.short > div + div::before { content: "="; position: absolute; left: 1.9rem; top: 1.1rem; font-size: 1.75rem; line-height: 1; font-weight: 600; color: var(--warn); }
.lacks { color: var(--warn); font-weight: 400; }
.balance .sum { font-size: 1.5rem; font-weight: 600; line-height: 1.3; letter-spacing: -0.01em; }

.scroll { position: relative; overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 0.75rem; }
.scroll + .scroll, .scroll + .paper { margin-top: 1rem; }
.scroll:focus-visible { outline: 0.19rem solid var(--calm); outline-offset: 0.125rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: 0.85rem 1.1rem 0.35rem; color: var(--soft); font-size: 0.875rem; }
th, td { padding: 0.55rem 1.1rem; text-align: left; vertical-align: top; border-top: 1px solid var(--line); }
thead th { font-size: 0.8125rem; font-weight: 600; color: var(--soft); border-top: 0; border-bottom: 1px solid var(--strong-line); white-space: nowrap; vertical-align: bottom; }
tbody th { font-weight: 400; }
tbody th.group { font-weight: 650; padding-top: 1.1rem; }
tbody tr.subtotal > *, tfoot tr > * { font-weight: 650; }
tbody tr.subtotal > * { border-top-color: var(--strong-line); }
tfoot tr > * { border-top: 2px solid var(--ink); }
tbody th.inset, tr.subtotal > th { padding-left: 2.1rem; }
.number { text-align: right; white-space: nowrap; }
.wide { min-width: 12rem; overflow-wrap: anywhere; }
.wide:not(.as-is)::first-letter { text-transform: uppercase; }
.amount { white-space: normal; min-width: 11.75rem; overflow-wrap: anywhere; }
.reference { min-width: 11rem; overflow-wrap: anywhere; }
.payee { min-width: 7rem; overflow-wrap: anywhere; }
.part { display: inline-block; max-width: 100%; }

.tasks { background: var(--card); border: 1px solid var(--line); border-radius: 0.75rem; }
.tasks > li { padding: 1rem 1.35rem 1.1rem; display: grid; grid-template-columns: 12rem 1fr; gap: 0.25rem 1.75rem; }
.tasks > li + li { border-top: 1px solid var(--line); }
.tasks + p { margin-top: 0.75rem; }
.tasks .who { font-weight: 650; }
.tasks .what > p + p { margin-top: 0.35rem; }

.codes { border-top: 1px solid var(--strong-line); }
.codes > li { border-bottom: 1px solid var(--line); }
.codes summary { padding: 0.7rem 0; cursor: pointer; overflow-wrap: anywhere; }
.codes summary b { font-variant-numeric: tabular-nums; margin-right: 0.35em; }
.codes summary span { display: block; padding-left: 1.1rem; }
.codes details > dl { padding-left: 1.1rem; }
.codes details { padding-bottom: 0.1rem; }
.codes details[open] { padding-bottom: 1rem; }
.codes dl { margin-top: 0.5rem; display: grid; gap: 0.35rem; max-width: 44rem; }
.codes dt, .paper dt { color: var(--soft); font-size: 0.875rem; }

.paper { display: grid; grid-template-columns: 14rem 1fr; gap: 0 1.75rem; }
.siblings { grid-template-columns: minmax(14rem, auto) minmax(16rem, 1fr); }
.siblings dt code { font-size: 1em; color: var(--ink); }
.paper > div { display: grid; grid-template-columns: subgrid; grid-column: 1 / -1; padding: 0.55rem 0; border-top: 1px solid var(--line); }
.paper dd { overflow-wrap: anywhere; }

footer p { max-width: none; }
footer { margin-top: 3.5rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--soft); font-size: 0.875rem; }

@media (max-width: 40rem) {
  .sheet { padding: 1.75rem 1rem 3rem; }
  section { margin-top: 2.25rem; }
  .verdict, .tasks > li { padding-left: 1rem; padding-right: 1rem; }
  .balance { display: block; padding: 1rem; }
  .balance > div + div { padding: 0.6rem 0 0; }
  .balance:is(.even, .short) > div + div::before { content: none; }
  .balance:is(.even, .short) > div + div .sum::before { content: "= "; color: var(--good); }
  .balance.short > div + div .sum::before { color: var(--warn); }
  .tasks > li { grid-template-columns: 1fr; }
  .paper, .paper > div { display: block; }
  th, td { padding-left: 0.75rem; padding-right: 0.75rem; }
  tbody th.inset, tr.subtotal > th { padding-left: 1.35rem; }
  caption { padding-left: 0.75rem; padding-right: 0.75rem; }
${cards('.narrow')}
}
@media screen and (max-width: 62.4375rem) {
${cards('.stacks')}
}
@media print {
  :root {
    color-scheme: light;
    --paper: #ffffff; --card: #ffffff; --ink: #000000; --soft: #444444; --line: #cccccc; --strong-line: #777777;
    --good: #0a6147; --good-tint: #ffffff; --warn: #7d4b00; --warn-tint: #ffffff;
    --bad: #a32018; --bad-tint: #ffffff; --calm: #3f4a5a; --calm-tint: #ffffff; --link: #000000;
  }
  @page { margin: 16mm 14mm; }
  html { font-size: 9.5pt; }
  body { line-height: 1.4; }
  .verdict, .facts { margin-top: 0.75rem; }
  .facts dd { font-size: 1.2rem; }
  .sheet { max-width: none; padding: 0; }
  .sandbox { border: 3px solid #000000; color: #000000; background: #ffffff; margin-bottom: 8mm; }
  section { margin-top: 1.1rem; }
  .scroll { overflow: visible; border: 0; }
  .scroll, .verdict { padding-left: 0; padding-right: 0; }
  .scroll, .balance, .tasks, .verdict { border-radius: 0; }
  thead { display: table-header-group; }
  tfoot { display: table-row-group; }
  tr, .tasks > li, .codes > li, .balance, .verdict { break-inside: avoid; }
  h2, h3, caption, thead, .eyebrow, section > h2 + p, tr:has(> .group) { break-after: avoid; }
  thead, caption, .facts, .paper > div, summary { break-inside: avoid; }
  tr:has(+ .subtotal) { break-after: avoid; }
  nav, td .copy { display: none; }
  .codes summary { list-style: none; padding: 0.25rem 0; }
  .codes summary span { display: inline; padding-left: 0.5rem; }
  .codes details { padding-bottom: 0; }
  th, td { padding: 0.15rem 0.4rem; }
  tbody th.group { padding-top: 0.4rem; }
  .reference { min-width: 0; }
  .amount { min-width: 6.5rem; }
  .wide { min-width: 0; width: 45%; }
  .tasks > li { padding: 0.4rem 0; }
  .balance, caption { padding: 0.4rem 0; }
  .paper > div { padding: 0.2rem 0; }
  footer { margin-top: 1.25rem; }
  .across { font-size: 9pt; line-height: 1.4; }
  .across, .across > :is(caption, tbody) { display: block; }
  .across > thead { display: none; }
  .across tr { display: grid; grid-template-columns: minmax(0, 1fr) auto auto auto; gap: 0 1.25rem; padding: 0.25rem 0; border-top: 1px solid var(--line); }
  .across tbody tr:first-child { break-before: avoid; }
  .across :is(th, td) { padding: 0; border: 0; text-align: left; min-width: 0; }
  .across .wide { grid-column: 1 / -1; order: 1; width: auto; }
  .across .line::before { content: "Line "; }
}
`;
