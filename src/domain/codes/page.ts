/** docs/error-codes.md, made of the same words as `paydrop explain`; a test keeps the file up to date. */
import { CODES, type CodeDescription } from '../codes.ts';

const SECTIONS = [
  {
    title: 'Rows: documented by the provider',
    intro: 'Published for orders and instructions. A row reports all of its errors in one pass.',
    holds: ({ scope, origin }: CodeDescription) => scope === 'row' && origin === 'documented',
  },
  {
    title: "Rows: paydrop's own",
    intro: 'In the same style, for what the published codes leave open.',
    holds: ({ scope, origin }: CodeDescription) => scope === 'row' && origin === 'ours',
  },
  {
    title: "Whole files: paydrop's own",
    intro: 'A file with one of these is not taken in at all.',
    holds: ({ scope }: CodeDescription) => scope === 'file',
  },
];

/** The whole page, in Markdown. */
export function errorCodesPage(): string {
  const sections = SECTIONS.map(({ title, intro, holds }) =>
    [`## ${title}`, intro, ...CODES.filter(holds).flatMap(entryOf)].join('\n\n'),
  );
  const intro =
    'What every code in the reports means, its usual cause, and how to fix it. `paydrop explain CODE` says the same.';
  return `${['# Error codes', intro, ...sections].join('\n\n')}\n`;
}

function entryOf({ code, columns, title, cause, remedy, example }: CodeDescription): string[] {
  const where = columns.length > 0 ? ` Column: ${columns.map((column) => `\`${column}\``).join(', ')}.` : '';
  return [
    `### ${code}`,
    `${title}.${where}`,
    `${cause} ${remedy}`,
    `- wrong: ${shown(example.wrong)}\n- right: ${shown(example.right)}`,
  ];
}

function shown(text: string): string {
  return text === '' ? '(an empty cell)' : `\`${text}\``;
}
