/** The folder that the program is installed in, where its package.json is: one above `src`, and above all that is built. */
export const INSTALLED = new URL('../', import.meta.url);
