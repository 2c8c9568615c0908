/** The style sheet of the console: that of the report pages, and what only the console has. */
import { STYLE } from '../style.ts';

export const CONSOLE_STYLE = `${STYLE}
.skip { position: absolute; left: -100vw; top: 0; padding: 0.75rem 1rem; background: var(--card); z-index: 1; }
.skip:focus { left: 0; }
main:focus { outline: none; }
.top { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0.5rem 1.5rem; margin-bottom: 1.5rem; padding-bottom: 0.75rem; border-bottom: 1px solid var(--line); }
.menu { display: flex; flex-wrap: wrap; gap: 0.25rem 1.1rem; font-size: 0.9375rem; }
.menu a { display: inline-block; padding: 0.3rem 0; }
.menu [aria-current] { font-weight: 650; color: var(--ink); text-decoration-thickness: 0.15em; }
.who { display: flex; flex-wrap: wrap; gap: 0.25rem 0.6rem; align-items: baseline; max-width: 100%; overflow-wrap: anywhere; }
.notice { max-width: none; padding: 0.75rem 1rem; border-radius: 0.75rem; margin-bottom: 1.25rem; }
.notice.bad, .notice.warn, .notice.good { color: var(--ink); }
.pager { display: flex; gap: 1.5rem; }
form.act { background: var(--card); border: 1px solid var(--line); border-radius: 0.75rem; padding: 1rem 1.35rem 1.2rem; margin-top: 1rem; }
form.act h3 + * { margin-top: 0.5rem; }
.field { margin-top: 0.75rem; max-width: 36rem; }
.field label, fieldset legend { display: block; font-size: 0.875rem; color: var(--soft); padding: 0; }
.field input, .field select { width: 100%; }
.fields { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(14rem, 100%), 1fr)); gap: 0 1.25rem; }
input, select, button { font: inherit; color: inherit; }
input:not([type="checkbox"]), select { background: var(--paper); border: 1px solid var(--soft); border-radius: 0.4rem; padding: 0.45rem 0.6rem; min-height: 2.75rem; min-width: 0; }
input[type="checkbox"] { width: 1.4rem; height: 1.4rem; }
label.tick { display: inline-flex; align-items: center; justify-content: center; min-width: 2.75rem; min-height: 2.75rem; }
.buttons { display: flex; flex-wrap: wrap; gap: 0.75rem; margin-top: 1rem; }
button { background: var(--card); border: 1px solid var(--soft); border-radius: 0.4rem; padding: 0.5rem 1.1rem; min-height: 2.75rem; cursor: pointer; font-weight: 600; }
button.main { background: var(--ink); border-color: var(--ink); color: var(--card); }
button.quiet { border: 0; background: none; padding: 0.2rem 0.3rem; min-height: 0; font-weight: 400; color: var(--link); text-decoration: underline; text-underline-offset: 0.15em; font-size: 0.875rem; }
:is(input, select, button, a):focus-visible { outline: 0.19rem solid var(--calm); outline-offset: 0.125rem; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.facts-list { display: grid; grid-template-columns: minmax(9rem, 14rem) 1fr; gap: 0 1.75rem; }
.facts-list > div { display: grid; grid-template-columns: subgrid; grid-column: 1 / -1; padding: 0.5rem 0; border-top: 1px solid var(--line); }
.facts-list dt { color: var(--soft); font-size: 0.875rem; }
.facts-list dd { overflow-wrap: anywhere; min-width: 0; unicode-bidi: plaintext; }
@media (max-width: 40rem) {
  .facts-list, .facts-list > div { display: block; }
  form.act { padding-left: 1rem; padding-right: 1rem; }
}
@media print {
  form:not(:has(table)), .decide, .screen, .skip, .top, .notice.good { display: none; }
}
`;
