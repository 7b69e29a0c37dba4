/** What a registry is shown to log in. Unknown fields are empty. None of it may appear in a message. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** Exchanged for a token; takes precedence over the password. */
  readonly identityToken: string;
  /** A token that is sent unchanged. */
  readonly registryToken: string;
}
