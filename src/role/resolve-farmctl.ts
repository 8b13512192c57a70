import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

let registered = false;

/**
 * Lets a role in any folder import 'farmctl': the bare name leads to the running farmctl, also where no package.json is
 * near. Registered once per process.
 * @param indexPath absolute path of the module that holds the public API
 */
export function resolveFarmctl(indexPath: string): void {
  if (registered) return;
  registered = true;
  const url = pathToFileURL(indexPath).href;
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'farmctl' ? { url, shortCircuit: true } : next(specifier, context),
  });
}
