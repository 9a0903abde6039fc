import type { FlowId, Progress } from '../contracts.js';
import { countsText } from '../workflows/visibility.js';
import { WIDTH } from './layout.js';

/** One line that tells how far long work is, for as long as it lasts. */
export interface ProgressLine {
  /** In the place of what was shown before. */
  show(text: string): void;
  /** The work is done, and the line goes. */
  clear(): void;
}

/** Of the stream it needs no more than a terminal's and a file's have in common. */
interface Output {
  isTTY?: boolean;
  write(text: string): unknown;
}

/** On a terminal, and only there: a file or a pipe is told nothing. */
export function progressLine(output: Output): ProgressLine {
  const write = (text: string): void => {
    if (output.isTTY) output.write(text);
  };
  let isShown = false;
  return {
    show(text) {
      write(`\r\u001B[K${text.slice(0, WIDTH - 1)}`);
      isShown = true;
    },
    clear() {
      if (isShown) write('\r\u001B[K');
      isShown = false;
    },
  };
}

const TICK_MS = 1_000;

/** Shows how long the work takes, every second, and clears the line when it has ended. */
export async function whileTicking<Result>(
  line: ProgressLine,
  title: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const startedMs = performance.now();
  const ticks = setInterval(
    () => line.show(`${title}: ${Math.round((performance.now() - startedMs) / 1000)} s …`),
    TICK_MS,
  );
  try {
    return await work();
  } finally {
    clearInterval(ticks);
    line.clear();
  }
}

/** How far a flow's run is, in a line. */
export function progressText(
  flow: FlowId,
  { outcome, phase = 'starting', counts, waiting }: Progress<object>,
): string {
  return `${flow}: ${outcome}${waiting ? ` for ${waiting.reason}` : ''}, ${phase}: ${countsText(counts)}`;
}
