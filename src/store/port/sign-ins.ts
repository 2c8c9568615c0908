/** Who may use the console: links that open one session each, and those sessions. Of their tokens only digests are kept. */

/** A link that a person asked for. Times are timestamps. */
export interface SignIn {
  /** Hex SHA-256 of the link's token. */
  readonly link: string;
  readonly person: string;
  /** The account that asked for it; empty where the person's key has signed. */
  readonly account: string;
  /** What the person's key has signed, and the signature as ssh-keygen writes it; empty where nothing is signed. */
  readonly statement: string;
  readonly signature: string;
  readonly madeAt: string;
  /** From then on the link opens nothing. */
  readonly expiresAt: string;
}

/** What a link was used for. */
export interface Session extends SignIn {
  readonly openedAt: string;
  readonly endsAt: string;
}

export interface SignIns {
  /**
   * Keeps a link. Removes some of those that nothing asks for any more when it is made: links that were not used in time,
   * and sessions that have ended and have no signature.
   */
  keepSignIn(signIn: SignIn): Promise<void>;
  /** A link that may still be used at that time. */
  signIn(link: string, at: string): Promise<SignIn | undefined>;
  /**
   * Uses a link, once: the session has that digest. Undefined for a link that is not known, was used, or came too late.
   */
  openSession(link: string, session: string, at: string, endsAt: string): Promise<Session | undefined>;
  /** The session of that digest, unless it has ended by then. */
  session(session: string, at: string): Promise<Session | undefined>;
  /** Ends a session; nothing happens where it has ended. */
  endSession(session: string, at: string): Promise<void>;
}
