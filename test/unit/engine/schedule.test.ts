import { describe, expect, it } from 'vitest';
import { type NodeOutcome, runSchedule, type Work } from '../../../src/engine/schedule.ts';
import type { Risk } from '../../../src/resource/change.ts';
import type { Dependency } from '../../../src/role/order.ts';

const NO_PAIRS = { rolloutOf: () => undefined, partnersOf: () => [], held: async () => [] };

const node = (host: string, part: string) => ({ host, part });

function work(
  host: string,
  part: string,
  risk: Risk,
  dependencies: readonly Dependency[] = [],
  rest: Partial<Work> = {},
): Work {
  return { node: node(host, part), dependencies, risk, hasChanges: true, wasActive: true, blocked: false, ...rest };
}

/** Runs the works; a node named in `failing` fails. Returns the order of starts, the most at once, and the outcomes. */
async function run(works: readonly Work[], failing: readonly string[] = [], stopAfter = Number.POSITIVE_INFINITY) {
  const started: string[] = [];
  const outcomes: Record<string, NodeOutcome> = {};
  let now = 0;
  let most = 0;
  await runSchedule(works, {
    turns: NO_PAIRS,
    forks: 50,
    isStopping: () => started.length >= stopAfter,
    run: async ({ host, part }) => {
      started.push(`${part}@${host}`);
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => setTimeout(resolve, 2));
      now -= 1;
      return failing.includes(`${part}@${host}`) ? 'failed' : 'done';
    },
    finished: ({ host, part }, outcome) => {
      outcomes[`${part}@${host}`] = outcome;
    },
  });
  return { started, most, outcomes };
}

describe('runSchedule', () => {
  it('changes hosts together up to a reload, and one at a time from a restart on', async () => {
    expect((await run(['a', 'b', 'c'].map((host) => work(host, 'web', 'reload')))).most).toBe(3);
    expect((await run(['a', 'b', 'c'].map((host) => work(host, 'web', 'restart')))).most).toBe(1);
  });

  it('does not begin later hosts of a part whose restart failed', async () => {
    const { outcomes } = await run(
      ['a', 'b', 'c'].map((host) => work(host, 'web', 'restart')),
      ['web@a'],
    );
    expect(outcomes).toEqual({ 'web@a': 'failed', 'web@b': 'not-attempted', 'web@c': 'not-attempted' });
  });

  it('keeps order across hosts, and a failure stops only who needs that part', async () => {
    const after = (needs: Dependency['needs']): Dependency[] => [
      { node: node('n1', 'nfs'), needs },
      { node: node('n2', 'nfs'), needs },
    ];
    const works = [
      work('x', 'order', 'none', after('order')),
      work('y', 'all', 'none', after('all')),
      work('z', 'any', 'none', after('any')),
      work('n1', 'nfs', 'none'),
      work('n2', 'nfs', 'none'),
    ];
    const { started, outcomes } = await run(works, ['nfs@n1']);
    expect(started.slice(0, 2).sort()).toEqual(['nfs@n1', 'nfs@n2']);
    expect(outcomes).toMatchObject({ 'order@x': 'done', 'all@y': 'not-attempted', 'any@z': 'done' });
  });

  it('stops what follows on a failed host, and goes on elsewhere', async () => {
    const second = (host: string) => work(host, 'two', 'none', [{ node: node(host, 'one'), needs: 'order' }]);
    const { outcomes } = await run(
      [work('a', 'one', 'none'), second('a'), work('b', 'one', 'none'), second('b')],
      ['one@a'],
    );
    expect(outcomes).toEqual({ 'one@a': 'failed', 'two@a': 'not-attempted', 'one@b': 'done', 'two@b': 'done' });
  });

  it('begins nothing more once it is to stop', async () => {
    const { outcomes } = await run(
      ['a', 'b'].map((host) => work(host, 'web', 'restart')),
      [],
      1,
    );
    expect(outcomes).toEqual({ 'web@a': 'done', 'web@b': 'interrupted' });
  });

  it('begins nothing more where hosts wait for a place among the forks', async () => {
    const started: string[] = [];
    await runSchedule(
      ['a', 'b', 'c'].map((host) => work(host, 'web', 'none')),
      {
        turns: NO_PAIRS,
        forks: 1,
        isStopping: () => started.length > 0,
        run: async ({ host }) => {
          started.push(host);
          return 'done';
        },
        finished: () => undefined,
      },
    );
    expect(started).toEqual(['a']);
  });

  it('goes on behind a part that was stopped but had nothing to change on this host', async () => {
    const { outcomes } = await run([
      work('x', 'web', 'none', [], { hasChanges: false, blocked: true }),
      work('x', 'resolver', 'none', [{ node: node('x', 'web'), needs: 'order' }]),
    ]);
    expect(outcomes).toEqual({ 'web@x': 'not-attempted', 'resolver@x': 'done' });
  });

  it('does not hang where two tiers list the same parts the other way round', async () => {
    const works = [
      work('x', 'a', 'restart'),
      work('x', 'b', 'none', [{ node: node('x', 'a'), needs: 'order' }]),
      work('y', 'b', 'restart'),
      work('y', 'a', 'none', [{ node: node('y', 'b'), needs: 'order' }]),
    ];
    expect(Object.values((await run(works)).outcomes)).toEqual(['done', 'done', 'done', 'done']);
  });
});
