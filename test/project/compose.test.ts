import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { settingNames } from '../../src/config.js';
import { searchAttributeKeys } from '../../src/workflows/visibility.js';
import { projectFolder } from './arrows.js';

interface Service {
  image?: string;
  environment?: Record<string, string | null>;
  depends_on?: Record<string, unknown> | string[];
  volumes?: string[];
  command?: string[];
}
const read = (file: string): string => readFileSync(join(projectFolder, file), 'utf8');
const { services, volumes } = parse(read('docker-compose.yml'), { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};

describe('docker-compose.yml', () => {
  test('hands the worker only settings that exist', () => {
    const known = [...settingNames, 'TEMPORAL_ADDRESS', 'SANDBOX_READY_FILE'];
    expect(Object.keys(services.worker?.environment ?? {}).filter((name) => !known.includes(name))).toEqual(
      [],
    );
  });

  test('hands the worker every setting that .env.example names', () => {
    const named = [...read('.env.example').matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name ?? '');
    const given = Object.keys(services.worker?.environment ?? {});
    expect(named.filter((name) => name !== 'POSTGRES_PASSWORD' && !given.includes(name))).toEqual([]);
  });

  test('registers the search attributes that the workflows set', () => {
    const script = services['temporal-namespace']?.command?.join('\n') ?? '';
    const type = (name: string) => name.charAt(0) + name.slice(1).toLowerCase();
    for (const { name, type: kind } of Object.values(searchAttributeKeys)) {
      expect(script).toMatch(new RegExp(`\\b${name}:${type(kind)}\\b`, 'i'));
    }
  });

  test('waits only for services that exist, and keeps its data in named volumes', () => {
    for (const { depends_on = [], volumes: mounts = [] } of Object.values(services)) {
      const awaited = Array.isArray(depends_on) ? depends_on : Object.keys(depends_on);
      expect(awaited.filter((name) => !(name in services))).toEqual([]);
      const named = mounts.map((mount) => mount.split(':')[0] ?? '').filter((source) => /^\w+$/.test(source));
      expect(named.filter((name) => !(name in volumes))).toEqual([]);
    }
  });

  test('pins the versions of what it does not build', () => {
    const loose = Object.values(services)
      .map(({ image = '' }) => image)
      .filter((image) => image !== 'dynamics-campaign-sync' && !/:\d[\w.]*$/.test(image));
    expect(loose).toEqual([]);
  });
});
