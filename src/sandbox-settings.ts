import type { SandboxReady } from './sandbox/index.js';

/** The settings that point the service at a sandbox, from the line that the sandbox prints when it is ready. */
export function sandboxSettings({
  dynamics,
  campaign,
  entra,
  ims,
  journal,
  sftp,
  credentials,
}: SandboxReady): Record<string, string> {
  return {
    DYNAMICS_URL: dynamics,
    DYNAMICS_TENANT_ID: credentials.tenantId,
    DYNAMICS_CLIENT_ID: credentials.clientId,
    DYNAMICS_CLIENT_SECRET: credentials.clientSecret,
    DYNAMICS_TOKEN_ENDPOINT: entra,
    CAMPAIGN_URL: campaign,
    CAMPAIGN_JOURNAL_URL: journal,
    CAMPAIGN_SETTLE_SECONDS: '2',
    ADOBE_CLIENT_ID: credentials.adobeClientId,
    ADOBE_CLIENT_SECRET: credentials.adobeClientSecret,
    ADOBE_SCOPES: credentials.adobeScopes,
    ADOBE_ORG_ID: credentials.adobeOrgId,
    ADOBE_TOKEN_ENDPOINT: ims,
    SFTP_HOST: sftp.host,
    SFTP_PORT: String(sftp.port),
    SFTP_USER: sftp.user,
    SFTP_PRIVATE_KEY_FILE: sftp.privateKeyFile,
    SFTP_HOST_KEY: sftp.hostKey,
  };
}
