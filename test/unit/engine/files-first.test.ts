import { describe, expect, it } from 'vitest';
import { stepsAhead } from '../../../src/engine/files-first.ts';
import { text } from '../../../src/model/content.ts';
import type { Step } from '../../../src/plan/step.ts';
import type { Risk } from '../../../src/resource/change.ts';
import { directory } from '../../../src/resource/types/directory.ts';
import { file } from '../../../src/resource/types/file.ts';
import { service } from '../../../src/resource/types/service.ts';
import { holding, record, same } from '../resource/service-fixture.ts';

const SHOWN = 'LoadState=loaded\nUnitFileState=enabled\nInvocationID=i1\nNeedDaemonReload=no';
const config = file({ path: '/etc/x.conf', content: text('new\n') });
const daemon = service({ unit: 'x.service', enabled: true, active: true, config: [config] });

function step(resource: Step['resource'], risk: Risk, effect: Step['effect']): Step {
  const { type, id } = { type: resource.type.type, id: resource.id };
  const change = { part: 'x', type, id, title: id, action: 'update', unknownUntil: undefined } as const;
  return {
    part: 'x',
    resource,
    isRemoval: false,
    unwanted: [],
    entries: [],
    observed: { state: 'absent' },
    seen: new Map(),
    change: { ...change, fields: [], texts: [], risk, notes: [] },
    effect,
  };
}

/** The service in that state, with its file as it should be or not. */
function serviceStep(activeState: string, isFileOld: boolean): Step {
  const seen = daemon.type.parse(
    record({ show: `ActiveState=${activeState}\n${SHOWN}`, inodes: '11 1763600000.0', journal: 'yes' }),
    daemon.desired,
  );
  if (seen.state !== 'known') throw new Error('it is known');
  const members = [isFileOld ? holding(config, 'old\n') : same(config)];
  const differs = daemon.type.diff(daemon.desired, seen.value, members);
  return step(daemon, differs?.risk ?? 'none', daemon.type.apply(daemon.desired, seen.value, members));
}

const folder = directory({ path: '/etc/x.d' });

describe('stepsAhead', () => {
  it('is all up to the files of the running service', () => {
    const before = step(folder, 'none', {});
    const reload = serviceStep('active', true);
    expect(stepsAhead([before, reload, step(folder, 'restart', {})])).toEqual([before, reload]);
  });

  it.each([
    ['the service does not run', [serviceStep('inactive', true)]],
    ['its files are there already', [serviceStep('active', false)]],
    ['something graver comes before', [step(folder, 'outage', {}), serviceStep('active', true)]],
    ['there is no such service', [step(folder, 'none', {})]],
  ])('is nothing where %s', (_, steps) => {
    expect(stepsAhead(steps)).toEqual([]);
  });
});
