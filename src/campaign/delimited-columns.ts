/**
 * Where the columns of a delimited file are, by its first row. Campaign puts `@` before the names of attributes; neither that nor capital
 * letters tell one heading from another.
 */
export function columnPlaces(headings: string[]): (heading: string) => number | undefined {
  const found = headings.map(plain);
  return (heading) => {
    const place = found.indexOf(plain(heading));
    return place < 0 ? undefined : place;
  };
}

const plain = (heading: string): string => heading.trim().replace(/^@/, '').toLowerCase();

/** A row that has not the cells of the first one cannot be trusted in any of them. */
export const isOfColumns = (cells: string[], count: number): boolean =>
  cells.length >= count && cells.slice(count).every((extra) => extra === '');
