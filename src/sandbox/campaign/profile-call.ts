import type { SandboxContext } from '../context.js';
import { PROFILE } from './base-resources.js';
import type { EngineCall } from './engine.js';
import type { Resources } from './resources.js';

/** Work on profiles that Campaign does itself, in a workflow or on a page of its own: with all fields, and no address. */
export const profileCall = (context: SandboxContext, resources: Resources): EngineCall => ({
  context,
  resources,
  endpoint: 'profileAndServicesExt',
  definition: resources.definition('profile') ?? PROFILE,
  base: '',
  query: new URLSearchParams(),
});
