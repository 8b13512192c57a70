import { sha256 } from '../lib/digest.ts';
import { holdsSecret, maskText, revealText } from './secret.ts';

interface ContentParts {
  readonly text?: string;
  readonly bytes?: Uint8Array;
  readonly digest?: string;
  readonly sensitive: boolean;
}

/**
 * What a file shall hold: text (which may hold placeholders of secrets) or raw bytes; or what one once held, of which
 * only the digest was kept. Its digest and size are those of the bytes that the host gets; everything that is shown
 * comes from `masked` and `shown`.
 */
export class Content {
  readonly #text: string | undefined;
  readonly #bytes: Uint8Array | undefined;
  #digest: string | undefined;
  /** True where the user said that nothing of it may be seen, whatever it was made of. */
  readonly #hidden: boolean;
  /** True if the content was made with a secret, or the user said so. */
  readonly sensitive: boolean;

  private constructor({ text, bytes, digest, sensitive }: ContentParts) {
    this.#text = text;
    this.#bytes = bytes;
    this.#digest = digest;
    this.#hidden = sensitive;
    this.sensitive = sensitive || (text !== undefined && holdsSecret(text));
  }

  static text(text: string, options: { sensitive?: boolean } = {}): Content {
    return new Content({ text, sensitive: options.sensitive ?? false });
  }

  static bytes(bytes: Uint8Array, options: { sensitive?: boolean } = {}): Content {
    return new Content({ bytes, sensitive: options.sensitive ?? false });
  }

  /** A content as the manifest kept it: only compared, never sent. Without a digest it was sensitive. */
  static ofDigest(digest: string | undefined): Content {
    return new Content({ sensitive: digest === undefined, ...(digest === undefined ? {} : { digest }) });
  }

  /**
   * The real bytes, secrets included: for the wire only.
   * @throws Error where only the digest is known
   */
  reveal(): Uint8Array {
    if (this.#bytes !== undefined) return this.#bytes;
    if (this.#text === undefined) throw new Error('a content that is known by its digest only cannot be sent');
    return new TextEncoder().encode(revealText(this.#text));
  }

  /**
   * SHA-256 of the real bytes. Not shown for sensitive content: a short secret could be guessed from it.
   * @throws Error where neither the content nor its digest is known
   */
  get digest(): string {
    this.#digest ??= sha256(this.reveal());
    return this.#digest;
  }

  /** Bytes of the real content; undefined where only its digest is known. */
  get size(): number | undefined {
    return this.#bytes === undefined && this.#text === undefined ? undefined : this.reveal().byteLength;
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
