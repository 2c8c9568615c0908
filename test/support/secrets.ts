/** The secrets with which a program may ask the bundled sandbox's payout-orders API. */
import { SANDBOX_KEYS } from '../../src/sandbox/sandbox.ts';

export const SANDBOX_SECRETS = {
  PAYDROP_CLIENT_KEY: SANDBOX_KEYS.clientKey,
  PAYDROP_CLIENT_SECRET: SANDBOX_KEYS.clientSecret,
  PAYDROP_SALT_KEY: SANDBOX_KEYS.saltKey,
};
