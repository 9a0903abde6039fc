import type { CampaignEndpoint } from './definitions.js';
import { engineError, malformedPath } from './engine-errors.js';

/** A Campaign address taken apart. */
export interface CampaignPath {
  tenant: string;
  /** Decoded, without empty ones. */
  segments: string[];
  query: URLSearchParams;
}

const ENDPOINTS: readonly string[] = [
  'profileAndServices',
  'profileAndServicesExt',
  'customResources',
] satisfies CampaignEndpoint[];

/**
 * Splits `/<tenant>/campaign/…`. A trailing slash, a `.json` suffix and percent-encoding make no difference.
 * Throws the engine's errors for addresses with stray characters (campaign.md §2).
 */
export function splitPath(url: string): CampaignPath {
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const [, tenant = '', , ...raw] = path.split('/');
  if (raw.at(-1) === '') raw.pop();
  if (raw.includes('')) throw malformedPath();
  const segments = raw.map(decode);
  const last = segments.at(-1);
  if (last?.endsWith(',')) throw engineError(`Error while parsing the '${last}' path.`);
  if (last?.endsWith('.json')) segments[segments.length - 1] = last.slice(0, -'.json'.length);
  return {
    tenant: decode(tenant),
    segments,
    query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)),
  };
}

export const isEndpoint = (segment: string | undefined): segment is CampaignEndpoint =>
  segment !== undefined && ENDPOINTS.includes(segment);

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw malformedPath();
  }
}
