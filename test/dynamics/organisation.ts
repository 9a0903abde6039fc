import { onTestFinished } from 'vitest';
import { createDynamics, type Dynamics, type DynamicsSettings } from '../../src/dynamics/client.js';
import { createBudget } from '../../src/http/budget.js';
import { startSandbox } from '../../src/sandbox/index.js';
import { jumpingClock, type Scripted } from '../support/http-server.js';
import { connectSystems, type Systems } from '../support/systems.js';
import { frontOf, type Passing } from './front.js';

export interface Organisation {
  systems: Systems;
  /** A client of the organisation with nothing remembered, whose waits cost no time. */
  connect(settings?: Partial<DynamicsSettings>): Dynamics;
  /** The same through a server that answers some requests itself, and all that arrived there. */
  connectThrough(
    script: (request: Passing) => Scripted | undefined,
  ): Promise<{ dynamics: Dynamics; arrived: Passing[] }>;
}

/** The sandbox's organisation with so many contacts; gone when the test ends. */
export async function organisation(contacts = 0): Promise<Organisation> {
  const sandbox = await startSandbox({ dynamicsPort: 0, campaignPort: 0, contacts, memory: true });
  onTestFinished(() => sandbox.close());
  const { ready } = sandbox;
  const connect: Organisation['connect'] = (settings = {}) =>
    createDynamics({
      url: ready.dynamics,
      tenantId: ready.credentials.tenantId,
      clientId: ready.credentials.clientId,
      clientSecret: ready.credentials.clientSecret,
      tokenEndpoint: ready.entra,
      budget: createBudget({ maxConcurrent: 20 }),
      timeLimitMs: 5_000,
      maxResponseBytes: 10_000_000,
      patienceMs: 60_000,
      clock: jumpingClock(),
      ...settings,
    });
  return {
    systems: connectSystems(ready),
    connect,
    async connectThrough(script) {
      const { url, arrived } = await frontOf(ready.dynamics, script);
      const tokenEndpoint = ready.entra.replace(ready.dynamics, url);
      return { dynamics: connect({ url, tokenEndpoint }), arrived };
    },
  };
}
