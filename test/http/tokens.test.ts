import { expect, test } from 'vitest';
import { createTokenKeeper, type MintedToken } from '../../src/http/tokens.js';
import { jumpingClock } from '../support/http-server.js';

function keeperOf(lifetimeMs: number) {
  const clock = jumpingClock();
  let count = 0;
  const keeper = createTokenKeeper(async () => {
    count += 1;
    return { token: `token-${count}`, lifetimeMs };
  }, clock);
  return { keeper, clock, count: () => count };
}

test('a token is kept until shortly before it ends', async () => {
  const { keeper, clock, count } = keeperOf(3_600_000);
  await keeper.token();
  await clock.sleep(3_299_999);
  expect(await keeper.token()).toBe('token-1');
  await clock.sleep(1);
  expect(await keeper.token()).toBe('token-2');
  expect(count()).toBe(2);
});

test('a short-lived token is used for nine tenths of its life', async () => {
  const { keeper, clock } = keeperOf(60_000);
  await keeper.token();
  await clock.sleep(53_999);
  expect(await keeper.token()).toBe('token-1');
  await clock.sleep(1);
  expect(await keeper.token()).toBe('token-2');
});

test('calls that wait share one minting, those that were refused too', async () => {
  const { keeper, count } = keeperOf(3_600_000);
  expect(new Set(await Promise.all([1, 2, 3].map(() => keeper.token())))).toEqual(new Set(['token-1']));
  const renewed = await Promise.all([1, 2, 3].map(() => keeper.token(undefined, 'token-1')));
  expect(new Set(renewed)).toEqual(new Set(['token-2']));
  expect(await keeper.token(undefined, 'token-1'), 'refused late').toBe('token-2');
  expect(count()).toBe(2);
});

test('a caller that gives up does not take the token from the others', async () => {
  let finish = (_token: MintedToken): void => undefined;
  const keeper = createTokenKeeper(() => new Promise((resolve) => (finish = resolve)), jumpingClock());
  const slice = new AbortController();
  const given = keeper.token(slice.signal);
  const other = keeper.token();
  slice.abort(new Error('the slice ends'));
  await expect(given).rejects.toThrow('the slice ends');
  finish({ token: 'shared', lifetimeMs: 1_000 });
  expect(await other).toBe('shared');
});

test('a minting that failed is tried again by the next call', async () => {
  let count = 0;
  const keeper = createTokenKeeper(async () => {
    count += 1;
    if (count === 1) throw new Error('refused');
    return { token: 'second', lifetimeMs: 1_000 };
  }, jumpingClock());
  await expect(keeper.token()).rejects.toThrow('refused');
  expect(await keeper.token()).toBe('second');
});
