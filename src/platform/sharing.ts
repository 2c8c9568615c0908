/** One answer for many who ask at once. */

/** Who asks while an answer is under way shares the next one with all who do: the question comes after each of them. */
export function sharingAnswers<T>(ask: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<unknown> | undefined;
  let next: Promise<T> | undefined;
  const begin = (): Promise<T> => {
    next = undefined;
    const answer = ask();
    const end = () => {
      if (underWay === ended) underWay = undefined;
    };
    const ended: Promise<void> = answer.then(end, end);
    underWay = ended;
    return answer;
  };
  return () => {
    if (underWay === undefined) return begin();
    next ??= underWay.then(begin);
    return next;
  };
}
