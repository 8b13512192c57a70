import { randomHex } from '../lib/digest.ts';

/** What stands in place of a secret wherever a person or a file could see it. */
export const MASK = '(sensitive)';

const placeholders = new Map<string, Secret>();

/**
 * A value that must never be seen: masked in every string form. The real value leaves it through `reveal` alone, which
 * only the transport's encoder, the inventory's loader and checks call. In rendered text a secret is its
 * `placeholder`, an unguessable word that is replaced when the content is sent.
 */
export class Secret {
  readonly #value: string;
  /** Where it came from, for messages: `file tsig.key`, `environment TSIG_KEY`. */
  readonly origin: string;
  readonly placeholder: string;

  constructor(value: string, origin: string) {
    this.#value = value;
    this.origin = origin;
    this.placeholder = `farmctl-secret-${randomHex(16)}`;
    placeholders.set(this.placeholder, this);
  }

  reveal(): string {
    return this.#value;
  }

  /** Whether both hold the same value, wherever they came from. */
  equals(other: Secret): boolean {
    return this.#value === other.#value;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return MASK;
  }
}

const PLACEHOLDER = /farmctl-secret-[0-9a-f]{32}/g;

/** True if the text holds the placeholder of any secret. */
export function holdsSecret(text: string): boolean {
  return [...text.matchAll(PLACEHOLDER)].some(([word]) => placeholders.has(word));
}

/** The text as people may see it: each placeholder, and each known secret value, masked. */
export function maskText(text: string): string {
  let masked = text.replace(PLACEHOLDER, (word) => (placeholders.has(word) ? MASK : word));
  for (const secret of placeholders.values()) {
    const value = secret.reveal();
    if (value.length >= 4) masked = masked.replaceAll(value, MASK);
    for (const line of value.split('\n')) if (line.length >= 8) masked = masked.replaceAll(line, MASK);
  }
  return masked;
}

/** The text as the host gets it: each placeholder replaced by its value. Never print what it returns. */
export function revealText(text: string): string {
  return text.replace(PLACEHOLDER, (word) => placeholders.get(word)?.reveal() ?? word);
}
