import { MASK, maskText, Secret } from '../model/secret.ts';

/**
 * A value as JSON text, with each string masked before it is escaped: a secret with a quote in it would not be found in
 * the finished text. Maps become objects.
 */
export function toJson(value: unknown): string {
  return `${JSON.stringify(value, maskValue, 2)}\n`;
}

function maskValue(_key: string, value: unknown): unknown {
  if (typeof value === 'string') return maskText(value);
  if (value instanceof Secret) return MASK;
  return value instanceof Map ? Object.fromEntries(value) : value;
}
