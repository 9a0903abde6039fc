import { randomBytes, randomUUID } from 'node:crypto';
import type { Store } from '../store.js';

/** What clients sign in with, as the sandbox's ready line shows it. */
export interface Credentials {
  tenantId: string;
  clientId: string;
  clientSecret: string;
  adobeClientId: string;
  adobeClientSecret: string;
  /** Comma list, in the order of the developer console (campaign.md §1). */
  adobeScopes: string;
  adobeOrgId: string;
}

const ADOBE_SCOPES = [
  'AdobeID',
  'openid',
  'read_organizations',
  'additional_info.projectedProductContext',
  'additional_info.roles',
  'adobeio_api',
  'read_client_secret',
  'manage_client_secrets',
  'campaign_sdk',
  'campaign_config_server_general',
  'deliverability_service_general',
  'event_receiver_api',
];

/** The credentials of this data folder: made once, kept over restarts and resets. */
export function ensureCredentials(store: Store): Credentials {
  const kept = store.collection<Credentials>('credentials');
  const found = kept.get('current');
  if (found) return found;
  const made: Credentials = {
    tenantId: randomUUID(),
    clientId: randomUUID(),
    clientSecret: randomBytes(30).toString('base64url'),
    adobeClientId: randomBytes(16).toString('hex'),
    adobeClientSecret: `p8e-${randomBytes(24).toString('base64url')}`,
    adobeScopes: ADOBE_SCOPES.join(','),
    adobeOrgId: `${randomBytes(12).toString('hex').toUpperCase()}@AdobeOrg`,
  };
  kept.set('current', made);
  return made;
}
