import { afterAll, beforeAll } from 'vitest';
import {
  startSandbox,
  type Sandbox,
  type SandboxOptions,
  type SandboxReady,
} from '../../../src/sandbox/index.js';

/** JSON whose form the test states by what it reads of it; `text` and `list` read its leaves and arrays. */
export interface Json {
  [name: string]: Json;
}
export const text = (json: Json | undefined): string => String(json);
export const list = (json: Json | undefined): Json[] => (Array.isArray(json) ? (json as Json[]) : []);

/** An answer as a client sees it: the body parsed when it is JSON, as text otherwise. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  json: Json;
}

/** Both systems as a client with valid tokens calls them, and the control desk. */
export interface Caller {
  ready: SandboxReady;
  /** A path below `/sandbox/campaign`, or a whole address as an `href` gives it. */
  campaign(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** A path below the Dynamics root, e.g. `/api/data/v9.2/WhoAmI`. */
  dynamics(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  control(method: string, path: string, body?: unknown): Promise<Answer>;
  /** As `control`, throwing for any answer but a success: for what a test takes for granted. */
  succeed(method: string, path: string, body?: unknown): Promise<Answer>;
  forgetTokens(): void;
}

/** A sandbox in memory for the tests of one file, on free ports. */
export function useSandbox(options: SandboxOptions = {}): Caller {
  let sandbox: Sandbox;
  let caller: Caller;
  beforeAll(async () => {
    sandbox = await startSandbox({ memory: true, contacts: 0, ...options });
    caller = callerOf(sandbox.ready);
  });
  afterAll(async () => sandbox.close());
  return {
    get ready() {
      return sandbox.ready;
    },
    campaign: (...call) => caller.campaign(...call),
    dynamics: (...call) => caller.dynamics(...call),
    control: (...call) => caller.control(...call),
    succeed: (...call) => caller.succeed(...call),
    forgetTokens: () => caller.forgetTokens(),
  };
}

export function callerOf(ready: SandboxReady): Caller {
  let campaignToken: string | undefined;
  let dynamicsToken: string | undefined;
  return {
    ready,
    async campaign(method, path, body, headers = {}) {
      campaignToken ??= text((await campaignSignIn(ready)).json['access_token']);
      const authorised = {
        authorization: `Bearer ${campaignToken}`,
        'x-api-key': ready.credentials.adobeClientId,
        ...headers,
      };
      return call(method, path.startsWith('http') ? path : `${ready.campaign}${path}`, body, authorised);
    },
    async dynamics(method, path, body, headers = {}) {
      dynamicsToken ??= text((await dynamicsSignIn(ready)).json['access_token']);
      return call(method, `${ready.dynamics}${path}`, body, {
        authorization: `Bearer ${dynamicsToken}`,
        ...headers,
      });
    },
    control: (method, path, body) => call(method, `${ready.dynamics}/_sandbox/${path}`, body, {}),
    async succeed(method, path, body) {
      const answer = await call(method, `${ready.dynamics}/_sandbox/${path}`, body, {});
      if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
      return answer;
    },
    forgetTokens() {
      campaignToken = undefined;
      dynamicsToken = undefined;
    },
  };
}

export function dynamicsSignIn(
  ready: SandboxReady,
  changes: Record<string, string | undefined> = {},
): Promise<Answer> {
  const form = {
    grant_type: 'client_credentials',
    client_id: ready.credentials.clientId,
    client_secret: ready.credentials.clientSecret,
    scope: `${ready.dynamics}/.default`,
    ...changes,
  };
  return postForm(ready.entra, form);
}

export function campaignSignIn(
  ready: SandboxReady,
  changes: Record<string, string | undefined> = {},
): Promise<Answer> {
  const form = {
    grant_type: 'client_credentials',
    client_id: ready.credentials.adobeClientId,
    client_secret: ready.credentials.adobeClientSecret,
    scope: ready.credentials.adobeScopes,
    ...changes,
  };
  return postForm(ready.ims, form);
}

export async function postForm(url: string, form: Record<string, string | undefined>): Promise<Answer> {
  const present = Object.entries(form).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return answerOf(await fetch(url, { method: 'POST', body: new URLSearchParams(present) }));
}

export async function call(
  method: string,
  url: string,
  body: unknown,
  headers: Record<string, string>,
): Promise<Answer> {
  const sent = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const type = sent === undefined ? {} : { 'content-type': 'application/json' };
  return answerOf(
    await fetch(url, { method, headers: { ...type, ...headers }, ...(sent !== undefined && { body: sent }) }),
  );
}

async function answerOf(response: Response): Promise<Answer> {
  const body = await response.text();
  let json: Json;
  try {
    json = JSON.parse(body) as Json;
  } catch {
    json = {};
  }
  return { status: response.status, headers: response.headers, text: body, json };
}
