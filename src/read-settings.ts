import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { SyncError } from './errors.js';

export type Environment = Record<string, string | undefined>;

/** Every fault of the settings at once. Faults name the setting and the rule, never the value: it may be a secret. */
export class ConfigError extends SyncError {
  constructor(readonly faults: string[]) {
    super('CONFIG_INVALID', { subject: `\n${faults.map((fault) => `  ${fault}`).join('\n')}\n` });
  }
}

/** Settings that may be given as `NAME_FILE` instead. */
export const secretNames = [
  'DYNAMICS_CLIENT_SECRET',
  'DYNAMICS_CERTIFICATE',
  'ADOBE_CLIENT_SECRET',
  'SFTP_PRIVATE_KEY',
  'LEDGER_URL',
  'LEDGER_KEY',
  'PAYLOAD_KEYS',
  'CODEC_ACCESS_TOKEN',
] as const;

export interface SettingsRead<Settings> {
  /** What was given, secrets from files included. */
  given: Environment;
  /** Given in the environment, or in a file that could not be read. */
  isGiven(name: string): boolean;
  /** Absent when there are faults. */
  settings?: Settings;
  faults: string[];
}

/** Reads the settings of `schema`. An empty variable counts as unset; each secret of the schema may come from a file (`NAME_FILE`). */
export function readSettings<Schema extends z.ZodObject>(
  schema: Schema,
  environment: Environment,
): SettingsRead<z.output<Schema>> {
  const secrets = secretNames.filter((name) => name in schema.shape);
  const { given, unreadable, faults } = withSecretFiles(environment, secrets);
  const isGiven = (name: string): boolean => given[name] !== undefined || unreadable.has(name);
  const parsed = schema.safeParse(given);
  if (parsed.success) return { given, isGiven, settings: parsed.data, faults };
  for (const { path, message } of parsed.error.issues) {
    const name = String(path[0]);
    if (!unreadable.has(name)) faults.push(`${name}: ${given[name] === undefined ? 'is missing' : message}`);
  }
  return { given, isGiven, faults };
}

/** Compose files write "not given" as an empty variable. */
function withSecretFiles(
  environment: Environment,
  secrets: readonly string[],
): { given: Environment; unreadable: Set<string>; faults: string[] } {
  const given: Environment = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== ''),
  );
  const unreadable = new Set<string>();
  const faults: string[] = [];
  for (const name of secrets) {
    const file = given[`${name}_FILE`];
    if (file === undefined) continue;
    if (given[name] !== undefined) faults.push(`${name}: is given twice, also as ${name}_FILE`);
    try {
      given[name] = readFileSync(file, 'utf8').trim() || undefined;
      if (given[name] === undefined) throw new Error('the file is empty');
    } catch (error) {
      faults.push(`${name}_FILE: cannot be read (${(error as NodeJS.ErrnoException).code ?? 'it is empty'})`);
      unreadable.add(name);
    }
  }
  return { given, unreadable, faults };
}
