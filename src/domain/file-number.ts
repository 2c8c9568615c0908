/** The number of a file or a run as it is written everywhere: `000012`. */
export function sixDigits(number: number): string {
  return String(number).padStart(6, '0');
}
