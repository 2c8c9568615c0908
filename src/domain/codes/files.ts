/** paydrop's own codes for whole files: nothing of such a file is taken in. */
import type { Entry } from './entry.ts';

export const FILE_CODES = [
  {
    code: 'FILE_IS_EMPTY',
    columns: [],
    title: 'The file is empty',
    cause: 'An export found nothing, or the transfer broke off before the first byte.',
    remedy: 'Export the file again; it needs at least a header line.',
    example: { wrong: 'a file of 0 bytes', right: 'a header line, then a line for each row' },
  },
  {
    code: 'FILE_ENCODING_NOT_RECOGNISED',
    columns: [],
    title: 'The file is not encoded in UTF-8',
    cause: 'It was saved as "Unicode text" (UTF-16) or in an older Windows encoding, or it was not copied whole.',
    remedy: 'Save it as "CSV UTF-8"; copy a file again that ends in the middle of a character.',
    example: { wrong: 'saved as "Unicode Text"', right: 'saved as "CSV UTF-8 (comma delimited)"' },
  },
  {
    code: 'FILE_TYPE_NOT_RECOGNISED',
    columns: [],
    title: 'The file is not a CSV file',
    cause:
      'A workbook, an archive, a PDF or a web page was given a name that ends in .csv, or the file has a NUL byte, as one that was not written whole.',
    remedy:
      'Open it in the program it was made with and export it as CSV; copy a file again that was not written whole.',
    example: { wrong: 'payouts.xlsx renamed to payouts.csv', right: 'payouts.csv, saved as "CSV UTF-8"' },
  },
  {
    code: 'FILE_HEADER_NOT_RECOGNISED',
    columns: [],
    title: 'The header is not that of an orders or an instructions file',
    cause:
      'A column is missing, unknown, misspelt or has values and no heading, the header line is missing or stands below a title, files with different headers were joined, the separator is not a comma, or the lines end in CR alone.',
    remedy:
      'Compare the header with the columns in the message; other headings can be set under "columns" in paydrop.json. Where Excel writes semicolons, set the list separator of Windows to "," and the decimal symbol to "." (Region, Additional settings), or save with LibreOffice and choose "," as the field delimiter.',
    example: {
      wrong: 'customerRef;orderRef;instructionRef;amount;openDate;dueDate',
      right: 'customerRef,orderRef,instructionRef,amount,openDate,dueDate',
    },
  },
  {
    code: 'FILE_HEADER_COLUMN_DUPLICATED',
    columns: [],
    title: 'The header names a column twice',
    cause: 'A column was copied, or two headings differ only in case, spaces, hyphens or underscores.',
    remedy: 'Remove or rename one of them: it is unclear which one counts.',
    example: { wrong: 'amount and Amount', right: 'amount' },
  },
  {
    code: 'FILE_SIZE_OUT_OF_RANGE',
    columns: [],
    title: 'The file is larger than allowed',
    cause: 'It is over intake.maxFileSize in paydrop.json.',
    remedy: 'Split it into several files, each with the header line.',
    example: { wrong: 'a file of 3 GB', right: 'two files of 1.5 GB' },
  },
  {
    code: 'FILE_ROWS_OUT_OF_RANGE',
    columns: [],
    title: 'The file has more rows than allowed',
    cause: 'It is over intake.maxRows in paydrop.json.',
    remedy: 'Split it into several files, each with the header line.',
    example: { wrong: 'a file of 30,000,000 rows', right: 'two files of 15,000,000 rows' },
  },
  {
    code: 'FILE_CHECKSUM_MISMATCH',
    columns: [],
    title: 'The file does not match its .sha256 file',
    cause: 'The transfer was incomplete, the file was changed afterwards, or the checksum belongs to another file.',
    remedy: 'Transfer both files again; after changing a file make its checksum again.',
    example: {
      wrong: 'a file edited after its checksum was made',
      right: 'sha256sum payouts.csv > payouts.csv.sha256',
    },
  },
  {
    code: 'FILE_ALREADY_PROCESSED',
    columns: [],
    title: 'A file with exactly the same content was taken in before',
    cause: 'The same file was dropped twice, perhaps under another name.',
    remedy: 'Nothing needs to be done: no row was taken in twice. The message names the first file.',
    example: { wrong: 'payouts.csv and its copy payouts (1).csv', right: 'payouts.csv, once' },
  },
  {
    code: 'FILE_NOT_REGULAR',
    columns: [],
    title: 'It is not an ordinary file',
    cause: 'A link, folder or device lies in the inbox, or the file also has another name elsewhere (a hard link).',
    remedy: 'Copy the file itself into the inbox; of a folder, each of its files.',
    example: { wrong: 'ln -s /exports/payouts.csv inbox/', right: 'cp /exports/payouts.csv inbox/' },
  },
  {
    code: 'FILE_HAS_ROW_ERRORS',
    columns: [],
    title: 'The file has rows with errors, so none of its rows was taken in',
    cause: 'The setting intake.onRowErrors is "reject-file": one bad row rejects the whole file.',
    remedy:
      'Correct the rows that have errors of their own; the rejected.csv of the file holds every row, to be dropped as it is.',
    example: { wrong: '1 of 500 rows has an error', right: '500 of 500 rows are valid' },
  },
] as const satisfies readonly Entry[];
