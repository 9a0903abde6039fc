import { readFileSync } from 'node:fs';
import { isMap, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import type { z } from 'zod';
import defaultModel from '../data/default-model.json' with { type: 'json' };
import { FaultyModel, inWords, type FaultPlace } from './faults.js';
import { modelSchema, type Model, type ModelDocument, type ModelResource } from './model-schema.js';

const MAX_ALIASES = 1000;

export interface ModelSource {
  model: Model;
  place: FaultPlace;
}

/**
 * The tables and resources of a new world: those that come with the sandbox, and those of a file or document.
 *
 * @param given path of a YAML or JSON file, or its content.
 * @throws FaultyModel with every fault of its form.
 */
export function readModel(given: string | ModelDocument | undefined): ModelSource {
  const defaults = modelSchema.parse(defaultModel);
  if (given === undefined) return { model: defaults, place: inWords };
  const { content, place } = typeof given === 'string' ? readFile(given) : { content: given, place: inWords };
  const result = modelSchema.safeParse(content);
  if (!result.success) throw new FaultyModel(result.error.issues.flatMap((issue) => faultsOf(issue, place)));
  const own = result.data;
  return { model: own.withDefaults ? joined(defaults, own, place) : own, place };
}

function readFile(file: string): { content: unknown; place: FaultPlace } {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new FaultyModel([`${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`]);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, stringKeys: true });
  const at = (offset: number): string => `${file}:${Math.max(1, lines.linePos(offset).line)}`;
  if (document.errors.length > 0)
    throw new FaultyModel(
      document.errors.map(({ message, pos }) => `${at(pos[0])}  ${message.split('\n')[0]}`),
    );
  try {
    const content: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    return { content, place: (path) => `${at(offsetOf(document, path))}  ${inWords(path)}` };
  } catch (error) {
    throw new FaultyModel([`${file}: ${(error as Error).message}`]);
  }
}

function faultsOf(issue: z.core.$ZodIssue, place: FaultPlace): string[] {
  const where = place(issue.path.join('.'));
  if (issue.code === 'invalid_key' || issue.code === 'invalid_element')
    return issue.issues.map(({ message }) => `${where}: ${message}`);
  return [`${where}: ${issue.message}`];
}

/** What comes with the sandbox, and what the file adds; a part that is in both is refused. */
function joined(defaults: Model, own: Model, place: FaultPlace): Model {
  const faults: string[] = [];
  function both<T>(path: string, first: Record<string, T>, second: Record<string, T>): Record<string, T> {
    for (const name of Object.keys(second)) {
      if (Object.hasOwn(first, name))
        faults.push(
          `${place(`${path}.${name}`)}: comes with the sandbox; choose another name, or set withDefaults: false`,
        );
    }
    return { ...first, ...second };
  }
  const { profile: first, ...resources } = defaults.campaign.resources;
  const { profile: second, ...ownResources } = own.campaign.resources;
  const profile = first && second ? extended(first, second) : (second ?? first);
  const model: Model = {
    version: 1,
    withDefaults: true,
    dynamics: {
      choices: both('dynamics.choices', defaults.dynamics.choices, own.dynamics.choices),
      tables: both('dynamics.tables', defaults.dynamics.tables, own.dynamics.tables),
      manyToMany: both('dynamics.manyToMany', defaults.dynamics.manyToMany, own.dynamics.manyToMany),
    },
    campaign: {
      resources: {
        ...(profile && { profile }),
        ...both('campaign.resources', resources, ownResources),
      },
    },
  };
  if (faults.length > 0) throw new FaultyModel(faults);
  return model;
}

/** Profiles are extended by both. */
const extended = (first: ModelResource, second: ModelResource): ModelResource => ({
  ...first,
  ...second,
  fields: { ...first.fields, ...second.fields },
  links: { ...first.links, ...second.links },
  filters: { ...first.filters, ...second.filters },
});

/** Where a path stands in the file: at its key, or at the nearest thing around it that is there. */
function offsetOf(document: Document, path: string): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const key of path.split('.')) {
    if (isMap(node)) {
      const pair = node.items.find((item) => String(item.key) === key);
      if (!pair) return offset;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      offset = (node as Node | undefined)?.range?.[0] ?? offset;
    } else return offset;
  }
  return offset;
}
