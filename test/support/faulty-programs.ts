import type { Mutation } from './mutation.ts';

/** Breaks the order that carries the money: a request leaves first, and is written down with its outcome. */
export const INTENTS_LATE: Mutation = {
  edits: [
    [
      '    commits.add({ ended: outcomes.take(), groups }),\n',
      '    commits.add({ ended: outcomes.take(), groups: [] }).then(() => new Set(groups)),\n',
    ],
    [
      '    const outcome = settled ?? (await provider.submit(intent.intent.body, instruction, traceOf(provider, instruction)));\n',
      `    const outcome = settled ?? (await provider.submit(intent.intent.body, instruction, traceOf(provider, instruction)));
    await store.apply([intent], momentOf(tools));
`,
    ],
  ],
};
