import { defineResource, known, sh, t, unknown } from 'farmctl';

/** What the node calls itself: heartbeat starts only where that is one of its nodes. It is looked at, never changed. */
export const nodeName = defineResource({
  type: 'node-name',
  desired: t.object({ name: t.string({ minLength: 1, description: 'As `uname -n` prints it.' }) }),
  id: ({ name }) => name,
  probesTogether: true,
  probe: (all) => sh`read -r name </proc/sys/kernel/hostname
for index in ${all.map((_, index) => index)}; do
  record "$index"
  field name "$name"
  end_record
done`,
  parse(record, { name }) {
    const found = record.text('name');
    if (found !== name) return unknown(`the host calls itself "${found}", and heartbeat goes by that name`);
    return known(found);
  },
  diff: () => undefined,
  whole: ({ name }) => ({
    action: 'update',
    fields: [{ name: 'name', from: undefined, to: name }],
    texts: [],
    risk: 'none',
    notes: [],
  }),
  apply: () => ({}),
  remove: () => ({ kind: 'gone' }),
});
