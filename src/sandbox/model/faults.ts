import { DataverseError } from '../dynamics/errors.js';
import { EngineError } from '../campaign/engine-errors.js';

/** A sandbox file that cannot be used: exit status 2, every fault listed. */
export class FaultyModel extends Error {
  readonly exitStatus = 2;

  constructor(readonly faults: string[]) {
    super(faults.join('\n'));
  }
}

/** The place of a fault as a person finds it: with the line, where there is a file. */
export type FaultPlace = (path: string) => string;

export const inWords: FaultPlace = (path) => (path === '' ? 'the model' : path);

export interface ModelFault {
  /** e.g. `dynamics.tables.new_order.columns.new_total`. */
  path: string;
  message: string;
}

/** What is wrong with a model, gathered while it is installed: one faulty part does not hide the others. */
export interface ModelFaults {
  readonly list: ModelFault[];
  add(path: string, message: string): void;
  /** Does `work`; what either simulated system refuses of it becomes a fault. Says whether it was done. */
  attempt(path: string, work: () => void): boolean;
}

export function createModelFaults(): ModelFaults {
  const list: ModelFault[] = [];
  const add = (path: string, message: string) => void list.push({ path, message });
  return {
    list,
    add,
    attempt(path, work) {
      try {
        work();
        return true;
      } catch (error) {
        if (!(error instanceof DataverseError) && !(error instanceof EngineError)) throw error;
        add(path, error.message.split('\n').at(-1) ?? error.message);
        return false;
      }
    },
  };
}
