import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import axios from 'axios';

/** Small, and with something of everything. */
const DELIVERY = { profiles: 40, opens: 0.4, clicks: 0.15, bounces: 0.05 };

/**
 * Sends one delivery in the sandbox of this address when it is new, so that a newcomer sees a timeline fill; once for each data
 * folder.
 */
export async function sendFirstDelivery(folder: string, sandbox: string): Promise<void> {
  const note = join(folder, 'first-delivery.json');
  if (existsSync(note)) return;
  const { data } = await axios.post<unknown>(new URL('/_sandbox/deliveries', sandbox).href, DELIVERY);
  writeFileSync(note, JSON.stringify(data));
}
