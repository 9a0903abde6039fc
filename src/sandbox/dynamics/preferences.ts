/** The `Prefer` header, read leniently (dataverse.md §2 and §13, "Headers"). */
export interface Preferences {
  maxPageSize: number | undefined;
  trackChanges: boolean;
  continueOnError: boolean;
  representation: boolean;
  /** Whether annotations of this name were asked for. */
  annotates(name: string): boolean;
  /** The annotation pattern as asked for, or undefined. */
  annotations: string | undefined;
}

const PREFERENCE = /([\w.-]+)\s*(?:=\s*("[^"]*"|[^,;\s]+))?/g;

export function readPreferences(header: string | undefined): Preferences {
  const given = new Map<string, string>();
  for (const [, name = '', value = ''] of (header ?? '').matchAll(PREFERENCE)) {
    given.set(name.toLowerCase().replace(/^odata\./, ''), value.replaceAll('"', ''));
  }
  const pageSize = Number(given.get('maxpagesize'));
  const annotations = given.get('include-annotations');
  const patterns = (annotations ?? '')
    .split(',')
    .map((pattern) => pattern.trim())
    .filter((pattern) => pattern !== '');
  return {
    maxPageSize: pageSize > 0 ? Math.floor(pageSize) : undefined,
    trackChanges: given.has('track-changes'),
    continueOnError: given.has('continue-on-error') && given.get('continue-on-error') !== 'false',
    representation: given.get('return') === 'representation',
    annotates:
      patterns.length === 0 ? () => false : (name) => patterns.some((pattern) => covers(pattern, name)),
    annotations,
  };
}

function covers(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}
