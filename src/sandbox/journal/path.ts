import type { Credentials } from '../identity/credentials.js';

/** The journal's path for these credentials: `/events/organizations/<n>/integrations/<n>/<guid>` (campaign.md §6). */
export function journalPath(credentials: Credentials): string {
  const digits = (text: string) => String(Number.parseInt(text.slice(0, 7), 16) % 1_000_000).padStart(6, '1');
  const hex = credentials.adobeClientId;
  const registration = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  return `/events/organizations/${digits(credentials.adobeOrgId)}/integrations/${digits(hex)}/${registration}`;
}
