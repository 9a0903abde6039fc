import type { Resources } from '../campaign/resources.js';
import { createResources } from '../campaign/resources.js';
import { createClock } from '../clock.js';
import type { SandboxContext } from '../context.js';
import { createStore } from '../disk-store.js';
import { createRecords, type RecordStore } from '../dynamics/record-store.js';
import type { Schema } from '../dynamics/schema.js';
import { createSchema, seedBase } from '../dynamics/schema-store.js';
import { createFaults } from '../faults.js';
import { createLimits } from '../limits.js';
import type { SeedPlan } from '../seed/seed.js';
import { createStats } from '../stats.js';
import { createModelFaults, FaultyModel } from './faults.js';
import { createInstalledParts } from './installed-parts.js';
import { readModel, type ModelSource } from './model-file.js';
import type { ModelDocument } from './model-schema.js';
import { installResources } from './resources.js';
import { checkSamples, seedRows } from './rows.js';
import { activateKeys, installTables } from './tables.js';

/** The parts of a world that a model is installed into. */
export interface ModelGround {
  context: SandboxContext;
  schema: Schema;
  records: RecordStore;
  resources: Resources;
  /** Called now and then while rows are made; does nothing where the whole must be written at once. */
  commit(): void;
}

/**
 * Makes and fills what a model has and the world was never given, in both systems. Throws `FaultyModel` with every
 * fault that either of them finds.
 */
export function installModel(ground: ModelGround, { model, place }: ModelSource, plan: SeedPlan): void {
  const { context, schema, records, resources, commit } = ground;
  const faults = createModelFaults();
  const installed = createInstalledParts(context.store);
  const customisation = { context, schema, records, solution: undefined, mergeLabels: false };
  const made = installTables(customisation, model, installed, faults);
  checkSamples({ schema }, model, faults);
  installResources(context, resources, model, installed, faults);
  if (faults.list.length > 0)
    throw new FaultyModel(faults.list.map(({ path, message }) => `${place(path)}: ${message}`));
  seedRows({ commit, schema, records, plan }, model, made);
  activateKeys(customisation, made);
}

/** Reads a model and tries it on a world without people: a faulty one is refused before anything is touched. */
export function checkedModel(given: string | ModelDocument | undefined): ModelSource {
  const source = readModel(given);
  if (given !== undefined) installModel(trialGround(), source, { contacts: 0, seed: 1 });
  return source;
}

function trialGround(): ModelGround {
  const store = createStore();
  const limits = createLimits(store);
  const context: SandboxContext = {
    store,
    clock: createClock(store),
    faults: createFaults(store, 1),
    stats: createStats(store),
    limits: () => limits.current(),
  };
  const schema = createSchema(context);
  const records = createRecords(context, schema);
  seedBase(context, schema, records);
  return { context, schema, records, resources: createResources(context), commit: () => {} };
}
