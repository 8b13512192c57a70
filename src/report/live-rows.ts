import type { RunEvent } from '../engine/events.ts';
import type { Style } from './style.ts';
import { count } from './text.ts';

/** One row of the display and how it stands. */
export interface Row {
  readonly key: string;
  title: string;
  state: 'going' | 'done' | 'failed';
}

/** Counts events into rows: one while hosts are looked at, then one per part. Pure: what is drawn is another's affair. */
export interface RowModel {
  /** Takes an event; true if it starts a new set of rows. */
  take(event: RunEvent): boolean;
  /** The command is done with its hosts, whatever they said of themselves. */
  close(): void;
  readonly rows: readonly Row[];
}

interface PartCount {
  readonly hosts: number;
  begun: number;
  done: number;
  failed: number;
  skipped: number;
  interrupted: number;
  changes: number;
}

const LOOKING = 'looking';

export function createRowModel(style: Style): RowModel {
  let rows: Row[] = [];
  const looking = { hosts: 0, connected: 0, planned: 0, missing: 0 };
  let isApplying = false;
  const parts = new Map<string, PartCount>();

  function update(key: string, title: string, isOver: boolean, hasFailed: boolean): void {
    const row = rows.find((one) => one.key === key);
    if (row === undefined) return;
    row.title = title;
    if (isOver) row.state = hasFailed ? 'failed' : 'done';
  }

  function updateLooking(): void {
    const { hosts, connected, planned, missing } = looking;
    const isOver = planned >= hosts;
    const missed = missing === 0 ? '' : style.red(`, ${missing} could not be looked at`);
    const title = isOver
      ? `Looked at ${count(hosts, 'host')}${missed}`
      : `Looking at ${count(hosts, 'host')}: ${connected} connected, ${planned} done${missed}`;
    update(LOOKING, title, isOver, missing > 0);
  }

  function updatePart(part: string): void {
    const one = parts.get(part);
    if (one === undefined) return;
    const over = one.done + one.failed + one.skipped + one.interrupted;
    const words = [`${one.done} of ${count(one.hosts, 'host')}`, `${count(one.changes, 'change')}`];
    if (one.begun > over) words.push(`${one.begun - over} under way`);
    if (one.failed > 0) words.push(style.red(`${one.failed} failed`));
    if (one.skipped > 0) words.push(style.yellow(`${one.skipped} not attempted`));
    if (one.interrupted > 0) words.push(style.yellow(`${one.interrupted} interrupted`));
    update(part, `${part}  ${words.join(', ')}`, over >= one.hosts, one.done < one.hosts);
  }

  return {
    get rows() {
      return rows;
    },
    close() {
      // Not every command tells of each host that it ended.
      if (isApplying || looking.planned >= looking.hosts) return;
      update(
        LOOKING,
        `Looked at ${count(looking.connected, 'host')} of ${looking.hosts}`,
        true,
        looking.connected < looking.hosts,
      );
    },
    take(event) {
      switch (event.kind) {
        case 'run-started':
          Object.assign(looking, { hosts: event.hosts.length, connected: 0, planned: 0, missing: 0 });
          isApplying = false;
          rows = [{ key: LOOKING, title: '', state: 'going' }];
          updateLooking();
          return true;
        case 'apply-started':
          isApplying = true;
          rows = event.parts.map(({ part }) => ({ key: part, title: '', state: 'going' }));
          for (const { part, hosts } of event.parts) {
            parts.set(part, {
              hosts: hosts.length,
              begun: 0,
              done: 0,
              failed: 0,
              skipped: 0,
              interrupted: 0,
              changes: 0,
            });
            updatePart(part);
          }
          return true;
        case 'host-connected':
          looking.connected++;
          updateLooking();
          return false;
        case 'host-planned':
          looking.planned++;
          if (event.plan.state !== 'planned') looking.missing++;
          updateLooking();
          return false;
        case 'host-finished':
          // Commands that make no plan (facts, verify) end their hosts with this alone.
          if (isApplying || looking.planned >= looking.hosts) return false;
          looking.planned++;
          if (event.result.outcome !== 'ok' && event.result.outcome !== 'changed') looking.missing++;
          updateLooking();
          return false;
        case 'part-started':
          countPart(event.part, 'begun');
          return false;
        case 'part-finished':
          countPart(event.part, event.outcome === 'not-attempted' ? 'skipped' : event.outcome);
          return false;
        case 'change-made':
          countPart(event.part, 'changes');
          return false;
        default:
          return false;
      }
    },
  };

  function countPart(part: string, what: Exclude<keyof PartCount, 'hosts'>): void {
    const one = parts.get(part);
    if (one === undefined) return;
    one[what]++;
    updatePart(part);
  }
}
