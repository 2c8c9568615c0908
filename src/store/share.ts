/** The part of the look-ups that a machine makes which is the only one. */
import type { Share } from './port.ts';

export const WHOLE: Share = { at: 0, of: 1 };
