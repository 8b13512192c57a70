import { sha256OfAll } from '../lib/digest.ts';
import { holdsSecret, maskText, revealText } from './secret.ts';

/** Makes the pieces of a large content, the same each time. */
export type Pieces = () => Iterable<Uint8Array>;

interface ContentParts {
  readonly text?: string;
  readonly bytes?: Uint8Array;
  readonly pieces?: Pieces;
  readonly digest?: string;
  readonly sensitive: boolean;
}

/** So much of a content is at once under way to a host. */
const PIECE_BYTES = 64 * 1024;

/** Parts of the same memory, one after the other. */
export function* piecesOfBytes(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

const encoder = new TextEncoder();

function* piecesOfText(text: string): Generator<Uint8Array> {
  for (let at = 0; at < text.length; ) {
    let end = Math.min(text.length, at + PIECE_BYTES);
    // The two halves of a character stay together.
    if (end < text.length && /[\ud800-\udbff]/.test(text.charAt(end - 1))) end += 1;
    yield encoder.encode(text.slice(at, end));
    at = end;
  }
}

/**
 * What a file shall hold: text (which may hold placeholders of secrets) or raw bytes; or what one once held, of which
 * only the digest was kept. Its digest and size are those of the bytes that the host gets; everything that is shown
 * comes from `masked` and `shown`.
 */
export class Content {
  readonly #text: string | undefined;
  readonly #bytes: Uint8Array | undefined;
  readonly #pieces: Pieces | undefined;
  #digest: string | undefined;
  #size: number | undefined;
  /** True where the user said that nothing of it may be seen, whatever it was made of. */
  readonly #hidden: boolean;
  /** True if the content was made with a secret, or the user said so. */
  readonly sensitive: boolean;

  private constructor({ text, bytes, pieces, digest, sensitive }: ContentParts) {
    this.#text = text;
    this.#bytes = bytes;
    this.#pieces = pieces;
    this.#digest = digest;
    this.#hidden = sensitive;
    this.sensitive = sensitive || (text !== undefined && holdsSecret(text));
  }

  static text(text: string, options: { sensitive?: boolean } = {}): Content {
    return new Content({ text, sensitive: options.sensitive ?? false });
  }

  /** @param bytes all of them, or, for what is too large for memory, what makes its pieces each time it is called */
  static bytes(bytes: Uint8Array | Pieces, options: { sensitive?: boolean } = {}): Content {
    const sensitive = options.sensitive ?? false;
    return new Content(typeof bytes === 'function' ? { pieces: bytes, sensitive } : { bytes, sensitive });
  }

  /** A content as the manifest kept it: only compared, never sent. Without a digest it was sensitive. */
  static ofDigest(digest: string | undefined): Content {
    return new Content({ sensitive: digest === undefined, ...(digest === undefined ? {} : { digest }) });
  }

  /**
   * The real bytes, secrets included, a piece at a time: for the wire only.
   * @throws Error where only the digest is known
   */
  *pieces(): Generator<Uint8Array> {
    if (this.#pieces !== undefined) yield* this.#pieces();
    else if (this.#bytes !== undefined) yield* piecesOfBytes(this.#bytes);
    else if (this.#text !== undefined) yield* piecesOfText(revealText(this.#text));
    else throw new Error('a content that is known by its digest only cannot be sent');
  }

  #measure(): void {
    let size = 0;
    const measured = function* (pieces: Iterable<Uint8Array>) {
      for (const piece of pieces) {
        size += piece.byteLength;
        yield piece;
      }
    };
    this.#digest = sha256OfAll(measured(this.pieces()));
    this.#size = size;
  }

  /**
   * SHA-256 of the real bytes. Not shown for sensitive content: a short secret could be guessed from it.
   * @throws Error where neither the content nor its digest is known
   */
  get digest(): string {
    if (this.#digest === undefined) this.#measure();
    return this.#digest ?? '';
  }

  /** Bytes of the real content; undefined where only its digest is known. */
  get size(): number | undefined {
    const isKnown = this.#bytes !== undefined || this.#text !== undefined || this.#pieces !== undefined;
    if (isKnown && this.#size === undefined) this.#measure();
    return this.#size;
  }

  /** The text with placeholders, or undefined for raw bytes. Pure code may compare and edit it. */
  get template(): string | undefined {
    return this.#text;
  }

  /** The text as people may see it, or undefined for raw bytes. */
  get masked(): string | undefined {
    return this.#text === undefined ? undefined : maskText(this.#text);
  }

  /**
   * What a diff may show: the text, without the lines that a secret stands in; undefined for raw bytes and where the
   * user said that nothing of it may be seen.
   */
  get shown(): string | undefined {
    if (this.#text === undefined || this.#hidden) return undefined;
    if (!this.sensitive) return this.masked;
    const lines = this.#text.split(/(?<=\n)/).filter((line) => !holdsSecret(line));
    return maskText(lines.join(''));
  }

  toJSON(): unknown {
    return this.sensitive ? { sensitive: true } : { digest: this.digest };
  }
}

/** The content of a text, in which `${secret.placeholder}` stands for a secret. */
export const text = Content.text;

/** The content of raw bytes. */
export const bytes = Content.bytes;
