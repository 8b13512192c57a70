import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { HostHandle } from '../lab/lab.ts';
import { type Site, words } from './site.ts';

/** How a host came back after its power cord was pulled in the middle of an apply. */
export interface CameBack {
  /** The set that its service serves. */
  readonly with: 'the old set' | 'the new set';
  /** It died in the middle of a swap: a journal put the old set back at boot. */
  readonly wasSwapping: boolean;
}

/** The host app1 of a site, whose service is changed again and again while something dies. */
export interface Victim {
  readonly host: HostHandle;
  /** How long a whole apply takes now, on a machine that others use too. Set by `timed`. */
  applyMs: number;
  /** Each generation is another set of files. */
  generation: number;
  /** Another port is a restart. */
  listen: number;
  state(): Readonly<Record<string, unknown>>;
  /** What the service reads in a whole set of this generation, sorted words. */
  served(): readonly string[];
  /** What the service has read. */
  loaded(): Promise<readonly string[]>;
  /** What is served as soon as something is, in the service's own order: it may still be at its restart. */
  servedSoon(): Promise<readonly string[]>;
  /** Makes the next generation by a whole apply, and notes how long it takes. */
  timed(): Promise<void>;
  /** Starts an apply; `farmctl` is what runs. */
  startApply(): ReturnType<Site['lab']['startFarmctl']>;
  /** The next apply ends what was begun, nothing is left of it and drift finds nothing. */
  convergedAgain(note: string): Promise<void>;
  /** Pulls the power cord so long after an apply was begun, and looks at what serves after the boot. */
  powerCut(afterMs: number, note: string): Promise<CameBack>;
}

/** @param inventory that of the site, with a host app1 */
export function victimOf(site: Site, inventory: string): Victim {
  const host = site.lab.host('app1');
  const only = ['-l', 'app1'];
  const victim: Victim = {
    host,
    applyMs: 0,
    generation: 1,
    listen: 80,

    state: () => ({
      'site.generation': String(victim.generation),
      'site.listen': victim.listen,
      'site.sites': ['first', victim.generation % 2 === 0 ? 'even' : 'odd'],
    }),

    served: () =>
      `${victim.generation} ${victim.generation} first ${victim.generation % 2 === 0 ? 'even' : 'odd'}`
        .split(' ')
        .sort(),

    loaded: async () => (await host.must('cat /run/pair.loaded')).trim().split(' ').sort(),

    async servedSoon() {
      // It goes away and comes back while the service is restarted by what the dead farmctl had begun.
      const once = 'timeout 60 sh -c "until cat /run/pair.loaded 2>/dev/null; do sleep 0.1; done"';
      return (await host.must(once)).trim().split(' ');
    },

    async timed() {
      victim.generation += 1;
      const result = await site.run('apply', victim.state(), only);
      expect(result, result.stderr).toMatchObject({ exitCode: 0 });
      victim.applyMs = result.durationMs;
    },

    startApply: () => site.lab.startFarmctl([...words('apply', inventory, victim.state()), ...only]),

    async convergedAgain(note) {
      const result = await site.run('apply', victim.state(), only);
      expect(result, `${note}\n${result.stderr}`).toMatchObject({ exitCode: 0 });
      expect(await victim.loaded(), note).toEqual(victim.served());
      const drift = await site.run('drift', victim.state(), only);
      expect(drift, note).toMatchObject({ exitCode: 0, changes: [] });
      // What a dead host had received (root's alone) is removed by the next run that changes something.
      const rubbish =
        'find /etc /usr/local /srv /var/lib/farmctl /run -xdev -name "*farmctl-*" ! -path "*/.farmctl-bodies.*" ! -name "60-farmctl-net*" ! -name farmctl-journal.service';
      expect(await host.must(`${rubbish}; ls /var/lib/farmctl/services/pair.service`), note).toBe('before\nstamp\n');
      expect(await host.must('cat /var/log/pair-half 2>/dev/null; :')).toBe('');
    },

    async powerCut(afterMs, note) {
      const old = victim.served();
      victim.generation += 1;
      const running = victim.startApply();
      await sleep(afterMs);
      await host.powerOff();
      running.kill('SIGKILL');
      await running.result;
      await host.powerOn();
      const found = [...(await victim.servedSoon())].sort();
      expect([old, victim.served()], note).toContainEqual(found);
      const ran = await host.must('systemctl show -P ConditionResult farmctl-journal.service');
      await victim.convergedAgain(note);
      return {
        with: found.join() === old.join() ? 'the old set' : 'the new set',
        wasSwapping: ran.trim() === 'yes',
      };
    },
  };
  return victim;
}
