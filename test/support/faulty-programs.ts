import type { Mutation } from './mutation.ts';

/** Breaks the order that carries the money: a request leaves first, and is written down with its outcome. */
export const INTENTS_LATE: Mutation = {
  file: 'src/submit.ts',
  edits: [
    ['    await store.apply(intents, timestamp(clock.now()));\n', ''],
    [
      '      const outcome = await tools.provider.submit(intent.intent.body, intent.intent.clientRefId);\n',
      `      const outcome = await tools.provider.submit(intent.intent.body, intent.intent.clientRefId);
      await store.apply([intent], timestamp(clock.now()));
`,
    ],
  ],
};
