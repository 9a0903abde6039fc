import type { Call } from './call.js';
import { readCookie } from './reading/paging-cookie.js';

/**
 * The route under which a call is counted, ids left out: `GET contacts`, `PATCH contacts(id)`,
 * `GET contacts/$delta`, `POST contacts/CreateMultiple`.
 */
export function routeLabel(call: Pick<Call, 'method' | 'path' | 'query'>): string {
  const path = decoded(call.path)
    .replace(/\((?:'(?:[^']|'')*'|[^()'])*\)/g, (inside) => (inside === '()' ? '' : '(id)'))
    .replace(/^(WhoAmI|Retrieve\w+)\(id\)/, '$1')
    .replaceAll('Microsoft.Dynamics.CRM.', '')
    .replace(/\/+$/, '');
  const delta = !path.includes('/') && isDelta(call) ? '/$delta' : '';
  return `${call.method} ${path}${delta}`.trimEnd();
}

function isDelta({ query }: Pick<Call, 'query'>): boolean {
  if (query.deltaToken !== undefined) return true;
  if (query.skipToken === undefined) return false;
  try {
    return readCookie(query.skipToken).tracking?.kind === 'delta';
  } catch {
    return false;
  }
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
