import { WrongUse } from './wrong-use.js';

/** Reads an option that takes a whole number from 1. Throws WrongUse. */
export function wholeNumberOf(option: string): (text: string) => number {
  return (text) => {
    if (!/^[1-9]\d*$/.test(text))
      throw new WrongUse([`${option} takes a whole number from 1, not ${JSON.stringify(text)}`]);
    return Number(text);
  };
}
