import { listAt, textAt, type CrossFault, type Path } from './raw-file.js';

interface Link {
  /** The parent's Dynamics table. */
  table: string;
  path: Path;
}

/** Links lead to mapped tables and never back: a parent is written before its children (DESIGN §2, P5). */
export function linkFaults(tables: unknown[]): CrossFault[] {
  const linksOf = new Map<string, Link[]>();
  tables.forEach((table, index) => {
    const name = textAt(table, 'dynamics');
    if (name === undefined) return;
    const links = listAt(table, 'links').flatMap((link, position) => {
      const parent = textAt(link, 'table');
      const path = ['tables', index, 'links', position, 'table'];
      return parent === undefined ? [] : [{ table: parent, path }];
    });
    linksOf.set(name, [...(linksOf.get(name) ?? []), ...links]);
  });
  const unmapped = [...linksOf.values()].flat().flatMap(({ table, path }) => {
    return linksOf.has(table) ? [] : [{ path, message: `${table} is not mapped` }];
  });
  return [...unmapped, ...cycleFaults(linksOf)];
}

/** A way around, back to where it began; one of many tables is told by its ends. */
function wayAround(way: { name: string }[], back: string): string {
  const shown = way.length <= 12 ? way : [...way.slice(0, 6), { name: '…' }, ...way.slice(-5)];
  return [...shown.map(({ name }) => name), back].join(' → ');
}

/** One fault for each link that closes a circle, with the way around it. */
function cycleFaults(linksOf: Map<string, Link[]>): CrossFault[] {
  const faults: CrossFault[] = [];
  const done = new Set<string>();
  for (const start of linksOf.keys()) {
    // A walk with its own stack: a file may chain more tables than calls can be nested.
    const way: { name: string; rest: Link[] }[] = [];
    const onWay = new Map<string, number>();
    const enter = (name: string): void => {
      if (done.has(name)) return;
      onWay.set(name, way.length);
      way.push({ name, rest: [...(linksOf.get(name) ?? [])].toReversed() });
    };
    enter(start);
    for (let step = way.at(-1); step !== undefined; step = way.at(-1)) {
      const link = step.rest.pop();
      if (!link) {
        done.add(step.name);
        onWay.delete(step.name);
        way.pop();
        continue;
      }
      const position = onWay.get(link.table);
      if (position === undefined) enter(link.table);
      else {
        const message = `links form a cycle: ${wayAround(way.slice(position), link.table)}`;
        faults.push({ path: link.path, message });
      }
    }
  }
  return faults;
}
