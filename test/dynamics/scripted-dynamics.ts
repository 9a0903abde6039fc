import { createDynamics, type DynamicsSettings, type TableMetadata } from '../../src/dynamics/client.js';
import { SyncError } from '../../src/errors.js';
import { createBudget } from '../../src/http/budget.js';
import { jumpingClock, scriptedServer, type Arrived, type Scripted } from '../support/http-server.js';

export const table: TableMetadata = {
  logicalName: 'contact',
  entitySetName: 'contacts',
  primaryId: 'contactid',
  changeTracking: true,
  columns: {},
};
export const whoAmI: Scripted = { body: { BusinessUnitId: 'b', OrganizationId: 'o', UserId: 'u' } };

/** An organisation's refusal, in its form (dataverse.md §4). */
export const refusal = (status: number, code: string, message = 'x'): Scripted => ({
  status,
  body: { error: { code, message } },
});

/** A client against a scripted organisation and a scripted Entra ID, on a clock that jumps. */
export async function dynamicsOf(
  answer: (request: Arrived, count: number) => Scripted,
  settings: Partial<DynamicsSettings> = {},
  identityAnswer?: (count: number) => Scripted,
) {
  const identity = await scriptedServer(
    (_request, count) =>
      identityAnswer?.(count) ?? {
        body: {
          token_type: 'Bearer',
          expires_in: 3599,
          ext_expires_in: 3599,
          access_token: `token-${count}`,
        },
      },
  );
  const server = await scriptedServer(answer);
  const clock = jumpingClock();
  const { clientSecret = 'top-secret', ...rest } = settings;
  const dynamics = createDynamics({
    url: server.url,
    tenantId: 't1',
    clientId: 'client',
    ...(settings.certificate === undefined && { clientSecret }),
    tokenEndpoint: `${identity.url}/t1/oauth2/v2.0/token`,
    budget: createBudget({ maxConcurrent: 5 }),
    timeLimitMs: 2_000,
    maxResponseBytes: 1_000_000,
    patienceMs: 60_000,
    clock,
    ...rest,
  });
  return { dynamics, server, identity, clock };
}

export const errorOf = (promise: Promise<unknown>): Promise<SyncError> =>
  promise.then(
    () => new SyncError('INTERNAL', { subject: 'it did not throw' }),
    (error: unknown) => (error instanceof SyncError ? error : new SyncError('INTERNAL', { cause: error })),
  );
