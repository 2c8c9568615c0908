/** The advisory locks of the server that machines hold while they work, each with its number. */

/** The class of the locks of machines, beside the number of each: `pdrm`. */
export const MACHINE_LOCK = 0x7064726d;
/** Held while it is judged what is held back, and shared by who claims payouts: `pdrj`. */
export const JUDGING_LOCK = 0x7064726a;
/** Held by the one machine that pays by the account's balance: `pdrs`. */
export const SPENDING_LOCK = 0x70647273;
/** Of all who may migrate: `pdrp`. */
export const MIGRATION_LOCK = 0x70647270;
/** Shared by every machine at work, and held by what must be done while none is: `pdra`. */
export const ALONE_LOCK = 0x70647261;
