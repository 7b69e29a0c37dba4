/** What a registry is shown. An unknown part is empty. Nothing of it may get into a message. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** To be exchanged for a token; goes before the password. */
  readonly identityToken: string;
  /** A token as it stands. */
  readonly registryToken: string;
}
