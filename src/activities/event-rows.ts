import { v5 as uuidOf } from 'uuid';

/** Any fixed UUID: with it a row's id follows from the event it stands for (RFC 9562 §5.5), in every version of this service. */
const NAMESPACE = 'f0f0a7a5-6d0b-5b6e-9f5e-3f1a5f0e6a11';

/** Id of the Dynamics row of an email event: the same from whatever source and however often it is read (DESIGN §8). */
export const eventRowId = (identity: string): string => uuidOf(identity, NAMESPACE);

/** Id of the follow-up task of an email event. */
export const taskRowId = (identity: string): string => uuidOf(`task:${identity}`, NAMESPACE);

/** As the hosted app titles its timeline rows (campaign.md §5). */
export const subjectOf = (event: { campaignName?: string; deliveryName?: string }): string =>
  `Campaign Name: ${event.campaignName ?? ''}; Delivery Name: ${event.deliveryName ?? ''}`;
