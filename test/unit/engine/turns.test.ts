import { describe, expect, it } from 'vitest';
import { type NodeOutcome, runSchedule, type Work } from '../../../src/engine/schedule.ts';
import type { TurnOptions } from '../../../src/engine/turns.ts';
import type { Risk } from '../../../src/resource/change.ts';
import type { Dependency, Node } from '../../../src/role/order.ts';

const node = (host: string, part: string): Node => ({ host, part });

function work(
  host: string,
  part: string,
  risk: Risk,
  dependencies: readonly Dependency[] = [],
  wasActive = true,
): Work {
  return { node: node(host, part), dependencies, risk, hasChanges: true, wasActive, blocked: false };
}

interface Case {
  /** Who holds the VIP of which pair; a change of a host may move it. */
  readonly holders: Record<string, string[]>;
  readonly pairs?: readonly (readonly [string, string])[];
  readonly rollouts?: Record<string, ReturnType<TurnOptions['rolloutOf']>>;
  readonly failing?: readonly string[];
  /** Parts whose files go ahead, and the nodes where that fails. */
  readonly filesFirst?: readonly string[];
  readonly notSent?: readonly string[];
  readonly forks?: number;
  readonly stopOn?: string;
  readonly onStart?: (name: string) => void;
  /** Milliseconds that a node takes, by its name. */
  readonly takes?: Record<string, number>;
}

/** Runs the works and tells what began and ended, in order, and how each came out. */
async function run(works: readonly Work[], told: Case) {
  const events: string[] = [];
  const outcomes: Record<string, NodeOutcome> = {};
  const looks: string[] = [];
  const pairs = told.pairs ?? [['a', 'b']];
  await runSchedule(works, {
    turns: {
      rolloutOf: (part) => told.rollouts?.[part],
      partnersOf: (host) => pairs.flatMap((pair) => (pair.includes(host) ? pair.filter((one) => one !== host) : [])),
      held: async (host) => {
        looks.push(host);
        await new Promise((resolve) => setTimeout(resolve, 1));
        return told.holders[host] ?? [];
      },
    },
    forks: told.forks ?? 50,
    isStopping: () => told.stopOn !== undefined && events.includes(told.stopOn),
    ahead: {
      isWanted: ({ part }) => told.filesFirst?.includes(part) === true,
      send: async ({ host, part }) => {
        const name = `${part}@${host}`;
        await new Promise((resolve) => setTimeout(resolve, told.takes?.[`files of ${name}`] ?? 2));
        events.push(`files of ${name}`);
        return told.notSent?.includes(name) ? 'failed' : 'done';
      },
      takeBack: async ({ host, part }) => {
        events.push(`back: ${part}@${host}`);
      },
    },
    run: async ({ host, part }) => {
      const name = `${part}@${host}`;
      events.push(`+${name}`);
      told.onStart?.(name);
      await new Promise((resolve) => setTimeout(resolve, told.takes?.[name] ?? 2));
      events.push(`-${name}`);
      return told.failing?.includes(name) ? 'failed' : 'done';
    },
    finished: ({ host, part }, outcome) => {
      outcomes[`${part}@${host}`] = outcome;
    },
  });
  return { events, started: events.filter((one) => one.startsWith('+')).map((one) => one.slice(1)), outcomes, looks };
}

describe('turns of a pair', () => {
  it('restarts the standby before the active one, whichever is ready first', async () => {
    const works = [work('a', 'dns', 'restart'), work('b', 'dns', 'restart')];
    expect((await run(works, { holders: { a: ['vip'] } })).events).toEqual(['+dns@b', '-dns@b', '+dns@a', '-dns@a']);
    const late = [
      work('a', 'dns', 'restart'),
      work('b', 'base', 'none'),
      work('b', 'dns', 'restart', [{ node: node('b', 'base'), needs: 'order' }]),
    ];
    const { started } = await run(late, { holders: { a: ['vip'] }, takes: { 'base@b': 20 } });
    expect(started).toEqual(['base@b', 'dns@b', 'dns@a']);
  });

  it('asks nobody where only a reload is due', async () => {
    const { looks, events } = await run([work('a', 'dns', 'reload'), work('b', 'dns', 'reload')], {
      holders: { a: ['vip'] },
    });
    expect(looks).toEqual([]);
    expect(events.slice(0, 2)).toEqual(['+dns@a', '+dns@b']);
  });

  it('does not wait for a partner that has nothing to do', async () => {
    const idle: Work = { ...work('b', 'dns', 'none'), hasChanges: false };
    const { started, looks } = await run([work('a', 'dns', 'restart'), idle], { holders: { a: ['vip'] } });
    expect(started).toEqual(['dns@a']);
    expect(looks).toEqual([]);
  });

  it('leaves the active one alone where the standby failed', async () => {
    const works = [work('a', 'dns', 'restart'), work('b', 'dns', 'restart')];
    const { outcomes } = await run(works, { holders: { a: ['vip'] }, failing: ['dns@b'] });
    expect(outcomes).toEqual({ 'dns@b': 'failed', 'dns@a': 'not-attempted' });
  });

  it('goes one by one where both hold it, or neither', async () => {
    const works = [work('a', 'dns', 'restart'), work('b', 'dns', 'restart')];
    for (const holders of [{}, { a: ['vip'], b: ['vip'] }])
      expect((await run(works, { holders })).events).toEqual(['+dns@a', '-dns@a', '+dns@b', '-dns@b']);
  });

  it('never restarts both of a pair at once, in whatever parts', async () => {
    const works = [work('a', 'dns', 'restart'), work('b', 'web', 'restart'), work('c', 'web', 'none')];
    expect((await run(works, { holders: {} })).events.filter((one) => !one.endsWith('c'))).toEqual([
      '+dns@a',
      '-dns@a',
      '+web@b',
      '-web@b',
    ]);
  });

  it('looks again before each: the VIP may have moved meanwhile', async () => {
    const holders: Record<string, string[]> = { a: ['one'], b: [] };
    const works = [
      ...['a', 'b'].map((host) => work(host, 'dns', 'restart')),
      ...['a', 'b'].map((host) =>
        work(host, 'ha', 'restart', [
          { node: node('a', 'dns'), needs: 'order' },
          { node: node('b', 'dns'), needs: 'order' },
        ]),
      ),
    ];
    const { started } = await run(works, {
      holders,
      onStart(name) {
        // A restart of the active one lets the other take over.
        if (name === 'dns@a') Object.assign(holders, { a: [], b: ['one'] });
      },
    });
    expect(started).toEqual(['dns@b', 'dns@a', 'ha@a', 'ha@b']);
  });

  it('does not hang where tiers of a pair list the parts the other way round', async () => {
    const holders: Record<string, string[]> = { a: ['vip'], b: [] };
    const works = [
      work('a', 'x', 'restart'),
      work('a', 'y', 'restart', [{ node: node('a', 'x'), needs: 'order' }]),
      work('b', 'y', 'restart'),
      work('b', 'x', 'restart', [{ node: node('b', 'y'), needs: 'order' }]),
    ];
    const { outcomes } = await run(works, {
      holders,
      onStart: () => Object.assign(holders, { a: holders['b'], b: holders['a'] }),
    });
    expect(Object.values(outcomes)).toEqual(['done', 'done', 'done', 'done']);
  });
});

describe("turns of a part's own rollout", () => {
  const standbyFirst: ReturnType<TurnOptions['rolloutOf']> = (hosts) =>
    hosts.some((host) => host.wasActive)
      ? [...hosts].sort((one, other) => one.holds.length - other.holds.length).map(({ name }) => [name])
      : [hosts.map(({ name }) => name)];

  it('is asked again before each batch, with who holds what by then', async () => {
    const holders: Record<string, string[]> = { a: ['vip'], b: [] };
    const asked: string[] = [];
    const { started } = await run([work('a', 'ha', 'reload'), work('b', 'ha', 'reload')], {
      holders,
      rollouts: {
        ha: (hosts) => {
          asked.push(hosts.map(({ name, holds }) => `${name}:${holds.join()}`).join(' '));
          return standbyFirst(hosts);
        },
      },
      onStart: () => Object.assign(holders, { a: [], b: ['vip'] }),
    });
    expect(started).toEqual(['ha@b', 'ha@a']);
    expect(asked).toEqual(['a:vip b:', 'a:']);
  });

  it('starts a new pair together, and waits until both are ready', async () => {
    const works = [
      work('a', 'ha', 'none', [], false),
      work('b', 'base', 'none'),
      work('b', 'ha', 'none', [{ node: node('b', 'base'), needs: 'order' }], false),
    ];
    const { events } = await run(works, { holders: {}, rollouts: { ha: standbyFirst }, takes: { 'base@b': 20 } });
    expect(events.slice(0, 4)).toEqual(['+base@b', '-base@b', '+ha@a', '+ha@b']);
  });

  it('keeps pairs apart from each other and from hosts without one', async () => {
    const groups: string[] = [];
    const works = ['a', 'b', 'c', 'd', 'e'].map((host) => work(host, 'ha', 'reload'));
    await run(works, {
      holders: {},
      pairs: [
        ['a', 'b'],
        ['c', 'd'],
      ],
      rollouts: {
        ha: (hosts) => {
          groups.push(hosts.map(({ name }) => name).join());
          return [hosts.map(({ name }) => name)];
        },
      },
    });
    expect(groups.sort()).toEqual(['a,b', 'c,d', 'e']);
  });

  it('begins no later batch after a failure, and forgets nobody whom the rollout left out', async () => {
    const works = ['e', 'f', 'g'].map((host) => work(host, 'ha', 'none'));
    const rollouts = { ha: () => [['e']] };
    expect((await run(works, { holders: {}, rollouts })).outcomes).toEqual({
      'ha@e': 'done',
      'ha@f': 'done',
      'ha@g': 'done',
    });
    expect((await run(works, { holders: {}, rollouts, failing: ['ha@e'] })).outcomes).toEqual({
      'ha@e': 'failed',
      'ha@f': 'not-attempted',
      'ha@g': 'not-attempted',
    });
  });

  it('goes on with those that are left where one never gets ready', async () => {
    const works = [
      work('a', 'base', 'none'),
      work('a', 'ha', 'none', [{ node: node('a', 'base'), needs: 'order' }]),
      work('b', 'ha', 'none'),
    ];
    const { outcomes } = await run(works, { holders: {}, rollouts: { ha: standbyFirst }, failing: ['base@a'] });
    expect(outcomes).toEqual({ 'base@a': 'failed', 'ha@a': 'not-attempted', 'ha@b': 'done' });
  });

  it('lets a mistake of the rollout out', async () => {
    const rollouts = {
      ha: () => {
        throw new Error('no such batch');
      },
    };
    await expect(run([work('a', 'ha', 'none')], { holders: {}, rollouts })).rejects.toThrow('no such batch');
  });
});

describe('files that go ahead', () => {
  const rollouts = { ha: (hosts: readonly { name: string }[]) => hosts.map(({ name }) => [name]) };
  const told: Case = { holders: {}, rollouts, filesFirst: ['ha'] };
  const pair = ['a', 'b'].map((host) => work(host, 'ha', 'reload'));

  it('lie on both before the first has its turn, however long that takes and with few places', async () => {
    for (const more of [{ takes: { 'files of ha@a': 30 } }, { takes: { 'files of ha@b': 30 } }, { forks: 1 }]) {
      const { events } = await run(pair, { ...told, ...more });
      expect(events.slice(0, 2).sort()).toEqual(['files of ha@a', 'files of ha@b']);
      expect(events.slice(2)).toEqual(['+ha@a', '-ha@a', '+ha@b', '-ha@b']);
    }
  });

  it('wait for a host that comes late, and not for one that never comes', async () => {
    const late = [
      work('a', 'ha', 'reload'),
      work('b', 'base', 'none'),
      work('b', 'ha', 'reload', [{ node: node('b', 'base'), needs: 'order' }]),
    ];
    const { events } = await run(late, { ...told, takes: { 'base@b': 20 } });
    expect(events.indexOf('files of ha@b')).toBeLessThan(events.indexOf('+ha@a'));
    const { outcomes } = await run(late, { ...told, failing: ['base@b'] });
    expect(outcomes).toMatchObject({ 'ha@a': 'done', 'ha@b': 'not-attempted' });
  });

  it('are taken back where they did not get to the other', async () => {
    const { events, outcomes } = await run(pair, { ...told, notSent: ['ha@b'] });
    expect(events.slice(2)).toEqual(['back: ha@a']);
    expect(outcomes).toEqual({ 'ha@a': 'not-attempted', 'ha@b': 'failed' });
  });

  it('are taken back where the turn before failed, or the run is to stop', async () => {
    expect((await run(pair, { ...told, failing: ['ha@a'] })).events.slice(2)).toEqual(['+ha@a', '-ha@a', 'back: ha@b']);
    const { events, outcomes } = await run(pair, { ...told, stopOn: 'files of ha@b' });
    expect(events.slice(2).sort()).toEqual(['back: ha@a', 'back: ha@b']);
    expect(outcomes).toEqual({ 'ha@a': 'interrupted', 'ha@b': 'interrupted' });
  });
});
