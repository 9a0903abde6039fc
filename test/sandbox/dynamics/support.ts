import type { SandboxOptions } from '../../../src/sandbox/index.js';
import { list, text, useSandbox, type Answer, type Caller, type Json } from '../core/support.js';

export { list, text, type Answer, type Json } from '../core/support.js';

export const ROOT = '/api/data/v9.2/';

/** The Web API of a sandbox of this file's own, addressed below its service root. */
export interface Api {
  caller: Caller;
  readonly base: string;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  /** Follows a link that an answer gave. */
  follow(link: Json | undefined, headers?: Record<string, string>): Promise<Answer>;
  /** Makes a row and gives its id. */
  create(set: string, body: unknown): Promise<string>;
  succeed(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Moves the simulated time, which ends the life of tokens: the next call signs in anew. */
  advance(duration: string): Promise<void>;
  /** Defines a table with the columns given, by the metadata protocol. */
  defineTable(schemaName: string, definition?: Record<string, unknown>, columns?: unknown[]): Promise<void>;
}

export function useApi(options: SandboxOptions = {}): Api {
  const caller = useSandbox(options);
  const call: Api['call'] = (method, path, body, headers) =>
    caller.dynamics(method, `${ROOT}${path}`, body, headers);

  async function succeed(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await call(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer;
  }

  return {
    caller,
    get base() {
      return `${caller.ready.dynamics}${ROOT}`;
    },
    call,
    get: (path, headers) => call('GET', path, undefined, headers),
    follow: (link, headers) =>
      caller.dynamics('GET', text(link).slice(caller.ready.dynamics.length), undefined, headers),
    async create(set, body) {
      const answer = await succeed('POST', set, body);
      return idIn(answer.headers.get('odata-entityid') ?? '');
    },
    succeed,
    async advance(duration) {
      await caller.succeed('POST', 'clock', { advance: duration });
      caller.forgetTokens();
    },
    async defineTable(schemaName, definition = {}, columns = []) {
      await succeed('POST', 'EntityDefinitions', {
        '@odata.type': 'Microsoft.Dynamics.CRM.EntityMetadata',
        SchemaName: schemaName,
        DisplayName: label(schemaName),
        DisplayCollectionName: label(`${schemaName}s`),
        OwnershipType: 'UserOwned',
        HasNotes: false,
        HasActivities: false,
        ...definition,
        Attributes: [nameColumn(definition['IsActivity'] === true ? 'Subject' : 'new_name')],
      });
      for (const column of columns) {
        await succeed(
          'POST',
          `EntityDefinitions(LogicalName='${schemaName.toLowerCase()}')/Attributes`,
          column,
        );
      }
    },
  };
}

export const idIn = (address: string): string => /\(([^()]+)\)$/.exec(address)?.[1] ?? '';

export const codeOf = (answer: Answer): string => text(answer.json['error']?.['code']);
export const messageOf = (answer: Answer): string => text(answer.json['error']?.['message']);
export const valuesOf = (answer: Answer): Json[] => list(answer.json['value']);
/** One property of every row of a collection. */
export const pluck = (answer: Answer, property: string): string[] =>
  valuesOf(answer).map((row) => text(row[property]));

export const label = (words: string) => ({
  '@odata.type': 'Microsoft.Dynamics.CRM.Label',
  LocalizedLabels: [
    { '@odata.type': 'Microsoft.Dynamics.CRM.LocalizedLabel', Label: words, LanguageCode: 1033 },
  ],
});

const nameColumn = (schemaName: string) => ({
  '@odata.type': 'Microsoft.Dynamics.CRM.StringAttributeMetadata',
  AttributeType: 'String',
  AttributeTypeName: { Value: 'StringType' },
  SchemaName: schemaName,
  IsPrimaryName: true,
  MaxLength: 100,
  FormatName: { Value: 'Text' },
  RequiredLevel: { Value: 'None' },
  DisplayName: label('Name'),
});

export const stringColumn = (schemaName: string) => ({
  '@odata.type': 'Microsoft.Dynamics.CRM.StringAttributeMetadata',
  SchemaName: schemaName,
  MaxLength: 50,
  FormatName: { Value: 'Text' },
  RequiredLevel: { Value: 'None' },
  DisplayName: label(schemaName),
});
