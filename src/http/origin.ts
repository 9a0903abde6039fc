/**
 * A link that a server sent, made absolute against the page it came with, if it stays on an allowed origin: a token must not be led
 * elsewhere (DESIGN §13). Undefined when it does not.
 */
export function ownLink(link: string, base: string, origins: ReadonlySet<string>): string | undefined {
  let url: URL;
  try {
    url = new URL(link, base);
  } catch {
    return undefined;
  }
  // A user name in a link would take the token's place in the Authorization header.
  if (!origins.has(url.origin) || url.username !== '' || url.password !== '') return undefined;
  // The link itself is kept verbatim: parsing may change how its cookie is encoded (dataverse.md §11).
  return /^https?:\/\//.test(link) ? link : url.href;
}

/** The origins of a system: its own, for Dynamics also `<org>.api.crmN…` (dataverse.md §2), and what the settings add. */
export function originsOf(url: string, extra: string[] = []): Set<string> {
  const { origin, protocol, hostname } = new URL(url);
  const origins = new Set([origin, ...extra.map((other) => new URL(other).origin)]);
  const host = /^([^.]+)\.(?:api\.)?(crm\d*\.(?:dynamics\.com|microsoftdynamics\.us|dynamics\.cn))$/.exec(
    hostname,
  );
  if (host) {
    origins.add(`${protocol}//${host[1]}.${host[2]}`);
    origins.add(`${protocol}//${host[1]}.api.${host[2]}`);
  }
  return origins;
}
