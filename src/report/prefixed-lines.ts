import { printable } from './text.ts';

/** Takes what several hosts print at once and gives whole lines, each behind its host's name. */
export interface PrefixedLines {
  push(host: string, bytes: Uint8Array): void;
  /** Writes what a host's last line lacks its newline. */
  end(): void;
}

/** A line longer than this is written in pieces: a host that prints no newline must not fill the memory. */
const LONGEST_LINE = 64 * 1024;

/** @param prefix what stands before a line of that host */
export function prefixedLines(prefix: (host: string) => string, write: (text: string) => void): PrefixedLines {
  const pending = new Map<string, { readonly decoder: InstanceType<typeof TextDecoder>; text: string }>();
  const line = (host: string, text: string) => write(`${prefix(host)}${printable(text)}\n`);
  return {
    push(host, bytes) {
      let state = pending.get(host);
      if (state === undefined) {
        state = { decoder: new TextDecoder(), text: '' };
        pending.set(host, state);
      }
      const lines = (state.text + state.decoder.decode(bytes, { stream: true })).split('\n');
      const last = lines.pop() ?? '';
      for (const one of lines) line(host, one);
      if (last.length > LONGEST_LINE) line(host, last);
      state.text = last.length > LONGEST_LINE ? '' : last;
    },
    end() {
      for (const [host, { text }] of pending) if (text !== '') line(host, text);
      pending.clear();
    },
  };
}
