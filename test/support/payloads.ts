export interface PlacedPayload {
  /** Names of the fields that lead to it, joined by dots. */
  place: string;
  encoding: string;
  /** Empty for one that is not encrypted. */
  keyId: string;
}

/** Every payload anywhere within an answer of Temporal's API, as it is stored. */
export function payloadsIn(within: unknown, place = ''): PlacedPayload[] {
  if (typeof within !== 'object' || within === null || ArrayBuffer.isView(within)) return [];
  const { metadata } = within as { metadata?: Record<string, Uint8Array> | null };
  const text = (name: string): string => Buffer.from(metadata?.[name] ?? []).toString();
  if (metadata?.encoding !== undefined)
    return [{ place, encoding: text('encoding'), keyId: text('encryption-key-id') }];
  return Object.entries(within).flatMap(([name, value]) => payloadsIn(value, `${place}.${name}`));
}
