import type { Row } from './scene.ts';
export const LOSSES: readonly Row[] = [];
