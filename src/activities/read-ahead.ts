interface Linked {
  nextLink?: string;
}

/**
 * Reads a page and at once begins to read the one after it, so that Dynamics is never waited for while Campaign is written.
 * One page ahead, no more: memory stays flat. A read-ahead that fails is thrown when its page is asked for.
 */
export function createReadAhead() {
  let ahead: { link: string; page: Promise<unknown> } | undefined;

  return async function read<Page extends Linked>(
    link: string | undefined,
    readPage: (link: string | undefined) => Promise<Page>,
  ): Promise<Page> {
    const begun = ahead !== undefined && ahead.link === link ? (ahead.page as Promise<Page>) : readPage(link);
    ahead = undefined;
    const page = await begun;
    if (page.nextLink !== undefined) {
      const following = readPage(page.nextLink);
      following.catch(() => undefined);
      ahead = { link: page.nextLink, page: following };
    }
    return page;
  };
}
