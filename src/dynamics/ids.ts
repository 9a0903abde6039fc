export const isGuid = (id: string): boolean => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id);

/** `$filter` for the rows of these ids, encoded. What is no GUID is no row's id, and must not get here (dataverse.md §2). */
export function idsFilter(primaryId: string, ids: string[]): string {
  const values = ids.map((id) => `"${id}"`).join(',');
  return `$filter=${encodeURIComponent(`Microsoft.Dynamics.CRM.In(PropertyName='${primaryId}',PropertyValues=[${values}])`)}`;
}
