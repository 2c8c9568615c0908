/** What a provider's own words say, where no code does. Each pattern is about what paydrop sent: the payout and its reference. */

/** [S] "already exists" is what a used reference is answered with; the other words say the same. */
const USED =
  /\b(?:already (?:been )?(?:exists?|used|taken|received|submitted|processed|created)|exists already|duplicate|not unique|must be unique|unique)\b/i;

/** What a text about a used reference names: the reference itself, whatever else it names; or what it stands for, alone. */
const REFERENCE = /\bclient[ _-]?ref\w*|\bref(?:erence)?(?:[ _-]?(?:id|no|number))?\b/i;
const WHAT_WAS_SENT = /\b(?:order|payout|transaction|request|instruction)\b/i;

/** A limit, an account or a payee may exist or be used up already, too; that says nothing of what was sent. */
const SOMETHING_ELSE =
  /\b(?:accounts?|banks?|contacts?|beneficiar\w*|payees?|customers?|limits?|balance|quota|funds?|mode|upi|vpa|handle|mobile|phone|email)\b/i;

/** The payout that was sent is there under its reference, says a text that may be about something else as well. */
export function saysReferenceIsUsed(text: string): boolean {
  if (!USED.test(text)) return false;
  return REFERENCE.test(text) || (WHAT_WAS_SENT.test(text) && !SOMETHING_ELSE.test(text));
}

/** The same of a text that is about nothing but the reference, such as a field's error. */
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

/** A look-up's words for "there is no such payout". Nothing else that is missing, such as an account, counts. */
export function saysNothingFound(text: string): boolean {
  const words = text.trim();
  return !SOMETHING_ELSE.test(words) && NOTHING_FOUND.some((form) => form.test(words));
}

/** Digits, and what stands between them where they are grouped by thousands, or as in India by thousands and then by hundreds. */
const GROUPED = /^(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,2}(?:,[0-9]{2})*,[0-9]{3})(?:\.[0-9]+)?$/;

/** An amount's digits without their grouping; the text itself where it isn't grouped, or wrongly. */
export function ungrouped(amount: string): string {
  return GROUPED.test(amount) ? amount.replaceAll(',', '') : amount;
}
