import { badRequest, type DataverseError } from '../errors.js';

/** A reading position in an OData expression. */
export interface Cursor {
  readonly text: string;
  atEnd(): boolean;
  /** Takes this text if it comes next, after spaces. */
  take(symbol: string): boolean;
  /** Takes this word, in any case, if it comes next and ends there. */
  takeWord(word: string): boolean;
  /** Takes what a sticky pattern matches next, after spaces. */
  takeMatch(pattern: RegExp): RegExpExecArray | undefined;
  /** Takes what a sticky pattern matches right here, spaces included. */
  takeHere(pattern: RegExp): RegExpExecArray | undefined;
  /** Looks ahead without moving. */
  next(pattern: RegExp): boolean;
  expect(symbol: string): void;
  fault(): DataverseError;
}

export function createCursor(text: string): Cursor {
  let position = 0;

  function skipSpaces(): void {
    while (position < text.length && /\s/.test(text.charAt(position))) position++;
  }

  function takeMatch(pattern: RegExp): RegExpExecArray | undefined {
    skipSpaces();
    return takeHere(pattern);
  }

  function takeHere(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = position;
    const match = pattern.exec(text);
    if (!match) return undefined;
    position = pattern.lastIndex;
    return match;
  }

  function take(symbol: string): boolean {
    skipSpaces();
    if (!text.startsWith(symbol, position)) return false;
    position += symbol.length;
    return true;
  }

  function takeWord(word: string): boolean {
    skipSpaces();
    const end = position + word.length;
    if (text.slice(position, end).toLowerCase() !== word || /[\w./']/.test(text.charAt(end))) return false;
    position = end;
    return true;
  }

  function next(pattern: RegExp): boolean {
    const before = position;
    const found = takeMatch(pattern) !== undefined;
    position = before;
    return found;
  }

  const fault = () => badRequest(`Syntax error at position ${position} in '${text}'.`);

  return {
    text,
    atEnd() {
      skipSpaces();
      return position >= text.length;
    },
    take,
    takeWord,
    takeMatch,
    takeHere,
    next,
    expect(symbol) {
      if (!take(symbol)) throw fault();
    },
    fault,
  };
}
