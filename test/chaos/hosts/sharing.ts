import type { Row } from './scene.ts';
export const SHARING: readonly Row[] = [];
