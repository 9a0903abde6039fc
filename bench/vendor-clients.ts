import { Agent } from 'node:http';
import axios, { type AxiosInstance } from 'axios';
import type { SandboxReady } from '../src/sandbox/index.js';

/** Both systems' APIs, signed in. A token that has ended is minted anew; sign in again after a reset of the sandbox. */
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
  const dynamicsToken = () =>
    mint(entra, {
      client_id: credentials.clientId,
      client_secret: credentials.clientSecret,
      scope: `${dynamics}/.default`,
    });
  const campaignToken = () =>
    mint(ims, {
      client_id: credentials.adobeClientId,
      client_secret: credentials.adobeClientSecret,
      scope: credentials.adobeScopes,
    });
  return {
    dynamics: await leanClient(`${dynamics}/api/data/v9.2/`, dynamicsToken, {
      Accept: 'application/json',
      'Content-Type': 'application/json',
      'OData-Version': '4.0',
      'OData-MaxVersion': '4.0',
      'If-None-Match': 'null',
    }),
    campaign: await leanClient(`${campaign}/`, campaignToken, {
      'X-Api-Key': credentials.adobeClientId,
      'Cache-Control': 'no-cache',
      'Content-Type': 'application/json;charset=utf-8',
      Accept: 'application/json',
    }),
  };
}

async function leanClient(
  baseURL: string,
  mintToken: () => Promise<string>,
  headers: Record<string, string>,
): Promise<AxiosInstance> {
  const client = axios.create({
    baseURL,
    headers: { ...headers, Authorization: `Bearer ${await mintToken()}` },
    httpAgent: new Agent({ keepAlive: true }),
    maxRedirects: 0,
    proxy: false,
    responseType: 'text',
    transformRequest: [],
    transformResponse: [],
  });
  client.interceptors.response.use(undefined, async (error: unknown) => {
    if (!axios.isAxiosError(error) || error.response?.status !== 401 || !error.config) throw error;
    const Authorization = `Bearer ${await mintToken()}`;
    client.defaults.headers.common.Authorization = Authorization;
    // A second 401 is thrown: this request is sent past the interceptor.
    return axios.request({ ...error.config, headers: { ...error.config.headers, Authorization } });
  });
  return client;
}

async function mint(endpoint: string, form: Record<string, string>): Promise<string> {
  const { data } = await axios.post<{ access_token: string }>(
    endpoint,
    new URLSearchParams({ grant_type: 'client_credentials', ...form }),
  );
  return data.access_token;
}
