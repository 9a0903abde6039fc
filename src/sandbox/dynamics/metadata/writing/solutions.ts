import { dataverseError } from '../../errors.js';
import type { Customisation } from './customisation.js';

/** Component types of `solutioncomponents`. */
export const COMPONENT = { entity: 1, attribute: 2, optionSet: 9, relationship: 10, entityKey: 14 } as const;

/** Refuses a solution that does not exist, before anything is changed. */
export function requireSolution({ records, solution }: Customisation): string | undefined {
  if (solution === undefined) return undefined;
  const wanted = solution.toLowerCase();
  for (const { id, values } of records.rows('solution')) {
    if (String(values['uniquename']).toLowerCase() === wanted) return id;
  }
  throw dataverseError(404, '0x80040217', `solution With UniqueName = ${solution} Does Not Exist`);
}

/** Adds a new component to the solution that the request names, if it names one. */
export function addToSolution(customisation: Customisation, componentType: number, metadataId: string): void {
  const solutionId = requireSolution(customisation);
  if (solutionId === undefined) return;
  customisation.records.insert('solutioncomponent', {
    componenttype: componentType,
    objectid: metadataId,
    solutionid: solutionId,
  });
}

/** Takes a component that is gone out of all solutions. */
export function removeFromSolutions({ records }: Customisation, metadataId: string): void {
  for (const { id, values } of records.rows('solutioncomponent')) {
    if (values['objectid'] === metadataId) records.remove('solutioncomponent', id);
  }
}
