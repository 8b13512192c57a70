import { sha256 } from '../lib/digest.ts';
import { holdsSecret, maskText, revealText } from './secret.ts';

/**
 * What a file shall hold: text (which may hold placeholders of secrets) or raw bytes. Its digest and size are those of
 * the bytes that the host gets; everything that is shown comes from `masked`.
 */
export class Content {
  readonly #text: string | undefined;
  readonly #bytes: Uint8Array | undefined;
  #digest: string | undefined;
  /** True if the content was made with a secret, or the user said so. */
  readonly sensitive: boolean;

  private constructor(text: string | undefined, bytes: Uint8Array | undefined, sensitive: boolean) {
    this.#text = text;
    this.#bytes = bytes;
    this.sensitive = sensitive || (text !== undefined && holdsSecret(text));
  }

  static text(text: string, options: { sensitive?: boolean } = {}): Content {
    return new Content(text, undefined, options.sensitive ?? false);
  }

  static bytes(bytes: Uint8Array, options: { sensitive?: boolean } = {}): Content {
    return new Content(undefined, bytes, options.sensitive ?? false);
  }

  /** The real bytes, secrets included: for the wire only. */
  reveal(): Uint8Array {
    return this.#bytes ?? new TextEncoder().encode(revealText(this.#text ?? ''));
  }

  /** SHA-256 of the real bytes. Not shown for sensitive content: a short secret could be guessed from it. */
  get digest(): string {
    this.#digest ??= sha256(this.reveal());
    return this.#digest;
  }

  /** The text with placeholders, or undefined for raw bytes. Pure code may compare and edit it. */
  get template(): string | undefined {
    return this.#text;
  }

  /** The text as people may see it, or undefined for raw bytes. */
  get masked(): string | undefined {
    return this.#text === undefined ? undefined : maskText(this.#text);
  }

  toJSON(): unknown {
    return this.sensitive ? { sensitive: true } : { digest: this.digest };
  }
}
