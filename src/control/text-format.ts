// What a text may look like, beyond its length.

export interface TextFormat {
  check(text: string): boolean;
  /** Completes "body.x …". */
  readonly message: string;
}
