import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { projectFolder } from './arrows.js';
import { dockerfileFaults, instructionsOf, isInContext } from './dockerfile.js';

const read = (file: string): string => readFileSync(join(projectFolder, file), 'utf8');
const dockerfile = read('Dockerfile');
const dockerignore = read('.dockerignore');

describe('Dockerfile', () => {
  test('keeps to the rules', () => {
    expect(dockerfileFaults(dockerfile)).toEqual([]);
  });

  test.each<[string, string | RegExp, string, RegExp]>([
    ['a base that is not pinned', /FROM node:\S+-slim\n/, 'FROM node:22-slim\n', /DL3006/],
    ['a base without glibc', 'bookworm-slim AS', 'alpine AS', /glibc/],
    ['root', 'USER node\n', '', /DL3002/],
    ['no health check', /HEALTHCHECK.*\n/, '', /HEALTHCHECK is not there/],
    ['ADD', 'COPY src src', 'ADD src src', /ADD is none/],
    ['a command for a shell', 'CMD ["worker"]', 'CMD worker', /DL3025/],
    ['a secret', 'NODE_ENV=production', 'LEDGER_KEY=abc', /secret/],
    ['an install that does not keep to the lock file', 'RUN npm ci', 'RUN npm install', /package-lock/],
    ['lists that are left', ' && rm -rf /var/lib/apt/lists/*', '', /DL3009/],
    ['a stage that is not there', '--from=build /app/dist', '--from=built /app/dist', /DL3022/],
  ])('the rules bite: %s', (_what, before, after, fault) => {
    const worse = dockerfile.replace(before, after);
    expect(worse).not.toBe(dockerfile);
    expect(dockerfileFaults(worse).join('\n')).toMatch(fault);
  });

  test('copies only what is there, and what .dockerignore lets through', () => {
    const copies = instructionsOf(dockerfile).filter(
      ({ name, text }) => name === 'COPY' && !text.includes('--from'),
    );
    const sources = copies.flatMap(({ text }) => text.split(/\s+/).slice(0, -1));
    expect(sources.length).toBeGreaterThan(5);
    expect(
      sources.filter((path) => !existsSync(join(projectFolder, path)) || !isInContext(dockerignore, path)),
    ).toEqual([]);
  });

  test('the build sees no secret, no data and nothing that was built here', () => {
    const shut = ['.env', 'secrets/ledger-key', '.data', 'sync.yaml', 'node_modules', 'dist', '.git', 'test'];
    expect(shut.filter((path) => isInContext(dockerignore, path))).toEqual([]);
    expect(isInContext(dockerignore, 'src/worker.ts')).toBe(true);
  });
});
