import { Content } from '../model/content.ts';
import type { FileOperation } from '../resource/change.ts';
import { type Bodies, cutByNames, oneFile } from './file-script.ts';
import { filesBatch, isPlain, type PlainOperation } from './files-batch.ts';
import { joinScripts, type Script, sh } from './sh.ts';

/** From so many on that follow each other, files are made together. */
const TOGETHER_FROM = 4;

/**
 * The operations of one step, in their order: what only has to appear is made together, the rest one by one. Each has
 * its name by a rename of its own. The first that fails ends the script with 1.
 */
export function fileScript(operations: readonly FileOperation[], sent: Bodies): Script {
  const scripts: Script[] = [];
  let plain: PlainOperation[] = [];
  const close = () => {
    scripts.push(
      plain.length < TOGETHER_FROM ? joinScripts(plain.map((one) => oneFile(one, sent))) : batches(plain, sent),
    );
    plain = [];
  };
  for (const operation of operations) {
    if (isPlain(operation)) {
      plain.push(operation);
      continue;
    }
    close();
    scripts.push(oneFile(operation, sent));
  }
  close();
  return joinScripts(scripts);
}

/** Thousands are a script each few hundred, sent as bodies: a shell holds a script whole in its memory. */
function batches(operations: readonly PlainOperation[], sent: Bodies): Script {
  const cut = cutByNames(operations);
  const [only, ...others] = cut;
  if (only === undefined) return sh`:`;
  if (others.length === 0)
    return sh`(
${filesBatch([only], sent, '/dev/null')}
) || exit 1`;
  const run = cut.map((some) => {
    const script = filesBatch([some], sent.anew(), '/dev/null');
    // That much is done: the controller's deadline begins anew.
    return sh`( . "$B"/${sent.add(Content.text(script.text))} ) || exit 1
frame alive
frame .`;
  });
  return joinScripts(run);
}
