/** HTML in which everything put into a template is escaped, and the document around every page. */
import { SANDBOX_NOTICE } from '../domain/api.ts';
import type { ReportContext } from './context.ts';
import { STYLE } from './style.ts';

/** Text that is markup already. Only {@link html} makes it. */
export interface Html {
  readonly markup: string;
}

type Value = string | number | Html | readonly Html[];

/** A template whose values are escaped unless they are markup themselves; an empty string adds nothing. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  return { markup: strings.reduce((all, piece, index) => all + markupOf(values[index - 1] ?? '') + piece) };
}

/** One self-contained document: no script, nothing loaded from anywhere. `head` is put beside the title. */
export function page(title: string, context: ReportContext, body: Html, head: Html | '' = ''): string {
  const csp = html`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
`;
  const style = html`
<style>${{ markup: STYLE }}</style>`;
  return documentOf(title, context.provider.sandbox, { first: csp, last: html`${head}${style}`, body });
}

interface Parts {
  /** In the head, before the title's neighbours and behind them. */
  readonly first: Html | '';
  readonly last: Html | '';
  readonly body: Html;
}

/** The document around every page, which says when its payouts move no money. */
export function documentOf(title: string, sandbox: boolean, { first, last, body }: Parts): string {
  const [loud = '', ...rest] = SANDBOX_NOTICE.split(/(?<=:)/);
  const banner = sandbox
    ? html`<aside class="sandbox" aria-label="Sandbox"><p><strong>${loud}</strong>${rest.join('')}</p></aside>`
    : '';
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
${first}<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${sandbox ? `SANDBOX: ${title}` : title}</title>${last}
</head>
<body>
${banner}${body}
</body>
</html>
`.markup;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function markupOf(value: Value): string {
  if (typeof value === 'string') return escaped(value);
  if (typeof value === 'number') return String(value);
  return 'markup' in value ? value.markup : value.map(({ markup }) => markup).join('');
}

/** Characters that can't be seen, or that change the direction of text, are written out as their code point. */
function escaped(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, (character) => {
      const point = character.codePointAt(0) ?? 0;
      return `<U+${point.toString(16).toUpperCase().padStart(4, '0')}>`;
    })
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
