import type { Answer, Call, Dataverse } from './call.js';
import { metadataIdOf } from './metadata/metadata-id.js';
import type { StoredRow } from './records.js';
import type { Table } from './schema.js';

const KINDS = ['Create', 'Read', 'Write', 'Delete', 'Assign', 'Share', 'Append', 'AppendTo'] as const;

/** A right on the rows of a table. */
export interface Privilege {
  /** `prvReadContact`. */
  name: string;
  id: string;
  kind: (typeof KINDS)[number];
}

/** The same in every organisation. */
const ACTIVITY_PRIVILEGES: Record<Privilege['kind'], string> = {
  Create: '091df793-fe5e-44d4-b4ca-7e3f580c4664',
  Read: '650c14fe-3521-45fe-a000-84138688e45d',
  Write: '0dc8f72c-57d5-4b4d-8892-fe6aac0e4b81',
  Delete: 'bb4457f2-9b45-4482-a95a-7adef25f388a',
  Share: 'b5f2ee06-d359-4495-bbda-312aae1c6b1e',
  Assign: '8b99344e-ebbf-4f84-8438-e1e34d194de9',
  Append: '78777c10-09ab-4326-b4c8-cf5729702937',
  AppendTo: '6ec8e901-d770-44c0-8f12-d07425f638bd',
};

/** The privileges that a table has. All activities share theirs, custom ones too: `prvCreateActivity`. */
export function privilegesOf({ schemaName, isActivity, isIntersect }: Table): Privilege[] {
  if (isIntersect) return [];
  return KINDS.map((kind) =>
    isActivity
      ? { name: `prv${kind}Activity`, id: ACTIVITY_PRIVILEGES[kind], kind }
      : { name: `prv${kind}${schemaName}`, id: metadataIdOf('privilege', kind, schemaName), kind },
  );
}

/** The privilege to read a table's rows. */
export const readPrivilege = (table: Table): string =>
  privilegesOf(table).find(({ kind }) => kind === 'Read')?.name ?? '';

/**
 * `systemusers(<id>)/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()`: what the application user's roles add up to,
 * which is everything but the organisation-wide read that the limits take away. Other users have no role.
 */
export function retrieveUserPrivileges(
  { context, schema, records }: Dataverse,
  call: Call,
  user: StoredRow,
): Answer {
  const { userId, businessUnitId } = records.caller();
  const narrowed = new Set(
    context.limits().dynamics.globalReadMissing.flatMap((name) => {
      const table = schema.table(name);
      return table ? [readPrivilege(table)] : [];
    }),
  );
  const held = new Map<string, object>();
  for (const table of user.id === userId ? schema.tables() : []) {
    for (const { name, id } of privilegesOf(table)) {
      const isNarrowed = narrowed.has(name);
      // Rows of the organisation can be read organisation-wide or not at all.
      if (isNarrowed && table.ownership !== 'UserOwned') continue;
      held.set(name, {
        Depth: isNarrowed ? 'Local' : 'Global',
        PrivilegeId: id,
        BusinessUnitId: businessUnitId,
        PrivilegeName: name,
        RecordFilterId: NO_FILTER,
        RecordFilterUniqueName: '',
      });
    }
  }
  return {
    status: 200,
    body: {
      '@odata.context': `${call.base}$metadata#Microsoft.Dynamics.CRM.RetrieveUserPrivilegesResponse`,
      RolePrivileges: [...held.values()],
    },
  };
}

const NO_FILTER = '00000000-0000-0000-0000-000000000000';
