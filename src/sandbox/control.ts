import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { DataModel } from './campaign/resources.js';
import { DeliveryBody, JournalBody } from './deliveries/request.js';
import { parseDuration } from './duration.js';
import { CALL_FAULTS, FILE_FAULTS, type Fault } from './faults.js';
import { LimitsPatch } from './limits-schema.js';
import { overviewOf } from './model/overview.js';
import { OptOutExportBody } from './opt-outs/request.js';
import { changeContacts } from './seed/changes.js';
import type { SeedPlan } from './seed/seed.js';
import type { World } from './world.js';

/** What the control desk can do beyond one world. */
export interface ControlDesk {
  /** Replaces the world by a new one, seeded as asked; missing numbers are those of the first seed. */
  reset(plan: { contacts?: number | undefined; seed?: number | undefined }): Promise<SeedPlan>;
}

const BASE = '/_sandbox';

/**
 * `/_sandbox/…`: what CONTRACT "Sandbox" lists, without a token, for callers on this machine. Beyond that list:
 * `GET` shows faults and limits, `DELETE limits` restores them, `GET model` shows tables and resources, `PUT data-model` publishes custom resources and
 * filters, `PUT certificate` registers the PEM certificate of client assertions, `POST journal` puts any entries into the event journal,
 * `POST opt-out-export` runs the workflow that exports opt-outs to the SFTP area.
 * A body that is wrong is answered 400 with every fault listed, and changes nothing.
 */
export function registerControl(app: FastifyInstance, world: World, desk: ControlDesk): void {
  const { context, deliveries, entries, limits, optOutExport, optOutSchedule, records, resources } = world;

  app.addHook('onRequest', (request, reply, done) => {
    if (!request.url.startsWith(BASE) || isLoopback(request.raw.socket.remoteAddress)) return done();
    reply.code(403).send({ errors: ['the control desk answers callers on this machine only'] });
  });
  app.addHook('onSend', (request, _reply, payload, done) => {
    if (request.url.startsWith(BASE)) context.store.commit();
    done(null, payload);
  });

  app.get(`${BASE}/stats`, () => context.stats.snapshot());
  app.post(`${BASE}/stats/reset`, () => {
    context.stats.reset();
    return context.stats.snapshot();
  });

  app.post(`${BASE}/reset`, async (request, reply) => {
    const plan = read(ResetBody, request, reply);
    return plan && { reset: true, ...(await desk.reset(plan)) };
  });

  app.get(`${BASE}/faults`, () => context.store.collection<Fault[]>('faults').get('armed') ?? []);
  app.put(`${BASE}/faults`, (request, reply) => {
    const faults = read(FaultsBody, request, reply);
    if (!faults) return reply;
    context.faults.set(faults as Fault[]);
    return reply.send({ armed: faults.length });
  });
  app.delete(`${BASE}/faults`, () => {
    context.faults.clear();
    return { armed: 0 };
  });

  app.get(`${BASE}/limits`, () => limits.current());
  app.put(`${BASE}/limits`, (request, reply) => {
    const patch = read(LimitsPatch, request, reply);
    if (!patch) return reply;
    limits.merge(patch);
    optOutSchedule.keep();
    return reply.send(limits.current());
  });
  app.delete(`${BASE}/limits`, () => {
    limits.restore();
    optOutSchedule.keep();
    return limits.current();
  });

  app.post(`${BASE}/contacts`, (request, reply) => {
    const change = read(ContactsBody, request, reply);
    return change ? changeContacts(context, records, change, change.seed) : reply;
  });

  app.post(`${BASE}/deliveries`, (request, reply) => {
    const asked = read(DeliveryBody, request, reply);
    return asked ? deliveries.send(asked) : reply;
  });
  app.post(`${BASE}/journal`, (request, reply) => {
    const asked = read(JournalBody, request, reply);
    if (!asked) return reply;
    const contents = asked.events.map((json) => ({ json }));
    const duplicates = entries.append(contents, entries.newest());
    if (asked.raw !== undefined) entries.spoil(asked.raw);
    return reply.send({ entries: contents.length + duplicates, duplicates });
  });

  app.post(`${BASE}/opt-out-export`, (request, reply) => {
    const asked = read(OptOutExportBody, request, reply);
    if (!asked) return reply;
    const unknown = optOutExport.unknownColumns(asked.columns ?? []);
    if (unknown.length === 0) return reply.send(optOutExport.run(asked));
    return reply
      .code(400)
      .send({ errors: unknown.map((name) => `columns: ${name} is no field of the profile with one value`) });
  });

  app.post(`${BASE}/clock`, (request, reply) => {
    const body = read(ClockBody, request, reply);
    if (!body) return reply;
    context.clock.advance(body.advance);
    optOutSchedule.keep();
    return reply.send({ now: new Date(context.clock.nowMs()).toISOString() });
  });
  app.get(`${BASE}/clock`, () => ({ now: new Date(context.clock.nowMs()).toISOString() }));

  app.get(`${BASE}/model`, () =>
    overviewOf(world.schema, records, resources, limits.current().campaign.edition),
  );
  app.put(`${BASE}/data-model`, (request, reply) => {
    const model = read(DataModelBody, request, reply);
    if (!model) return reply;
    resources.publish(model as unknown as DataModel);
    return reply.send({ resources: model.resources?.length ?? 0, filters: model.filters?.length ?? 0 });
  });

  app.put(`${BASE}/certificate`, (request, reply) => {
    context.store.collection<string>('certificate').set('pem', String(request.body));
    return reply.send({ registered: true });
  });

  app.all(`${BASE}/*`, (request, reply) =>
    reply.code(404).send({ errors: [`${request.method} ${request.url} is not known to the control desk`] }),
  );
}

const amount = z.number().int().min(0).default(0);

const ResetBody = z.strictObject({
  contacts: z.number().int().min(0).optional(),
  seed: z.number().int().min(0).optional(),
});

const FaultsBody = z.array(
  z
    .strictObject({
      system: z.enum(['dynamics', 'campaign', 'sftp']),
      method: z.string().optional(),
      path: z.string().optional(),
      kind: z.enum([...CALL_FAULTS, ...FILE_FAULTS]),
      status: z.number().int().min(400).max(599).optional(),
      facet: z.enum(['requests', 'time', 'concurrency']).optional(),
      retryAfter: z.number().int().min(0).optional(),
      ms: z.number().min(0).optional(),
      times: z.number().int().min(1).optional(),
      share: z.number().min(0).max(1).optional(),
    })
    .refine(
      ({ system, kind }) => (system === 'sftp' ? FILE_FAULTS : CALL_FAULTS).some((each) => each === kind),
      { path: ['kind'], message: 'is not a kind of this system' },
    ),
);

const ContactsBody = z.strictObject({ change: amount, create: amount, delete: amount, seed: amount });

const ClockBody = z.strictObject({
  advance: z.string().transform((text, check) => {
    const milliseconds = parseDuration(text);
    if (milliseconds === undefined)
      check.addIssue({ code: 'custom', message: 'an ISO 8601 duration is expected, such as P1D' });
    return milliseconds ?? 0;
  }),
});

const DataModelBody = z.strictObject({
  resources: z
    .array(
      z.looseObject({
        name: z.string().min(1),
        fields: z.record(z.string(), z.looseObject({ type: z.string(), label: z.string() })),
      }),
    )
    .optional(),
  filters: z
    .array(
      z.looseObject({
        resource: z.string(),
        name: z.string(),
        label: z.string(),
        conditions: z.array(z.looseObject({ parameter: z.string() })),
      }),
    )
    .optional(),
});

/** The body as the schema has it; undefined after a 400 was sent. An absent body is an empty object. */
function read<T>(schema: z.ZodType<T>, request: FastifyRequest, reply: FastifyReply): T | undefined {
  const text = typeof request.body === 'string' && request.body.trim() !== '' ? request.body : '{}';
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    reply.code(400).send({ errors: ['the body is not JSON'] });
    return undefined;
  }
  const result = schema.safeParse(parsed);
  if (result.success) return result.data;
  reply.code(400).send({
    errors: result.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`),
  });
  return undefined;
}

const isLoopback = (address: string | undefined): boolean => /^(127\.|::1$|::ffff:127\.)/.test(address ?? '');
