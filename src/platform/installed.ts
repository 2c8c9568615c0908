import { existsSync, readFileSync } from 'node:fs';

/** The folder in which the program is installed: the nearest folder above its code with a package.json. */
export const INSTALLED = nearest('package.json', new URL('.', import.meta.url));

/** The version of the program that runs. */
export function installedVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('package.json', INSTALLED), 'utf8')) as { version: string };
  return version;
}

function nearest(name: string, folder: URL): URL {
  if (existsSync(new URL(name, folder))) return folder;
  const above = new URL('..', folder);
  if (above.href === folder.href) throw new Error(`There is no ${name} above ${import.meta.url}`);
  return nearest(name, above);
}
