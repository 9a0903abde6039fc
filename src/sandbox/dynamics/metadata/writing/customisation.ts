import type { SandboxContext } from '../../../context.js';
import { badPayload, dataverseError } from '../../errors.js';
import type { RecordStore } from '../../record-store.js';
import type { Schema } from '../../schema.js';
import { BASE_LANGUAGE, readLabel, readLabels, textsOf, type Texts } from '../labels.js';
import { metadataIdOf } from '../metadata-id.js';

/** What a change of the schema works with. */
export interface Customisation {
  context: SandboxContext;
  schema: Schema;
  records: RecordStore;
  /** Unique name of the solution that takes the new components (`MSCRM.SolutionUniqueName`). */
  solution: string | undefined;
  /** `MSCRM.MergeLabels`: keep labels in languages that the definition does not mention. */
  mergeLabels: boolean;
}

/** A definition as a client sent it. */
export type Definition = Record<string, unknown>;

/** A new piece of metadata has an id of its own, even when its name was in use before. */
export const newMetadataId = ({ records }: Customisation, kind: string, name: string): string =>
  metadataIdOf(kind, name, 'version', records.version());

export function requiredText(definition: Definition, property: string): string {
  const value = definition[property];
  if (typeof value === 'string' && value !== '') return value;
  throw badPayload(`Required field '${property}' is missing for request`);
}

export function requiredLabel(definition: Definition, property: string): Texts {
  return readLabel(definition[property]) ?? missing(property);
}

const missing = (property: string): never => {
  throw badPayload(`Required field '${property}' is missing for request`);
};

/** A schema name begins with a publisher's customization prefix, e.g. `new_`. */
export function requiredSchemaName(definition: Definition): string {
  const name = requiredText(definition, 'SchemaName');
  requirePrefixed(name);
  return name;
}

export function requirePrefixed(name: string): void {
  if (/^(?!mscrm)[a-z][a-z0-9]{1,7}_[a-z]\w*$/i.test(name)) return;
  throw invalidDefinition(
    `The schema name '${name}' is invalid: it must begin with a customization prefix of 2 to 8 characters and an underscore, and hold letters, digits and underscores only.`,
  );
}

/** A number within bounds; undefined when the definition leaves it out. */
export function numberIn(
  definition: Definition,
  property: string,
  lowest: number,
  highest: number,
): number | undefined {
  const value = definition[property];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number') throw badPayload(`Cannot convert the literal of '${property}' to a number.`);
  if (value < lowest || value > highest) {
    throw invalidDefinition(`${property} must be between ${lowest} and ${highest}, but is ${value}.`);
  }
  return value;
}

/** `{"Value": …}` of a managed property, or the bare value. */
export function managedValue(definition: Definition, property: string): unknown {
  const given = definition[property];
  return typeof given === 'object' && given !== null ? (given as { Value?: unknown }).Value : given;
}

export const listOf = (definition: Definition, property: string): Definition[] => {
  const value = definition[property];
  return Array.isArray(value) ? (value as Definition[]) : [];
};

/** Codes of schema errors are not in the reference; clients key on status and message. */
export const invalidDefinition = (message: string) => dataverseError(400, '0x80040216', message);

export const duplicateName = (kind: string, name: string) =>
  dataverseError(400, '0x80044363', `An ${kind} with the specified name ${name} already exists.`);

/** A component that others still need. */
export const stillReferenced = (kind: string, name: string, count: number) =>
  dataverseError(
    400,
    '0x8004f01f',
    `The ${kind}(${name}) component cannot be deleted because it is referenced by ${count} other components. For a list of referenced components, use the RetrieveDependenciesForDeleteRequest.`,
  );

export const notCustom = (kind: string, name: string) =>
  invalidDefinition(`The ${kind} ${name} is a system component and cannot be deleted.`);

/** Text and other languages of a changed label, merged with what was there when the client asks for it. */
export function changedLabel(
  customisation: Customisation,
  before: { displayName: string; labels?: Record<string, string> },
  definition: Definition,
  property = 'DisplayName',
): { displayName: string; labels: Record<string, string> } {
  const given = readLabels(definition[property]);
  if (!given) return { displayName: before.displayName, labels: before.labels ?? {} };
  const kept = customisation.mergeLabels ? { [BASE_LANGUAGE]: before.displayName, ...before.labels } : {};
  const { text, others } = textsOf({ ...kept, ...given });
  return { displayName: text, labels: others };
}
