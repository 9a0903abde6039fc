import {
  createCampaign,
  type Address,
  type CampaignSettings,
  type ResourceMetadata,
} from '../../src/campaign/client.js';
import { SyncError } from '../../src/errors.js';
import { createBudget } from '../../src/http/budget.js';
import { jumpingClock, scriptedServer, type Arrived, type Scripted } from '../support/http-server.js';

export const resource: ResourceMetadata = {
  name: 'profile',
  path: 'profileAndServicesExt/profile',
  fields: {},
  filters: {},
};
export const address: Address = { keyField: 'externalId', key: 'k-1', by: { kind: 'url' } };
export const byFilter: Address = { ...address, by: { kind: 'filter', name: 'byCrmId' } };
export const payload = {
  externalId: 'k-1',
  firstName: 'Ada',
  gender: 'female',
  age: 40,
  cusShoe: 'x',
  location: { city: 'Leeds', zipCode: 'LS1 1AA' },
};

/** The gateway's words for a wrong tenant, and for its own stumbles (campaign.md §1). */
export const oops = (status: number): Scripted => ({
  status,
  body: { code: status, message: 'Oops. Something went wrong. Check your URI and try again.' },
});
export const GENERIC = 'RST-360011 An error has occurred - please contact your administrator.\n';
export const ABSENT = `${GENERIC}Unable to find document with path 'Profile' from key 'k-1:0' (document with schema 'profile' and name 'k-1')`;

/** A client against a scripted Campaign and a scripted IMS, on a clock that jumps. */
export async function campaignOf(
  answer: (request: Arrived, count: number) => Scripted,
  settings: Partial<CampaignSettings> = {},
  identityAnswer?: (count: number) => Scripted,
) {
  const identity = await scriptedServer(
    (_request, count) =>
      identityAnswer?.(count) ?? {
        body: { access_token: `token-${count}`, token_type: 'bearer', expires_in: 86_399 },
      },
  );
  // A server that does not tell its time, unless the script does.
  const server = await scriptedServer(answer, { sendDate: false });
  const clock = jumpingClock();
  const campaign = createCampaign({
    url: `${server.url}/acme/campaign`,
    edition: 'standard',
    clientId: 'client',
    clientSecret: 'top-secret',
    scopes: 'openid,campaign_sdk',
    tokenEndpoint: `${identity.url}/ims/token/v3`,
    budget: createBudget({ maxConcurrent: 5 }),
    timeLimitMs: 2_000,
    maxResponseBytes: 100_000,
    patienceMs: 60_000,
    clock,
    ...settings,
  });
  return { campaign, server, identity, clock };
}

export const errorOf = (promise: Promise<unknown>): Promise<SyncError> =>
  promise.then(
    () => new SyncError('INTERNAL', { subject: 'it did not throw' }),
    (error: unknown) => (error instanceof SyncError ? error : new SyncError('INTERNAL', { cause: error })),
  );
