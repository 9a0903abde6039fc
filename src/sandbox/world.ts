import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify';
import {
  statusAnswer,
  expiredToken,
  sendGatewayRefusal,
  tooManyRequests,
  wrongAddress,
} from './campaign/gateway.js';
import { createResources, type DataModel, type Resources } from './campaign/resources.js';
import { answerCampaignFault, isCampaignApi, registerCampaign } from './campaign/server.js';
import { createClock } from './clock.js';
import type { SandboxContext } from './context.js';
import { registerControl, type ControlDesk } from './control.js';
import {
  answerDynamicsFault,
  answerUnknownSegment,
  countRefusals,
  dynamicsErrors,
  guardDynamics,
  isDynamicsApi,
} from './dynamics-gate.js';
import { createDeliveries, type Deliveries } from './deliveries/deliveries.js';
import { createExports } from './deliveries/exports.js';
import { createLogs } from './deliveries/logs.js';
import { createRecords } from './dynamics/record-store.js';
import type { Records } from './dynamics/records.js';
import type { Schema } from './dynamics/schema.js';
import { createSchema, seedBase } from './dynamics/schema-store.js';
import { registerDynamics } from './dynamics/server.js';
import { applyFaults, type VendorErrors } from './fault-hook.js';
import { createFaults } from './faults.js';
import type { Credentials } from './identity/credentials.js';
import { registerEntra } from './identity/entra.js';
import { registerIms } from './identity/ims.js';
import { createEntries, type Entries } from './journal/entries.js';
import { registerJournal } from './journal/server.js';
import { createLimits, type LimitSettings } from './limits.js';
import { installModel } from './model/install.js';
import type { ModelSource } from './model/model-file.js';
import { createOptOutExport, type OptOutExport } from './opt-outs/export.js';
import { createOptOutSchedule, type OptOutSchedule } from './opt-outs/schedule.js';
import { seedContacts, type SeedPlan } from './seed/seed.js';
import type { FileArea } from './sftp/area.js';
import { createStats } from './stats.js';
import type { Store } from './store.js';
import { readBodiesAsText } from './text-bodies.js';

/** The tenant id of the simulated Campaign: its API is at `/sandbox/campaign`. */
export const CAMPAIGN_TENANT = 'sandbox';

const DYNAMICS_BODY_BYTES = 120 * 1024 * 1024;
const CAMPAIGN_BODY_BYTES = 16 * 1024 * 1024;

/** One organisation and one Campaign instance over a store: a reset throws this away and builds another. */
export interface World {
  context: SandboxContext;
  limits: LimitSettings;
  schema: Schema;
  records: Records;
  resources: Resources;
  deliveries: Deliveries;
  optOutExport: OptOutExport;
  optOutSchedule: OptOutSchedule;
  /** Of the event journal. */
  entries: Entries;
  dynamics: FastifyInstance;
  campaign: FastifyInstance;
  /** What the data was seeded with, now or at an earlier start. */
  plan: SeedPlan;
  close(): Promise<void>;
}

export interface WorldOptions {
  store: Store;
  credentials: Credentials;
  /** What SFTP clients see. */
  area: FileArea;
  /** Seeds the data when the store holds none that is complete. */
  plan: SeedPlan;
  latencyMs: number;
  desk: ControlDesk;
  /** Tables and resources; what the store's organisation was never given of them is added. */
  model: ModelSource;
  /** Custom resources and filters of the Campaign tenant, published when the world is new. */
  dataModel?: DataModel | undefined;
}

/** Builds both systems over what the store holds; on an empty store, or after a seed that was cut short, seeds it first. */
export async function createWorld(options: WorldOptions): Promise<World> {
  const { store, credentials, area } = options;
  const progress = store.collection<{ plan: SeedPlan; done: boolean }>('seed');
  const begun = progress.get('current');
  // A process that died while it seeded left half of a data set behind, which nobody was told of.
  if (begun && !begun.done) emptyStore(store, credentials);

  const limits = createLimits(store);
  const context: SandboxContext = {
    store,
    clock: createClock(store),
    faults: createFaults(store, options.plan.seed),
    stats: createStats(store),
    limits: () => limits.current(),
  };
  const schema = createSchema(context);
  const records = createRecords(context, schema);
  const resources = createResources(context);
  const ground = { context, schema, records, resources };
  const plan = begun?.plan ?? options.plan;
  if (!begun?.done) {
    progress.set('current', { plan, done: false });
    store.commit();
    area.empty();
    seedBase(context, schema, records);
    seedContacts(context, records, plan);
    installModel({ ...ground, commit: () => store.commit() }, options.model, plan);
    if (options.dataModel) resources.publish(options.dataModel);
    progress.set('current', { plan, done: true });
  } else {
    // A folder of an earlier version, or a model with more in it: all of that is added, or nothing.
    installModel({ ...ground, commit: () => {} }, options.model, plan);
  }
  store.commit();
  const logs = createLogs(store);
  const entries = createEntries(context);
  const exports = createExports(context, logs, area);
  const deliveries = createDeliveries({ context, resources, logs, entries, exports });
  const optOutExport = createOptOutExport(context, resources, area);
  const optOutSchedule = createOptOutSchedule(context, optOutExport);
  // A process that died after a delivery and before its files were written.
  exports.writePrepared();

  const dynamics = createApp(DYNAMICS_BODY_BYTES, context, answerDynamicsFault);
  countRefusals(dynamics, context);
  applyFaults(
    dynamics,
    context,
    'dynamics',
    dynamicsErrors(credentials.tenantId),
    options.latencyMs,
    isDynamicsApi,
  );
  guardDynamics(dynamics, context, credentials.tenantId);
  registerDynamics(dynamics, context, schema, records);
  dynamics.setNotFoundHandler(answerUnknownSegment);
  const campaign = createApp(CAMPAIGN_BODY_BYTES, context, answerCampaignFault);
  readBodiesAsText(campaign);
  registerCampaign(campaign, {
    context,
    resources,
    apiKey: credentials.adobeClientId,
    tenant: CAMPAIGN_TENANT,
  });
  applyFaults(campaign, context, 'campaign', campaignErrors, options.latencyMs, isCampaignApi);
  campaign.setNotFoundHandler((_request, reply) => sendGatewayRefusal(reply, wrongAddress()));

  const world: World = {
    context,
    limits,
    schema,
    records,
    resources,
    deliveries,
    optOutExport,
    optOutSchedule,
    entries,
    dynamics,
    campaign,
    plan,
    close,
  };
  await dynamics.register((scope, _options, done) => {
    readBodiesAsText(scope);
    registerEntra(scope, context, credentials);
    registerControl(scope, world, options.desk);
    done();
  });
  await campaign.register((scope, _options, done) => {
    registerIms(scope, context, credentials);
    registerJournal(scope, { context, credentials, entries, logs });
    registerControl(scope, world, options.desk);
    done();
  });
  await Promise.all([dynamics.ready(), campaign.ready()]);

  async function close(): Promise<void> {
    await Promise.all([dynamics.close(), campaign.close()]);
  }

  return world;
}

/** Forgets everything but what clients sign in with. */
export function emptyStore(store: Store, credentials: Credentials): void {
  const certificate = store.collection<string>('certificate').get('pem');
  store.reset();
  store.collection<Credentials>('credentials').set('current', credentials);
  if (certificate !== undefined) store.collection<string>('certificate').set('pem', certificate);
}

/** @param answerFault says in the vendor's own form what fastify itself refuses: bad addresses, bodies too large. */
function createApp(
  bodyLimit: number,
  { clock }: SandboxContext,
  answerFault: (fault: FastifyError, reply: FastifyReply) => void,
): FastifyInstance {
  const app = Fastify({
    bodyLimit,
    routerOptions: { caseSensitive: false, ignoreTrailingSlash: true, maxParamLength: 8192 },
    forceCloseConnections: true,
    frameworkErrors: (fault, _request, reply) => answerFault(fault, reply as unknown as FastifyReply),
  });
  app.setErrorHandler<FastifyError>((fault, _request, reply) => answerFault(fault, reply));
  app.addHook('onSend', (_request, reply, payload, done) => {
    // Clients learn the server's time from it.
    reply.header('date', new Date(clock.nowMs()).toUTCString());
    done(null, payload);
  });
  return app;
}

const campaignErrors: VendorErrors = {
  status: (status) => ({ status, body: statusAnswer(status).body }),
  throttle: (_facet, retryAfterSeconds) => tooManyRequests(retryAfterSeconds),
  expiredToken: () => expiredToken,
  // Campaign has no delta tokens, and such a fault never matches one of its addresses.
  expiredDelta: () => wrongAddress(),
};
