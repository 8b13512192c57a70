/** A frame as it came: the words of its header and its payload. */
export interface Frame {
  readonly words: readonly string[];
  readonly payload: Uint8Array;
}

/** What came is not what farmctl's runtime prints, or too much of it. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

const NEWLINE = 10;
const MAX_HEADER_BYTES = 4096;

/**
 * Cuts a host's answer into frames. Bytes before the first frame (a banner) are passed over. A frame is complete when
 * the next one begins.
 * @param limitBytes the most that one payload may hold
 * @throws FrameError (from `push`) if a payload or header is larger
 */
export function frameReader(nonce: string, limitBytes: number): { push(chunk: Uint8Array): Frame[] } {
  const marker = Buffer.from(`\n@${nonce} `, 'latin1');
  let chunks: Buffer[] = [Buffer.from('\n')];
  let size = 1;
  let words: string[] | undefined;
  let searched = 0;

  function whole(): Buffer {
    const one = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
    chunks = [one];
    return one;
  }

  return {
    push(chunk) {
      chunks.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      size += chunk.byteLength;
      if (size > limitBytes + MAX_HEADER_BYTES)
        throw new FrameError(`the host sent more than ${limitBytes} bytes at once`);
      // A payload of many chunks is searched once: only the end of what was searched may hold a marker's beginning.
      if (size - searched < marker.length) return [];
      const frames: Frame[] = [];
      let buffer = whole();
      let from = Math.max(0, searched - marker.length);
      for (;;) {
        const at = buffer.indexOf(marker, from);
        if (at === -1) break;
        const headerEnd = buffer.indexOf(NEWLINE, at + marker.length);
        if (headerEnd === -1) {
          if (buffer.length - at > MAX_HEADER_BYTES) throw new FrameError('the host sent an endless frame header');
          break;
        }
        if (words !== undefined) frames.push({ words, payload: Uint8Array.prototype.slice.call(buffer, 0, at) });
        words = buffer.toString('utf8', at + marker.length, headerEnd).split(' ');
        buffer = buffer.subarray(headerEnd + 1);
        // A frame may follow at once: its marker's newline is the one that ended this payload of no bytes.
        from = 0;
      }
      if (words === undefined && buffer.length > 65_536) buffer = buffer.subarray(buffer.length - marker.length);
      chunks = [buffer];
      size = buffer.length;
      const pending = buffer.indexOf(marker, 0);
      searched = pending === -1 ? size : pending;
      return frames;
    },
  };
}

/** The payload, as text, of the first frame that begins with this word; undefined where there is none. */
export function payloadText(frames: readonly Frame[], word: string): string | undefined {
  const frame = frames.find((one) => one.words[0] === word);
  return frame === undefined ? undefined : Buffer.from(frame.payload).toString('utf8');
}
