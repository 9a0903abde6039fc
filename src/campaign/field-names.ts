import type { ResourceMetadata } from './metadata.js';

/**
 * The path of the field that an error names, as the mapping writes it: `zipCode` → `location.zipCode`. Undefined when nothing of that
 * name was sent and the resource has no such field: an error quotes values too, and no value may be shown.
 */
export function knownField(
  named: string,
  payload: object,
  { fields }: Pick<ResourceMetadata, 'fields'>,
): string | undefined {
  const name = named.replace(/[@]/g, '').replaceAll('/', '.');
  const paths = [...pathsIn(payload), ...Object.keys(fields)];
  return paths.find((path) => path === name) ?? paths.find((path) => path.endsWith(`.${name}`));
}

function pathsIn(payload: object, prefix = ''): string[] {
  return Object.entries(payload).flatMap(([name, value]) => {
    const path = prefix + name;
    const isNested = typeof value === 'object' && value !== null;
    return isNested ? [path, ...pathsIn(value as object, `${path}.`)] : [path];
  });
}
