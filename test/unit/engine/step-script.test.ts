import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { stepsScript } from '../../../src/engine/step-script.ts';
import { t } from '../../../src/model/schema.ts';
import type { Step } from '../../../src/plan/step.ts';
import { bodies } from '../../../src/remote/file-script.ts';
import { sh } from '../../../src/remote/sh.ts';
import { difference } from '../../../src/resource/change.ts';
import { absent, defineResource } from '../../../src/resource/define.ts';

const written = defineResource({
  type: 'written',
  desired: t.object({ name: t.string({ description: 'Its name.' }) }),
  id: ({ name }) => name,
  probesTogether: true,
  probe: () => sh`:`,
  parse: () => absent,
  diff: () => difference('create', []),
  apply: () => ({}),
  remove: () => ({ kind: 'gone' }),
});

function step(name: string): Step {
  const resource = written({ name });
  return {
    part: 'test',
    resource,
    isRemoval: false,
    unwanted: [],
    entries: [{ farm: 'test', part: 'test', type: 'written', id: name, position: 0, arguments: { name } }],
    observed: absent,
    seen: new Map(),
    change: {
      part: 'test',
      type: 'written',
      id: name,
      title: name,
      action: 'create',
      unknownUntil: undefined,
      fields: [],
      texts: [],
      risk: 'none',
      notes: [],
    },
    effect: {},
  };
}

it.each([[['one']], [['one', 'two']]])('changes made by being written down alone make a script: %s', (names) => {
  const { script, groups } = stepsScript(names.map(step), bodies(), { nonce: 'n', mayGroup: true });
  expect(groups).toHaveLength(1);
  expect(spawnSync('sh', ['-n'], { input: script.text, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
});
