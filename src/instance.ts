import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a running `npm start` leaves in its data folder, so that the command line finds it. */
export interface Instance {
  pid: number;
  temporal: { address: string; namespace: string; ui: string };
  /** Heartbeat timeout of its slices, seconds. */
  heartbeatSeconds: number;
  /** Addresses and credentials of the sandbox, for whoever wants to work in it. */
  sandbox?: object;
}

const fileIn = (folder: string): string => join(folder, 'instance.json');

export function writeInstance(folder: string, instance: Instance): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(fileIn(folder), JSON.stringify(instance), { mode: 0o600 });
}

export const removeInstance = (folder: string): void => rmSync(fileIn(folder), { force: true });

/** Undefined when nothing runs on this folder, or what ran was killed. */
export function readInstance(folder: string): Instance | undefined {
  try {
    const instance = JSON.parse(readFileSync(fileIn(folder), 'utf8')) as Instance;
    process.kill(instance.pid, 0);
    return instance;
  } catch {
    return undefined;
  }
}
