import { z } from 'zod';
import type { CallOptions } from '../http/calls.js';
import { createChangeFeed, type ChangeFeed } from './change-feed.js';
import { createFlags, type Flags } from './flags.js';
import { readTable, type TableMetadata } from './metadata.js';
import { createSetUp, type SetUp } from './set-up.js';
import { createTimeline, type Timeline } from './timeline.js';
import { createWebApi, type DynamicsSettings } from './web-api.js';

export type { Change, TrackedPage } from './change-feed.js';
export type { FlagAnswer, FlagWrite } from './flags.js';
export type { ColumnMetadata, TableMetadata } from './metadata.js';
export type { ColumnDetails } from './set-up.js';
export type { DynamicsSettings } from './web-api.js';

/** What the service asks of Dynamics 365 (Dataverse Web API v9.2). Every error carries a code of errors.ts. */
export interface Dynamics extends ChangeFeed, SetUp, Timeline, Flags {
  whoAmI(options?: CallOptions): Promise<{ organizationId: string; userId: string }>;
  /** A table's columns and the labels of its choices, as they are now. */
  table(logicalName: string, options?: CallOptions): Promise<TableMetadata>;
}

const whoAmIResponse = z.object({ OrganizationId: z.string().min(1), UserId: z.string().min(1) });

export function createDynamics(settings: DynamicsSettings): Dynamics {
  const api = createWebApi(settings);
  return {
    ...createChangeFeed(api),
    ...createSetUp(api),
    ...createFlags(api),
    ...createTimeline(api, settings.protection),
    async whoAmI(options) {
      const { OrganizationId, UserId } = await api.get(
        'WhoAmI',
        ({ body }) => whoAmIResponse.safeParse(body).data,
        options,
      );
      return { organizationId: OrganizationId, userId: UserId };
    },
    table: (logicalName, options) => readTable(api, logicalName, settings.language, options),
  };
}
