/** A mapping file as YAML gave it, of which nothing is known yet: what is not there, or of another type, is undefined. */

export type Path = (string | number)[];

export interface CrossFault {
  path: Path;
  message: string;
}

export function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

export function textAt(value: unknown, name: string): string | undefined {
  const member = memberOf(value, name);
  return typeof member === 'string' ? member : undefined;
}

export function listAt(value: unknown, name: string): unknown[] {
  const member = memberOf(value, name);
  return Array.isArray(member) ? member : [];
}

/** The value at a path. */
export const valueAt = (root: unknown, path: Path): unknown =>
  path.reduce((value, key) => memberOf(value, String(key)), root);

/** Positions of texts that stood before. */
export function repeatedAt(texts: (string | undefined)[]): number[] {
  const seen = new Set<string>();
  return texts.flatMap((text, index) => {
    if (text === undefined) return [];
    if (seen.has(text)) return [index];
    seen.add(text);
    return [];
  });
}
