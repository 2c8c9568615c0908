/** The two ways in which paydrop can't go on that aren't its own fault. */

/** Nothing can be done until a person changes the command, settings, secrets or folders: exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly problems: readonly string[];

  constructor(...problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** It can't be worked on now, but later it can: exit status 3. */
export class UnavailableError extends Error {
  override readonly name = 'UnavailableError';
}
