import { compareValues, equalText } from './compare.js';
import type { FilterNode, Operand } from './filter.js';
import { evaluateQueryFunction, type FilterEnvironment } from './query-functions.js';

/** Finds the value of a path; for a collection, an array of resolvers or of plain objects, one per item. */
export type Resolve = (path: string[]) => unknown;

/**
 * Whether a row meets a filter.
 *
 * Strings compare without regard to case (dataverse.md §2). As in Dataverse's SQL, a comparison with an empty
 * column is false, except `ne`, which empty columns meet.
 *
 * @param environment what functions such as `Today` and `EqualUserId` refer to.
 */
export function evaluate(node: FilterNode, resolve: Resolve, environment?: FilterEnvironment): boolean {
  switch (node.kind) {
    case 'and':
      return evaluate(node.left, resolve, environment) && evaluate(node.right, resolve, environment);
    case 'or':
      return evaluate(node.left, resolve, environment) || evaluate(node.right, resolve, environment);
    case 'not':
      return !evaluate(node.operand, resolve, environment);
    case 'compare':
      return compareOperands(node, resolve);
    case 'text':
      return matchText(node, resolve);
    case 'lambda':
      return evaluateLambda(node, resolve, environment);
    case 'query-function':
      return evaluateQueryFunction(node.name, resolve(node.path), node.values, environment);
  }
}

type NodeOf<Kind extends FilterNode['kind']> = Extract<FilterNode, { kind: Kind }>;

const valueOf = (operand: Operand, resolve: Resolve): unknown =>
  operand.kind === 'literal' ? operand.literal.value : resolve(operand.path);

function compareOperands({ operator, left, right }: NodeOf<'compare'>, resolve: Resolve): boolean {
  const a = valueOf(left, resolve) ?? null;
  const b = valueOf(right, resolve) ?? null;
  if (operator === 'eq') return a === null || b === null ? a === b : compareValues(a, b) === 0;
  if (operator === 'ne') return a === null || b === null ? a !== b : compareValues(a, b) !== 0;
  if (a === null || b === null) return false;
  const order = compareValues(a, b);
  switch (operator) {
    case 'gt':
      return order > 0;
    case 'ge':
      return order >= 0;
    case 'lt':
      return order < 0;
    case 'le':
      return order <= 0;
  }
}

function matchText({ name, left, right }: NodeOf<'text'>, resolve: Resolve): boolean {
  const text = valueOf(left, resolve);
  const part = valueOf(right, resolve);
  if (text === null || text === undefined || part === null || part === undefined) return false;
  const [whole, wanted] = [equalText(text), equalText(part)];
  if (name === 'contains') return whole.includes(wanted);
  return name === 'startswith' ? whole.startsWith(wanted) : whole.endsWith(wanted);
}

function evaluateLambda(node: NodeOf<'lambda'>, resolve: Resolve, environment?: FilterEnvironment): boolean {
  const items = resolve(node.path);
  if (!Array.isArray(items)) return node.quantifier === 'all';
  const { body, variable } = node;
  if (!body) return items.length > 0;
  const meets = (item: unknown) => {
    const resolveItem = resolverOf(item);
    return evaluate(
      body,
      (path) => (path[0] === variable ? resolveItem(path.slice(1)) : resolve(path)),
      environment,
    );
  };
  return node.quantifier === 'any' ? items.some(meets) : items.every(meets);
}

/** Walks a plain object, unless the item already is a resolver. */
export function resolverOf(item: unknown): Resolve {
  if (typeof item === 'function') return item as Resolve;
  return (path) =>
    path.reduce<unknown>(
      (value, segment) =>
        typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[segment] : undefined,
      item,
    );
}
