/** All that a role may import: `import { defineRole, file, t } from 'farmctl'`. */
export { didYouMean } from './lib/closest.ts';
export { bytes, Content, text } from './model/content.ts';
export { type Diagnostic, FarmError, problem } from './model/diagnostic.ts';
export type { Network, Vip } from './model/farm.ts';
export { type Static, type TObject, type TSchema, t } from './model/schema.ts';
export { Secret } from './model/secret.ts';
export { joinScripts, Script, sh } from './remote/sh.ts';
export {
  type Action,
  type Difference,
  difference,
  type Field,
  type FileOperation,
  graver,
  type Risk,
  type TextChange,
} from './resource/change.ts';
export {
  absent as notThere,
  defineResource,
  type Effect,
  known,
  type Observed,
  type ProbeRecord,
  type Removal,
  type Resource,
  type ResourceType,
  unknown,
} from './resource/define.ts';
export type { ServiceDesired } from './resource/service-set.ts';
export { absent } from './resource/types/absent.ts';
export { authorizedKey } from './resource/types/authorized-key.ts';
export { block } from './resource/types/block.ts';
export { directory } from './resource/types/directory.ts';
export { exec } from './resource/types/exec.ts';
export { file } from './resource/types/file.ts';
export { group } from './resource/types/group.ts';
export { kernelModule } from './resource/types/kernel-module.ts';
export { ownedDirectory } from './resource/types/owned-directory.ts';
export { packages } from './resource/types/packages.ts';
export { service } from './resource/types/service.ts';
export { symlink } from './resource/types/symlink.ts';
export { sysctl } from './resource/types/sysctl.ts';
export { dropIn, unitFile } from './resource/types/unit-file.ts';
export { user } from './resource/types/user.ts';
export * from './role/check.ts';
// Whole, because roles add to the interface Offers: `declare module 'farmctl'` reaches only what is exported like this.
export * from './role/define.ts';
