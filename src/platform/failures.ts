/** The failures that stop paydrop and aren't faults of the program. */

/** Nothing can be done until a person changes the command, settings, secrets or folders: exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly problems: readonly string[];

  constructor(...problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** The work can't be done now, but it can be done later: exit status 3. */
export class UnavailableError extends Error {
  override readonly name = 'UnavailableError';
}

/** Another paydrop does the work. */
export class TakenError extends UnavailableError {}

/** What was to be changed is not any more as it was read: someone else has changed it. Nothing was changed. */
export class MovedOnError extends Error {
  override readonly name = 'MovedOnError';
}
