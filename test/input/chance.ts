/** Files by chance: bytes, text, soup that looks like CSV, and valid files cut up and put together again. */
import fc from 'fast-check';
import { bytesOf, instructionsSheet, linesOf, ordersSheet, withDebris } from './files.ts';

const HEADERS = [
  'customerRef,orderRef,instructionRef,amount,openDate,dueDate\n',
  'Customer Ref,order_ref,INSTRUCTION-REF,amount,openDate,dueDate,action,narration,line,errors\r\n',
  'customerRef,orderRef,currency,country,scheme,metadata.__proto__\n',
];

const crumbs = fc.oneof(
  fc.constantFrom(',', ',', ',', '\n', '\n', '\r\n', '\r', '"', '""', '\0', '\uFEFF', ' ', '\t', ';', '\x1a', '\u202e'),
  fc.constantFrom(
    '=1+1',
    '+',
    '-',
    '@',
    "'",
    '＝',
    '__proto__',
    'constructor',
    'DELETE',
    'UPDATE',
    'C1',
    'O-INR',
    'P1',
  ),
  fc.constantFrom('210.00', '-5', '0', '1e3', '2026-03-02', '2026-03-09', 'INR', 'IN', '{', 'é', '😀', '9'.repeat(41)),
  fc.constantFrom('C1,O-INR,P1,210.00,2026-03-02,2026-03-09\n', 'C1,O-NONE,P2,3,2026-03-02,2026-03-09\r\n'),
  fc.constantFrom('sep=,\n', '\n,,,,,,\n', '\n"","",\n', '\nTotal,,,630.00,,\n', '"Rent,\nNovember"', ',,,'),
  fc.constantFrom(...HEADERS),
  fc.string({ maxLength: 5 }),
);
const longCrumb = fc.constantFrom('x'.repeat(65_536), ' '.repeat(65_537), ','.repeat(3_000), '"'.repeat(65_537));

const soup = fc
  .tuple(
    fc.constantFrom('', '', '\uFEFF', '\n \r\n', 'sep=,\n', '\uFEFFsep=,,,\r\n', 'Payouts,,\n'),
    fc.constantFrom('', ...HEADERS, ...HEADERS),
    fc.array(crumbs, { maxLength: 60 }),
  )
  .map(([before, header, texts]) => Buffer.from(before + header + texts.join('')));

const longSoup = fc
  .tuple(fc.constantFrom(...HEADERS), fc.array(crumbs, { maxLength: 9 }), longCrumb, fc.array(crumbs, { maxLength: 9 }))
  .map(([header, before, long, after]) => Buffer.from(header + before.join('') + long + after.join('')));

const valid = fc
  .tuple(fc.oneof(instructionsSheet(0), ordersSheet(0)), fc.nat({ max: 99 }), fc.boolean())
  .map(([sheetOf, n, strewn]) => [sheetOf(`R${n}`), strewn] as const)
  .map(([sheet, strewn]) => {
    const lines = linesOf(sheet);
    return bytesOf(strewn ? withDebris(lines, sheet, sheet.style.draws) : lines, sheet.style);
  });

const spliced = fc
  .tuple(valid, valid, fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([a, b, end, start]) => Buffer.concat([a.subarray(0, end * a.length), b.subarray(start * b.length)]));

const scratched = fc
  .tuple(valid, fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), crumbs), { minLength: 1, maxLength: 5 }))
  .map(([bytes, scratches]) =>
    scratches.reduce((text, [place, crumb]) => {
      const at = Math.floor(place * text.length);
      return Buffer.concat([text.subarray(0, at), Buffer.from(crumb), text.subarray(at + (crumb.length % 3))]);
    }, bytes),
  );

export const fileOfChance: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 10, arbitrary: fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 10, arbitrary: fc.string({ unit: 'binary', maxLength: 300 }).map((text) => Buffer.from(text)) },
  { weight: 35, arbitrary: soup },
  { weight: 1, arbitrary: longSoup },
  { weight: 22, arbitrary: spliced },
  { weight: 22, arbitrary: scratched },
);
