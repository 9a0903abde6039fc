/** An answer of Dataverse that is no success, ready to send. */
export interface DataverseAnswer {
  status: number;
  headers: Record<string, string>;
  body: { error: { code: string; message: string } };
}

/** Thrown by an operation to end the call (or the `$batch` part) with a vendor-shaped error. */
export class DataverseError extends Error implements DataverseAnswer {
  readonly body: DataverseAnswer['body'];

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
    this.body = { error: { code, message } };
  }
}

/** `{"error":{"code":"0x…","message":"…"}}` with its HTTP status (dataverse.md §4, "Error body"). */
export const dataverseError = (status: number, code: string, message: string): DataverseError =>
  new DataverseError(status, code, message);

export type ThrottleFacet = 'requests' | 'time' | 'concurrency';

/** 429 of service protection in one of its three facets (dataverse.md §6); `Retry-After` in whole seconds. */
export function throttleError(
  facet: ThrottleFacet,
  retryAfterSeconds = 5,
  limit: { requests: number; executionMs: number; concurrency: number; windowSeconds: number } = VENDOR_LIMIT,
): DataverseError {
  const window = `over time window of ${limit.windowSeconds} seconds.`;
  const [code, message] = {
    requests: ['0x80072322', `Number of requests exceeded the limit of ${limit.requests} ${window}`],
    time: [
      '0x80072321',
      `Combined execution time of incoming requests exceeded limit of ${limit.executionMs.toLocaleString('en-US')} milliseconds ${window} ` +
        'Decrease number of concurrent requests or reduce the duration of requests and try again later.',
    ],
    concurrency: ['0x80072326', `Number of concurrent requests exceeded the limit of ${limit.concurrency}.`],
  }[facet] as [string, string];
  return new DataverseError(429, code, message, {
    'retry-after': String(Math.max(1, Math.ceil(retryAfterSeconds))),
  });
}

const VENDOR_LIMIT = { requests: 6000, executionMs: 1_200_000, concurrency: 52, windowSeconds: 300 };

/** A delta token past its retention, or older than a change of the table's schema (dataverse.md §3, "Expiry"). */
export const expiredDeltaError = (): DataverseError =>
  dataverseError(
    400,
    '0x80044352',
    'Version stamp associated with the client has expired. Please perform a full sync.',
  );

/** No, an expired or an unknown token (dataverse.md §1). The challenge is unquoted and comma-separated. */
export const expiredTokenError = (tenantId = 'common', resource = 'https://localhost/'): DataverseError =>
  new DataverseError(401, '0x80072553', 'The access token is expired or not valid.', {
    'www-authenticate': `Bearer authorization_uri=https://login.microsoftonline.com/${tenantId}/oauth2/authorize, resource_id=${resource}`,
  });

/** The application user does not exist in the environment (dataverse.md §1). */
export const nonMemberError = (): DataverseError =>
  dataverseError(403, '0x80072560', 'The user is not a member of the organization.');

export const badRequest = (message: string): DataverseError => dataverseError(400, '0x80060888', message);

/** Payloads that cannot be read: unknown properties, wrong JSON types, wrong navigation properties. */
export const badPayload = (message: string): DataverseError =>
  dataverseError(
    400,
    '0x80048d19',
    `Error identified in Payload provided by the user for Entity :'', For more information on this error please follow this help link https://go.microsoft.com/fwlink/?linkid=2195293  ----> InnerException : Microsoft.OData.ODataException: ${message}`,
  );

export const unknownSegment = (segment: string): DataverseError =>
  dataverseError(404, '0x80060888', `Resource not found for the segment '${segment}'.`);

export const rowNotFound = (logicalName: string, id: string): DataverseError =>
  dataverseError(404, '0x80040217', `${logicalName} With Id = ${id} Does Not Exist`);

/** A second row with a primary key, or with the unique name of a system table, that is taken (dataverse.md §4). */
export const duplicateRecord = (): DataverseError =>
  dataverseError(412, '0x80040237', 'A record with matching key values already exists.');
