import { Agent } from 'node:http';
import axios, { type AxiosInstance } from 'axios';
import type { SandboxReady } from '../src/sandbox/index.js';

/** Both systems' APIs, signed in. Tokens are minted once: sign in again after a reset of the sandbox. */
export interface VendorClients {
  /** Below `/api/data/v9.2/`. */
  dynamics: AxiosInstance;
  /** Below `/<tenant>/campaign/`. */
  campaign: AxiosInstance;
}

/**
 * The leanest axios that makes the product's calls: kept connections, no redirects, texts in and out, and the headers
 * that the product sends.
 */
export async function signIn({
  dynamics,
  campaign,
  entra,
  ims,
  credentials,
}: SandboxReady): Promise<VendorClients> {
  const dynamicsToken = await mint(entra, {
    client_id: credentials.clientId,
    client_secret: credentials.clientSecret,
    scope: `${dynamics}/.default`,
  });
  const campaignToken = await mint(ims, {
    client_id: credentials.adobeClientId,
    client_secret: credentials.adobeClientSecret,
    scope: credentials.adobeScopes,
  });
  return {
    dynamics: leanClient(`${dynamics}/api/data/v9.2/`, {
      Authorization: `Bearer ${dynamicsToken}`,
      Accept: 'application/json',
      'Content-Type': 'application/json',
      'OData-Version': '4.0',
      'OData-MaxVersion': '4.0',
      'If-None-Match': 'null',
    }),
    campaign: leanClient(`${campaign}/`, {
      Authorization: `Bearer ${campaignToken}`,
      'X-Api-Key': credentials.adobeClientId,
      'Cache-Control': 'no-cache',
      'Content-Type': 'application/json;charset=utf-8',
      Accept: 'application/json',
    }),
  };
}

function leanClient(baseURL: string, headers: Record<string, string>): AxiosInstance {
  return axios.create({
    baseURL,
    headers,
    httpAgent: new Agent({ keepAlive: true }),
    maxRedirects: 0,
    proxy: false,
    responseType: 'text',
    transformRequest: [],
    transformResponse: [],
  });
}

async function mint(endpoint: string, form: Record<string, string>): Promise<string> {
  const { data } = await axios.post<{ access_token: string }>(
    endpoint,
    new URLSearchParams({ grant_type: 'client_credentials', ...form }),
  );
  return data.access_token;
}
