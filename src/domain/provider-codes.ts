/**
 * The codes with which the payout-order API answers, as its documentation lists them. They are no errors of a row: they
 * stand with a payout that the provider refused or did not answer clearly for.
 */

export interface ProviderCode {
  readonly code: string;
  /** As messages call it. */
  readonly name: string;
  /** What it says, and what paydrop makes of it. */
  readonly means: string;
  readonly remedy: string;
}

const OUTAGE_REMEDY = 'Nothing to do: the payout is looked up at each run. If it lasts for hours, ask the provider.';

export const PROVIDER_CODES: readonly ProviderCode[] = [
  {
    code: '0x0200',
    name: 'success',
    means:
      'The provider took the order, or answers a look-up of it. A payout that was just taken is submitted, not paid.',
    remedy: 'Nothing to do.',
  },
  {
    code: '0x0201',
    name: 'unauthorized',
    means: 'The provider refuses the credentials. The run stops sending; no payout is called declined for it.',
    remedy: 'Check the client key, the secret and the addresses that the provider allows, then start paydrop run.',
  },
  {
    code: '0x0202',
    name: 'failure',
    means:
      'The provider refuses the order, and its words say why: no balance, a payee it does not know, a limit. The payout is declined. In a look-up it may also say that there is no such order.',
    remedy: 'Read the words beside it. Mend that, then pay again with paydrop retry.',
  },
  {
    code: '0x0203',
    name: 'missing parameter',
    means:
      'The provider refuses the order because a field is missing or not as it must be; its words name the field. The payout is declined. For the field clientRefId it may say that the reference is used already: then the payout is unknown, and looked up. For the field signature the run stops sending.',
    remedy:
      'Read the field that it names. Ask the sender for the right data; for the signature check the client key and the salt key.',
  },
  {
    code: '0x0204',
    name: 'connection timeout',
    means: 'The provider got no answer of its own in time. Whether it took the order is unknown.',
    remedy: OUTAGE_REMEDY,
  },
  {
    code: '0x0205',
    name: 'something went wrong',
    means: 'An error within the provider. Whether it took the order is unknown.',
    remedy: OUTAGE_REMEDY,
  },
  {
    code: '0x0206',
    name: 'pending',
    means: 'The provider took the order and works on it. The payout is submitted.',
    remedy: 'Nothing to do: each run looks it up until it is paid or has failed.',
  },
  {
    code: '0x0207',
    name: 'reversed',
    means: 'The order was paid, and the money came back. The payout is reversed.',
    remedy: "Check the payee's data, then pay again with paydrop retry, or close it with paydrop close.",
  },
  {
    code: '0x0208',
    name: 'second factor asked for',
    means: 'The provider asks for another proof of who is calling. Whether it took the order is unknown.',
    remedy: 'Ask the provider to let this account call without it. The payout is looked up at each run.',
  },
  {
    code: '0x0209',
    name: 'redirect',
    means:
      'The provider sends the caller elsewhere, where paydrop does not follow. Whether it took the order is unknown.',
    remedy: 'Check provider.baseUrl. The payout is looked up at each run.',
  },
  {
    code: '0x0503',
    name: 'service off',
    means: 'The provider has switched its service off for the moment. Whether it took the order is unknown.',
    remedy: OUTAGE_REMEDY,
  },
];
