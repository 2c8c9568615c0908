/**
 * Reads a provider's own words where it gives no code. Each pattern is about what paydrop sent: the payout and its
 * reference.
 */

/** [S] Servers answer "already exists" to a used reference. The other words mean the same. */
const USED =
  /\b(?:already (?:been )?(?:exists?|used|taken|received|submitted|processed|created)|exists already|duplicate|not unique|must be unique|unique)\b/i;

/**
 * A text about a used reference names the reference, whatever else it names; or it names only what was sent under it.
 */
const REFERENCE = /\bclient[ _-]?ref\w*|\bref(?:erence)?(?:[ _-]?(?:id|no|number))?\b/i;
const WHAT_WAS_SENT = /\b(?:order|payout|transaction|request|instruction)\b/i;

/** A limit, an account or a payee may also exist or be used up already. Such words say nothing about what was sent. */
const SOMETHING_ELSE =
  /\b(?:accounts?|banks?|contacts?|beneficiar\w*|payees?|customers?|limits?|balance|quota|funds?|mode|upi|vpa|handle|mobile|phone|email)\b/i;

/** Whether a text, which may be about anything, says that the payout exists already under its reference. */
export function saysReferenceIsUsed(text: string): boolean {
  if (!USED.test(text)) return false;
  return REFERENCE.test(text) || (WHAT_WAS_SENT.test(text) && !SOMETHING_ELSE.test(text));
}

/** The same for a text that is only about the reference, such as a field's error. */
export function saysUsed(text: string): boolean {
  return USED.test(text) || /\bexists\b/i.test(text);
}

const THING = '(?:payout |payment )?(?:order|record|payout|payment|transaction|instruction|data|entry)s?';
const WHICH = '(?: (?:with|for|under|having|of) [\\w .:#\'"-]{1,80})?';
const NOTHING_FOUND = [
  `(?:the |this |requested |such )*${THING}${WHICH},? (?:(?:was|is|were|are|could|can) ?)?(?:not|n't) (?:be )?(?:found|existing)${WHICH}`,
  `(?:the |this |requested )*${THING}${WHICH} (?:does not|doesn't|do not|don't) exist`,
  `no (?:such |matching )*${THING}(?: (?:was |were |is |are |could be )?(?:found|exists?|available))?${WHICH}`,
  'not found',
].map((form) => new RegExp(`^${form}\\.?$`, 'i'));

/**
 * Whether a look-up's words mean "there is no such payout". A missing account, or anything else missing, doesn't count.
 */
export function saysNothingFound(text: string): boolean {
  const words = text.trim();
  return !SOMETHING_ELSE.test(words) && NOTHING_FOUND.some((form) => form.test(words));
}

/** Digits with commas between them: grouped by thousands, or as in India by thousands and then by hundreds. */
const GROUPED = /^(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,2}(?:,[0-9]{2})*,[0-9]{3})(?:\.[0-9]+)?$/;

/** An amount without the commas of its grouping; the text itself where it isn't grouped, or is grouped wrongly. */
export function ungrouped(amount: string): string {
  return GROUPED.test(amount) ? amount.replaceAll(',', '') : amount;
}
