import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { DataModel } from './campaign/resources.js';
import { createStore } from './disk-store.js';
import { ensureCredentials, type Credentials } from './identity/credentials.js';
import { journalPath } from './journal/path.js';
import { claimFolder } from './folder-claim.js';
import { checkedModel } from './model/install.js';
import type { ModelDocument } from './model/model-schema.js';
import type { SeedPlan } from './seed/seed.js';
import { openFileArea } from './sftp/area.js';
import { ensureHostKey, ensureRsaKey } from './sftp/keys.js';
import { createSftpServer, SFTP_USER } from './sftp/server.js';
import { CAMPAIGN_TENANT, createWorld, emptyStore, type World } from './world.js';

export type { Credentials } from './identity/credentials.js';
export { FaultyModel } from './model/faults.js';

export interface SandboxOptions {
  /** Where the state is kept; left out, or with `memory`, it ends with the process. */
  folder?: string;
  memory?: boolean;
  /** 0 takes a free port, as does a port that is taken unless `portsMustBeFree`. */
  dynamicsPort?: number;
  campaignPort?: number;
  sftpPort?: number;
  portsMustBeFree?: boolean;
  /** Of the SFTP server alone, which otherwise takes a free port where its own is taken. */
  sftpPortMustBeFree?: boolean;
  /** Size and number of the first seed, which a folder that has data already does not get again. */
  contacts?: number;
  seed?: number;
  /** Added to the answer time of every API call, milliseconds. */
  latencyMs?: number;
  /** Address to listen on; `/_sandbox` answers this machine in any case only. */
  host?: string;
  /**
   * Tables of Dynamics and resources of Campaign: path of a sandbox file (docs/guides/sandbox.md), or its content.
   * Left out: those that come with the sandbox.
   */
  model?: string | ModelDocument;
  /** Custom resources and filters of the Campaign tenant, published when the data is new. */
  dataModel?: DataModel;
}

/** The ready line (CONTRACT, "Sandbox"). */
export interface SandboxReady {
  ready: true;
  dynamics: string;
  campaign: string;
  entra: string;
  ims: string;
  journal: string;
  sftp: SftpAddress;
  credentials: Credentials;
}

/** Where Campaign's files are, and what opens. */
export interface SftpAddress {
  host: string;
  port: number;
  user: string;
  /** Path of the user's private key. */
  privateKeyFile: string;
  /** Fingerprint of the server's key, `SHA256:…`. */
  hostKey: string;
}

export interface Sandbox {
  ready: SandboxReady;
  /** What the data was seeded with: of an earlier start, where the folder was not new. */
  seeded: SeedPlan;
  /** Writes what is not written, and frees the ports. */
  close(): Promise<void>;
}

export const DEFAULT_CONTACTS = 1000;
export const DEFAULT_SEED = 1;

/** How often what runs by the clock is looked after; a clock that is advanced needs no waiting. */
const TICK_MS = 1000;
/** Longer than clients keep idle connections, so that it is they who close them. */
const KEEP_ALIVE_MS = 75_000;
/** Reads with long `$select` and `$filter` options exceed Node's default. */
const MAX_HEADER_BYTES = 64 * 1024;

/**
 * Starts both simulated systems and seeds them when their folder is new. Rejects when a port cannot be had, with
 * `FolderInUse` when another process works on the folder, and with `FaultyModel` when the model is faulty.
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const {
    folder,
    memory = false,
    latencyMs = 0,
    host = '127.0.0.1',
    portsMustBeFree = false,
    dataModel,
  } = options;
  const first = { contacts: options.contacts ?? DEFAULT_CONTACTS, seed: options.seed ?? DEFAULT_SEED };
  const model = checkedModel(options.model);
  const kept = memory ? undefined : folder;
  const claim = kept === undefined ? undefined : await claimFolder(kept);
  // Files are on disk in any case, since clients of SFTP and ssh name them.
  const files = kept ?? mkdtempSync(join(tmpdir(), 'sandbox-'));
  const letGo = (): void => {
    if (kept === undefined) rmSync(files, { recursive: true, force: true });
    claim?.release();
  };
  const store = createStore(kept === undefined ? undefined : join(kept, 'sandbox.log'));
  const credentials = ensureCredentials(store);
  const area = openFileArea(join(files, 'sftp'));
  const privateKeyFile = resolve(files, 'sftp-keys', 'campaign.pem');
  const userKey = ensureRsaKey(privateKeyFile);
  const hostKey = ensureHostKey(join(files, 'sftp-keys', 'host.pem'));
  const build = (plan: SeedPlan): Promise<World> =>
    createWorld({ store, credentials, area, plan, latencyMs, desk: { reset }, model, dataModel });
  let world = await build(first).catch(async (error: unknown) => {
    await userKey;
    store.abandon();
    letGo();
    throw error;
  });
  let resetting: Promise<SeedPlan> | undefined;

  /** One after another; calls that come in meanwhile wait, so that none meets half of a world. */
  function reset(asked: { contacts?: number | undefined; seed?: number | undefined }): Promise<SeedPlan> {
    const plan = { contacts: asked.contacts ?? first.contacts, seed: asked.seed ?? first.seed };
    const before = resetting ?? Promise.resolve();
    const running = before.then(async () => {
      emptyStore(store, credentials);
      // The old world stays open: the very call that asked for this is still to be answered by it.
      world = await build(plan);
      return plan;
    });
    const done = running.finally(() => {
      if (resetting === done) resetting = undefined;
    });
    resetting = done;
    return done;
  }

  // A world that is being replaced has no schedule to keep.
  const ticking = setInterval(() => {
    if (!resetting) world.optOutSchedule.keep();
  }, TICK_MS).unref();

  const serve = (system: 'dynamics' | 'campaign'): Server =>
    listener((request, response) => {
      const pass = () => world[system].routing(request, response);
      if (resetting) resetting.then(pass, pass);
      else pass();
    });
  const dynamics = serve('dynamics');
  const campaign = serve('campaign');
  const sftp = createSftpServer({
    folder: area.folder,
    context: () => world.context,
    userKey: await userKey,
    hostKey,
  });
  try {
    await listen(dynamics, options.dynamicsPort ?? 0, host, portsMustBeFree);
    await listen(campaign, options.campaignPort ?? 0, host, portsMustBeFree);
    await listen(sftp.listener, options.sftpPort ?? 0, host, options.sftpPortMustBeFree ?? false);
  } catch (error) {
    await close();
    throw error;
  }

  async function close(): Promise<void> {
    clearInterval(ticking);
    await Promise.all([
      stop(dynamics, () => dynamics.closeAllConnections()),
      stop(campaign, () => campaign.closeAllConnections()),
      stop(sftp.listener, sftp.hangUp),
    ]);
    await world.close();
    store.close();
    letGo();
  }

  const sftpAddress: SftpAddress = {
    host: '127.0.0.1',
    port: portOf(sftp.listener),
    user: SFTP_USER,
    privateKeyFile,
    hostKey: sftp.fingerprint,
  };
  return {
    ready: readyLine(address(dynamics), address(campaign), sftpAddress, credentials),
    seeded: world.plan,
    close,
  };
}

function readyLine(
  dynamics: string,
  campaign: string,
  sftp: SftpAddress,
  credentials: Credentials,
): SandboxReady {
  return {
    ready: true,
    dynamics,
    campaign: `${campaign}/${CAMPAIGN_TENANT}/campaign`,
    entra: `${dynamics}/${credentials.tenantId}/oauth2/v2.0/token`,
    ims: `${campaign}/ims/token/v3`,
    journal: `${campaign}${journalPath(credentials)}`,
    sftp,
    credentials,
  };
}

function listener(handle: RequestListener): Server {
  const server = createServer(
    { keepAliveTimeout: KEEP_ALIVE_MS, maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: 0, noDelay: true },
    handle,
  );
  server.headersTimeout = KEEP_ALIVE_MS + 1000;
  return server;
}

function listen(server: NetServer, port: number, host: string, mustBeFree: boolean): Promise<void> {
  return new Promise((fulfil, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE' || mustBeFree || port === 0) reject(error);
      else listen(server, 0, host, true).then(fulfil, reject);
    });
    server.listen(port, host, () => {
      server.removeAllListeners('error');
      fulfil();
    });
  });
}

const portOf = (server: NetServer): number => (server.address() as AddressInfo).port;

const address = (server: NetServer): string => `http://127.0.0.1:${portOf(server)}`;

function stop(server: NetServer, hangUp: () => void): Promise<void> {
  return new Promise((fulfil) => {
    server.close(() => fulfil());
    hangUp();
  });
}
