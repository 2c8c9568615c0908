import { existsSync } from 'node:fs';

/** The folder that the program is installed in: the nearest one above its code that has a package.json. */
export const INSTALLED = nearest('package.json', new URL('.', import.meta.url));

function nearest(name: string, folder: URL): URL {
  if (existsSync(new URL(name, folder))) return folder;
  const above = new URL('..', folder);
  if (above.href === folder.href) throw new Error(`There is no ${name} above ${import.meta.url}`);
  return nearest(name, above);
}
