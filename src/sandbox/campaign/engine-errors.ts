/** An answer of the Campaign engine that is no success: plain text, on statuses that say little (campaign.md §2). */
export class EngineError extends Error {
  constructor(
    readonly status: number,
    text: string,
    /** Set when the row itself was refused, which the statistics count. */
    readonly rejectsRow = false,
  ) {
    super(text);
  }
}

const CONTACT_ADMINISTRATOR = 'RST-360011 An error has occurred - please contact your administrator.';

export const engineError = (detail: string, status = 500): EngineError =>
  new EngineError(status, `${CONTACT_ADMINISTRATOR}\n${detail}`);

const rowError = (detail: string): EngineError =>
  new EngineError(500, `${CONTACT_ADMINISTRATOR}\n${detail}`, true);

export const unknownField = (field: string, resource: string): EngineError =>
  rowError(`'${field}' property is not valid for the '${resource}' resource.`);

export const readOnlyField = (field: string): EngineError =>
  rowError(`Cannot update the '${field}' property that is read-only`);

export const badEnumeration = (value: string, enumeration: string, xpath: string): EngineError =>
  rowError(`The value '${value}' is not valid for the '${enumeration}' enumeration of the '${xpath}' field`);

/** The real text is not public. Ours names the field, as the engine's other texts do. */
export const tooLong = (field: string, length: number): EngineError =>
  rowError(`The value of the '${field}' property exceeds the maximum length of ${length} characters.`);

/** The real text is not public. */
export const badValue = (field: string, type: string): EngineError =>
  rowError(`Unable to convert the value of the '${field}' property to type '${type}'.`);

export const mandatoryField = (field: string): EngineError =>
  rowError(`The '${field}' property is mandatory.`);

export function invalidPKey(
  token: string,
  edition: 'standard' | 'v8',
  schema: string,
  label: string,
): EngineError {
  if (edition === 'v8') return new EngineError(404, `Unable to decrypt PKey. (PKey=${token})`);
  const attribute = token.replace(/^@/, '');
  return new EngineError(
    500,
    `'${attribute}' attribute unknown (see definition of '${label} (${schema})' schema).\nXTK-170036 Unable to parse expression '@id = ${token}'.`,
  );
}

export function unknownKey(key: string, resource: string): EngineError {
  const title = resource.charAt(0).toUpperCase() + resource.slice(1);
  return engineError(
    `Unable to find document with path '${title}' from key '${key}:0' (document with schema '${resource}' and name '${key}')`,
    404,
  );
}

export const keyChange = (resource: string, from: string, to: string): EngineError =>
  rowError(
    `RST-360012 Inconsistent operation on resource '${resource}' – Cannot update key '${from}' to '${to}'.`,
  );

export function duplicateKey(resource: string, schema: string, field: string, value: string): EngineError {
  const title = resource.charAt(0).toUpperCase() + resource.slice(1);
  const table = schema.replace(':', '');
  return new EngineError(
    500,
    `A '${title}' with the same key '${value}' already exists.\n` +
      `PGS-220000 PostgreSQL error: ERROR:  duplicate key value violates unique constraint "${table}_${field.toLowerCase()}"\n` +
      `DETAIL:  Key (s${field.toLowerCase()})=(${value}) already exists.`,
    true,
  );
}

/** The answer to a body that is not a JSON object; it comes before the resource is looked at (campaign.md §12). */
export const notJson = (body: string): EngineError =>
  new EngineError(500, `'${body.slice(0, 200)}' is not a valid constant`);

export const malformedPath = (): EngineError => engineError('Error rc=-2003', 404);

export const unknownResource = (name: string): EngineError =>
  engineError(`The '${name}' resource does not exist.`, 404);
