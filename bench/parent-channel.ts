/** What goes over the channel between the benchmark and a process that it has forked. */
export interface Question {
  id: number;
  ask: string;
  argument?: unknown;
}
export type Answer = { id: number; answer: unknown } | { id: number; error: string };

/**
 * Answers the parent's questions by name. The process ends with its parent, however that ends: the channel closes
 * then, and there is nothing here that is worth an orderly end.
 */
export function answerParent(answers: Record<string, (argument: unknown) => unknown>): void {
  process.on('message', (question: Question) => void respond(question));
  process.on('disconnect', () => process.exit(1));

  async function respond({ id, ask, argument }: Question): Promise<void> {
    try {
      const answer = answers[ask];
      if (!answer) throw new Error(`${ask} is not known here`);
      reply({ id, answer: await answer(argument) });
    } catch (error) {
      reply({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  }
}

/** Closes the channel for good, without ending what still runs. */
export function leaveParent(): void {
  process.removeAllListeners('disconnect');
  if (process.connected) process.disconnect();
}

const reply = (answer: Answer): void => void process.send?.(answer);
