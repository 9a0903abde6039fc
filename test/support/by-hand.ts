import { execFile } from 'node:child_process';
import { cp, mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { projectFolder } from '../project/arrows.js';
import { isInContext, stagesOf, type Instruction } from '../project/dockerfile.js';

const run = promisify(execFile);

/** What stands in this machine for what is in a container: texts in commands and settings, each replaced wherever it occurs. */
export type StandIns = readonly (readonly [string | RegExp, string])[];

export const standIn = (text: string, standIns: StandIns): string =>
  standIns.reduce((replaced, [from, to]) => replaced.replaceAll(from, to), text);

export interface HandMadeImage {
  /** What is its `/app`. */
  folder: string;
  environment: Record<string, string>;
  entrypoint: string[];
  command: string[];
  healthCheck: string[];
}

/** Carries the Dockerfile out without an engine: a folder for each stage's `/app`, each RUN in a shell there. */
export async function imageByHand(temporary: string, standIns: StandIns): Promise<HandMadeImage> {
  const stages = stagesOf(await readFile(join(projectFolder, 'Dockerfile'), 'utf8'));
  const ignored = await readFile(join(projectFolder, '.dockerignore'), 'utf8');
  const environment: Record<string, string> = {};
  let folder = '';
  for (const [number, stage] of stages.entries()) {
    const before = folder;
    folder = join(temporary, `stage-${number}`);
    await mkdir(folder);
    for (const { name, text } of stage) {
      if (name === 'COPY') await copy(text, before, folder, ignored);
      if (name === 'RUN') await run('sh', ['-ec', standIn(text, standIns)], { cwd: folder, maxBuffer: 1e8 });
      if (name === 'ENV' && number === stages.length - 1) {
        for (const [, key = '', value = ''] of text.matchAll(/(\w+)=(\S+)/g)) environment[key] = value;
      }
    }
  }
  const last = stages.at(-1) ?? [];
  return {
    folder,
    environment,
    entrypoint: jsonOf(last, 'ENTRYPOINT'),
    command: jsonOf(last, 'CMD'),
    healthCheck: jsonOf(last, 'HEALTHCHECK'),
  };
}

async function copy(text: string, before: string, folder: string, ignored: string): Promise<void> {
  const words = text.split(/\s+/);
  const isFromStage = words[0]?.startsWith('--from=') ?? false;
  const to = words.at(-1) ?? '';
  for (const source of words.slice(isFromStage ? 1 : 0, -1)) {
    const from = isFromStage ? join(before, source.replace(/^\/app\//, '')) : join(projectFolder, source);
    if (!isFromStage && !isInContext(ignored, source)) throw new Error(`${source} is not in the context`);
    const target = to.endsWith('/') ? join(folder, to, source.split('/').at(-1) ?? '') : join(folder, to);
    await mkdir(dirname(target), { recursive: true });
    await cp(from, target, { recursive: true, verbatimSymlinks: true });
  }
}

const jsonOf = (stage: Instruction[], name: string): string[] =>
  JSON.parse(/\[.*\]$/.exec(stage.find((each) => each.name === name)?.text ?? '')?.[0] ?? '[]') as string[];

export interface ComposeService {
  environment: Record<string, string>;
  entrypoint: string[];
  command: string[];
  healthCheck: string[];
}

/** The services of docker-compose.yml under these variables of `.env`, with their stand-ins. */
export async function composeServices(
  variables: Record<string, string>,
  standIns: StandIns,
): Promise<(name: string) => ComposeService> {
  const text = await readFile(join(projectFolder, 'docker-compose.yml'), 'utf8');
  const resolved = text
    .replaceAll(/(?<!\$)\$\{(\w+):\+([^}]*)\}/g, (_whole, name: string, value: string) =>
      variables[name] ? value : '',
    )
    .replaceAll(
      /(?<!\$)\$\{(\w+):-([^}]*)\}/g,
      (_whole, name: string, value: string) => variables[name] || value,
    )
    .replaceAll('$$', '$');
  const { services } = parse(resolved, { merge: true }) as {
    services: Record<
      string,
      {
        environment?: Record<string, string | number | null>;
        entrypoint?: string[];
        command?: string[];
        healthcheck?: { test?: string[] };
      }
    >;
  };
  const texts = (list: string[] = []): string[] => list.map((each) => standIn(each, standIns));
  return (name) => {
    const { environment = {}, entrypoint, command, healthcheck } = services[name] ?? {};
    const settings = Object.entries(environment).map(
      ([key, value]) => [key, standIn(String(value ?? variables[key] ?? ''), standIns)] as const,
    );
    return {
      environment: Object.fromEntries(settings),
      entrypoint: texts(entrypoint),
      command: texts(command),
      healthCheck: texts(healthcheck?.test).slice(1),
    };
  };
}
