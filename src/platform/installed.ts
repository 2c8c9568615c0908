import { existsSync } from 'node:fs';

/** The folder in which the program is installed: the nearest folder above its code with a package.json. */
export const INSTALLED = nearest('package.json', new URL('.', import.meta.url));

function nearest(name: string, folder: URL): URL {
  if (existsSync(new URL(name, folder))) return folder;
  const above = new URL('..', folder);
  if (above.href === folder.href) throw new Error(`There is no ${name} above ${import.meta.url}`);
  return nearest(name, above);
}
