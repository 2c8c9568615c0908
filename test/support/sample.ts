/**
 * `npm test` takes a sample of what is tried at very many points; `TESTS=all npm test` takes every one, as .ci/run does.
 * docs/reliability.md says what is in the sample.
 */
export const ALL = process.env['TESTS'] === 'all';
