import type { Relationship, Table } from '../../schema.js';
import { activityRelationships } from '../activity-columns.js';
import { lookupRelationship, systemRelationships } from '../standard-columns.js';

/** Schema name, referenced table, referencing table, lookup column, navigation property where it is not the column. */
type Declared = [string, string, string, string, string?];

/** Relationships whose names follow no pattern. Names are case-sensitive (dataverse.md §4, "Lookups"). */
const DECLARED: Declared[] = [
  ['contact_customer_accounts', 'account', 'contact', 'parentcustomerid', 'parentcustomerid_account'],
  ['contact_customer_contacts', 'contact', 'contact', 'parentcustomerid', 'parentcustomerid_contact'],
  ['contact_master_contact', 'contact', 'contact', 'masterid'],
  ['system_user_contacts', 'systemuser', 'contact', 'preferredsystemuserid'],
  ['account_primary_contact', 'contact', 'account', 'primarycontactid'],
  ['account_parent_account', 'account', 'account', 'parentaccountid'],
  ['business_unit_system_users', 'businessunit', 'systemuser', 'businessunitid'],
  ['business_unit_teams', 'businessunit', 'team', 'businessunitid'],
  ['lk_team_administratorid', 'systemuser', 'team', 'administratorid'],
  ['business_unit_parent_business_unit', 'businessunit', 'businessunit', 'parentbusinessunitid'],
  ['basecurrency_organization', 'transactioncurrency', 'organization', 'basecurrencyid'],
  ['publisher_solution', 'publisher', 'solution', 'publisherid'],
  ['solution_solutioncomponent', 'solution', 'solutioncomponent', 'solutionid'],
  ['sdkmessageid_sdkmessagefilter', 'sdkmessage', 'sdkmessagefilter', 'sdkmessageid'],
  ['account_activity_parties', 'account', 'activityparty', 'partyid', 'partyid_account'],
  ['contact_activity_parties', 'contact', 'activityparty', 'partyid', 'partyid_contact'],
  ['system_user_activity_parties', 'systemuser', 'activityparty', 'partyid', 'partyid_systemuser'],
  ['team_activity_parties', 'team', 'activityparty', 'partyid', 'partyid_team'],
  ['audit_account', 'account', 'audit', 'objectid', 'objectid_account'],
  ['audit_contact', 'contact', 'audit', 'objectid', 'objectid_contact'],
  ['lk_audit_userid', 'systemuser', 'audit', 'userid'],
  ['lk_audit_callinguserid', 'systemuser', 'audit', 'callinguserid'],
];

/** What deleting the referenced row does, where it does anything. */
const DELETE_CASCADES: Record<string, Relationship['cascadeDelete']> = {
  contact_customer_accounts: 'Cascade',
  contact_customer_contacts: 'Cascade',
  account_parent_account: 'RemoveLink',
  account_primary_contact: 'RemoveLink',
};

/** All relationships of the base tables. */
export const baseRelationships = (tables: Table[]): Relationship[] => [
  ...DECLARED.map(([schemaName, referenced, referencing, attribute, navigation]) =>
    lookupRelationship(
      schemaName,
      referenced,
      referencing,
      attribute,
      navigation ?? attribute,
      DELETE_CASCADES[schemaName] ?? 'NoCascade',
    ),
  ),
  ...tables.flatMap(systemRelationships),
  ...tables.filter(({ isActivity }) => isActivity).flatMap(activityRelationships),
];
