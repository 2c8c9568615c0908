/** A thread that answers what it is asked: one question after another, in their order. */
import { type ResourceLimits, Worker } from 'node:worker_threads';

export interface Thread<Question, Answer> {
  /** Rejects with what the thread threw, or when it ended before it answered. */
  ask(question: Question): Promise<Answer>;
  /** Says a last word, and resolves when the thread has ended by itself. */
  dismiss(word: Question): Promise<void>;
  /** Ends it, whatever it is at. */
  stop(): Promise<void>;
}

/** `path` is a built module, `data` what it has to know; `what` it does is said when it ends too early. */
export function openThread<Question, Answer>(
  path: string,
  data: unknown,
  limits: ResourceLimits,
  what: string,
): Thread<Question, Answer> {
  const worker = new Worker(path, { workerData: data, resourceLimits: limits });
  const waiting: { resolve(answer: Answer): void; reject(error: unknown): void }[] = [];
  let ended = false;
  const fail = (error: unknown) => {
    for (const { reject } of waiting.splice(0)) reject(error);
  };
  const early = () => fail(new Error(`The thread that ${what} ended too early.`));
  const exit = new Promise<void>((resolve) => {
    worker.on('exit', () => {
      ended = true;
      early();
      resolve();
    });
  });
  worker.on('error', fail);
  worker.on('message', (answer: Answer) => waiting.shift()?.resolve(answer));
  return {
    ask: (question) => {
      const answer = new Promise<Answer>((resolve, reject) => {
        waiting.push({ resolve, reject });
        if (ended) early();
        else worker.postMessage(question);
      });
      // Whoever awaits it gets the error; it may be asked well ahead of that.
      answer.catch(() => undefined);
      return answer;
    },
    dismiss: async (word) => {
      if (!ended) worker.postMessage(word);
      await exit;
    },
    stop: async () => {
      await worker.terminate();
    },
  };
}
