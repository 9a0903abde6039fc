import { badRequest } from '../errors.js';
import { compareValues, equalText } from './compare.js';

/** What relative query functions refer to. */
export interface FilterEnvironment {
  nowMs: number;
  userId: string;
  businessUnitId: string;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** One query function of the `Microsoft.Dynamics.CRM` namespace on a column's value; unknown ones are a 400. */
export function evaluateQueryFunction(
  name: string,
  value: unknown,
  parameters: string[],
  environment?: FilterEnvironment,
): boolean {
  const known = LIST_FUNCTIONS[name];
  if (known) return known(value, parameters);
  const negated = /^(?:Not|DoesNot)/.test(name);
  const aboutUser = environment && userFunction(name, environment);
  if (aboutUser !== undefined) return (equalText(value ?? '') === aboutUser) !== negated;
  const period = environment && periodOf(name, parameters, environment.nowMs);
  if (!period) throw badRequest(`The query function 'Microsoft.Dynamics.CRM.${name}' is not supported.`);
  if (value === null || value === undefined) return false;
  const ms = Date.parse(String(value));
  return ms >= period[0] && ms < period[1];
}

type ListFunction = (value: unknown, parameters: string[]) => boolean;

const isEmpty = (value: unknown) => value === null || value === undefined;
const isIn: ListFunction = (value, list) =>
  !isEmpty(value) && list.some((item) => compareValues(value, item) === 0);
const isBetween: ListFunction = (value, [from = '', to = '']) =>
  !isEmpty(value) && compareValues(value, from) >= 0 && compareValues(value, to) <= 0;
/** A multi-select column is a comma list of option values. */
const chosen = (value: unknown) => (isEmpty(value) ? [] : String(value).split(','));

const LIST_FUNCTIONS: Record<string, ListFunction> = {
  In: isIn,
  NotIn: (value, list) => !isIn(value, list),
  Between: isBetween,
  NotBetween: (value, range) => !isBetween(value, range),
  ContainValues: (value, list) => chosen(value).some((option) => list.includes(option)),
  DoesNotContainValues: (value, list) => !chosen(value).some((option) => list.includes(option)),
  On: (value, [day = '']) => !isEmpty(value) && String(value).slice(0, 10) === day.slice(0, 10),
  NotOn: (value, [day = '']) => isEmpty(value) || String(value).slice(0, 10) !== day.slice(0, 10),
  OnOrAfter: (value, [day = '']) => !isEmpty(value) && String(value).slice(0, 10) >= day.slice(0, 10),
  OnOrBefore: (value, [day = '']) => !isEmpty(value) && String(value).slice(0, 10) <= day.slice(0, 10),
};

function userFunction(name: string, { userId, businessUnitId }: FilterEnvironment): string | undefined {
  if (name === 'EqualUserId' || name === 'NotEqualUserId' || name === 'EqualUserOrUserTeams') return userId;
  return name === 'EqualBusinessId' || name === 'NotBusinessId' ? businessUnitId : undefined;
}

/** The time span of a relative function, from and to (exclusive); days are those of UTC. */
function periodOf(name: string, [amount = '1']: string[], nowMs: number): [number, number] | undefined {
  const today = Math.floor(nowMs / DAY_MS) * DAY_MS;
  const hour = Math.floor(nowMs / HOUR_MS) * HOUR_MS;
  const now = new Date(nowMs);
  const month = (offset: number) => Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + offset, 1);
  const year = (offset: number) => Date.UTC(now.getUTCFullYear() + offset, 0, 1);
  const week = today - now.getUTCDay() * DAY_MS;
  const count = Number(amount);
  const spans: Record<string, [number, number]> = {
    Today: [today, today + DAY_MS],
    Yesterday: [today - DAY_MS, today],
    Tomorrow: [today + DAY_MS, today + 2 * DAY_MS],
    Last7Days: [today - 7 * DAY_MS, nowMs + 1],
    Next7Days: [nowMs, today + 8 * DAY_MS],
    ThisWeek: [week, week + 7 * DAY_MS],
    LastWeek: [week - 7 * DAY_MS, week],
    NextWeek: [week + 7 * DAY_MS, week + 14 * DAY_MS],
    ThisMonth: [month(0), month(1)],
    LastMonth: [month(-1), month(0)],
    NextMonth: [month(1), month(2)],
    ThisYear: [year(0), year(1)],
    LastYear: [year(-1), year(0)],
    NextYear: [year(1), year(2)],
    LastXHours: [hour - count * HOUR_MS, nowMs + 1],
    NextXHours: [nowMs, hour + (count + 1) * HOUR_MS],
    LastXDays: [today - count * DAY_MS, nowMs + 1],
    NextXDays: [nowMs, today + (count + 1) * DAY_MS],
    LastXMonths: [month(-count), nowMs + 1],
    LastXYears: [year(-count), nowMs + 1],
    OlderThanXDays: [-Infinity, today - count * DAY_MS],
    OlderThanXHours: [-Infinity, hour - count * HOUR_MS],
    OlderThanXMonths: [-Infinity, month(-count)],
    OlderThanXYears: [-Infinity, year(-count)],
  };
  return spans[name];
}
