type ImportModule = (url: string) => Promise<{ readonly default?: unknown }>;

let importer: ImportModule = (url) => import(url);

/** Imports a module of the project or of farmctl itself, by its `file:` URL. */
export function importModule(url: string): ReturnType<ImportModule> {
  return importer(url);
}

/** The published form is a script, which cannot import: who starts it does that for it. */
export function importModulesBy(other: ImportModule): void {
  importer = other;
}
