import { t } from '../../model/schema.ts';
import { JOURNAL_UNIT_PATH } from '../../remote/journal-functions.ts';
import { STATE_DIRECTORY } from '../../remote/runtime.ts';
import { sh } from '../../remote/sh.ts';
import { absent, defineResource, known } from '../define.ts';
import { deletion } from './file-state.ts';

/**
 * What farmctl keeps on a host for itself: the manifest, stamps, originals, and the unit that runs journals at boot. It
 * comes with the first change and is never declared; planned is only its removal, as the last step of a retired host.
 */
export const ownState = defineResource({
  type: 'farmctl',
  desired: t.object({ path: t.path({ description: 'The directory.' }) }),
  defaults: { path: STATE_DIRECTORY },
  id: ({ path }) => path,
  probe: (all) =>
    sh`record 0
[ ! -d ${all.map(({ path }) => path).slice(0, 1)} ] || field there yes
end_record`,
  parse: (record) => (record.has('there') ? known(true) : absent),
  diff: () => undefined,
  apply: () => ({}),
  remove: ({ path }, observed: boolean | undefined) =>
    observed === undefined
      ? { kind: 'gone' }
      : {
          kind: 'remove',
          difference: deletion('manifest, stamps and originals', ['The host is given back: farmctl forgets it.']),
          effect: {
            script: sh`if [ -e ${JOURNAL_UNIT_PATH} ]; then
  systemctl -q disable farmctl-journal.service || exit 1
  rm -f -- ${JOURNAL_UNIT_PATH}
  systemctl daemon-reload || exit 1
fi
rm -rf -- ${path}`,
          },
        },
});
