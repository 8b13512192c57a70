import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostHandle } from '../lab/lab.ts';
import { whyNoLab } from '../lab/requirements.ts';
import { openSite, type Site } from './site.ts';

const reason = await whyNoLab();

/** Only a VM has a clock of its own. */
describe.skipIf(reason !== undefined)(
  `a clock that is wrong${reason === undefined ? '' : ` (left out: ${reason})`}`,
  () => {
    let site: Site;
    let host: HostHandle;
    let started: string;
    const isQuiet = async (generation: string) =>
      expect(await site.run('drift', { 'site.generation': generation })).toMatchObject({ exitCode: 0, changes: [] });
    const invocation = () => host.must('systemctl show -P InvocationID pair.service');

    beforeAll(async () => {
      site = await openSite('test-clock', 'alone', { vm: ['app1'] });
      host = site.lab.host('app1');
      await site.converge({ 'site.generation': '1' });
      started = await invocation();
    });
    afterAll(() => site?.down());

    test.each([
      ['a day back', '1 day ago', '2', '2 days'],
      ['two days ahead', '2 days', '3', '2 days ago'],
    ])('%s, and jumping after the change: no more is done than is due', async (_, jump, generation, next) => {
      const before = String(Number(generation) - 1);
      await host.must(`date -s '${jump}'`);
      await isQuiet(before);
      expect(await site.converge({ 'site.generation': generation })).toEqual(['app1: update service pair.service']);
      expect(await host.must('cat /run/pair.loaded')).toBe(`${generation} ${generation} first second\n`);
      await isQuiet(generation);
      await host.must(`date -s '${next}'`);
      await isQuiet(generation);
      // A file of the set that was edited under that clock is put back, and its service loads it again.
      await host.must('echo edited >>/etc/pair/b.conf');
      expect(await site.converge({ 'site.generation': generation })).toEqual(['app1: update service pair.service']);
      expect(await site.converge({ 'site.generation': generation })).toEqual([]);
      expect(await invocation()).toBe(started);
    });
  },
);
