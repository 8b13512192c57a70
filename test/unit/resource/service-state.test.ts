import { describe, expect, it } from 'vitest';
import { probeRecord } from '../../../src/remote/record.ts';
import { owed, parseServiceState } from '../../../src/resource/service-state.ts';

const OLD = '11 1763715000.000000100\n12 1763715001.5';
const STARTED_AFTER = 'Fri 2025-11-21 09:00:00.000001 UTC';
const STARTED_BEFORE = 'Fri 2025-11-21 08:00:00 UTC';

function state(parts: { active?: string; started?: string; invocation?: string; stamp?: string; inodes?: string }) {
  const { active = 'active', started = STARTED_AFTER, invocation = 'i1', stamp, inodes = OLD } = parts;
  const show = `LoadState=loaded\nActiveState=${active}\nInvocationID=${invocation}\nActiveEnterTimestamp=${started}\nNeedDaemonReload=no\n`;
  const fields = new Map([
    ['show', show],
    ['inodes', inodes],
    ...(stamp === undefined ? [] : ([['stamp', stamp]] as const)),
  ]);
  return parseServiceState(probeRecord(new Map([...fields].map(([name, text]) => [name, Buffer.from(text)]))));
}

const stamp = (restart: string, invocation: string, inodes: string) =>
  `reload r\nrestart ${restart}\ninvocation ${invocation}\n${inodes}\n`;

describe('what a running process owes', () => {
  const cases = [
    ['no stamp, the process is newer than every file', state({}), 'nothing'],
    ['no stamp, a file is newer than the process', state({ started: STARTED_BEFORE }), 'reload'],
    [
      'all inodes and change times as stamped',
      state({ started: STARTED_BEFORE, stamp: stamp('R', 'i1', OLD) }),
      'nothing',
    ],
    ['as stamped, though the restart digest of today differs', state({ stamp: stamp('other', 'i1', OLD) }), 'nothing'],
    [
      'a file was deleted by hand, the others are as stamped',
      state({ started: STARTED_BEFORE, inodes: '12 1763715001.5', stamp: stamp('R', 'i1', OLD) }),
      'reload',
    ],
    [
      'a file touched, the same process',
      state({ started: STARTED_BEFORE, stamp: stamp('R', 'i1', '11 1.0') }),
      'reload',
    ],
    [
      'a file touched before the process was restarted by hand',
      state({ invocation: 'i2', stamp: stamp('R', 'i1', '11 1.0') }),
      'nothing',
    ],
    [
      'a file touched after the process was restarted by hand',
      state({ invocation: 'i2', started: STARTED_BEFORE, stamp: stamp('R', 'i1', '11 1.0') }),
      'restart',
    ],
    [
      'a file touched and what only a restart reaches',
      state({ started: STARTED_BEFORE, stamp: stamp('old', 'i1', '11 1.0') }),
      'restart',
    ],
    [
      'a change time in the future is never older',
      state({ inodes: '11 4000000000.0', stamp: stamp('R', 'i1', OLD) }),
      'reload',
    ],
    ['not active', state({ active: 'failed', stamp: stamp('R', 'i1', '11 1.0') }), 'nothing'],
    ['a stamp that is not one counts as none', state({ stamp: 'rubbish' }), 'nothing'],
  ] as const;
  it.each(cases)('%s', (_name, observed, expected) => {
    expect(owed(observed, 'R')).toBe(expected);
  });
});
