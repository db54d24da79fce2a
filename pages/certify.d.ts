/**
 * Types of certify.js, which opens the provider's window from a button of the
 * page's own. It is a classic script: load it with
 * `<script src="/certifications/certify.js" defer></script>`, and name this file
 * in a `/// <reference path="…" />` or in the `include` of tsconfig.json.
 */
declare namespace certify {
  interface Options {
    /**
     * Where the visitor goes afterwards: a path of this site, or a URL of a
     * trusted origin. Without it, the page that is shown, with its fragment.
     * Phones leave the page for the provider's, and come back there.
     */
    returnTo?: string;
    /** One of HandlerConfig.Purposes, which brings no claim. */
    purpose?: string;
    /** Is told of progress and failure, for as long as the page lives. */
    onState?: (now: Progress) => void;
    /** Where the Handler is mounted; without it, where certify.js came from. */
    path?: string;
  }

  /**
   * - `preparing`: the attempt and the provider's SDK are fetched
   * - `ready`: a click opens the window
   * - `waiting`: the window is open
   * - `stalled`: it has said nothing for 8 seconds; another click opens another
   * - `checking`: the site confirms the result
   * - `done`
   * - `pending`: the result could not be confirmed yet; `verify` asks again, at no second fee,
   *   even after a reload
   * - `cancelled`: the window was closed or blocked; `verify` opens another
   * - `failed`: see the error; `verify` tries again
   */
  type State =
    | "preparing"
    | "ready"
    | "waiting"
    | "stalled"
    | "checking"
    | "done"
    | "pending"
    | "cancelled"
    | "failed";

  interface Progress {
    state: State;
    /** A sentence for the visitor, in the page's language (Korean or English), or "". */
    text: string;
    error?: Failure;
    /** With `done`. */
    answer?: Answer | null;
  }

  interface Answer {
    /** Where the visitor wanted to go. certify.verify does not go there by itself. */
    return_to: string;
    /** Absent if a purpose was given. */
    claim?: Claim;
  }

  interface Claim {
    /** Full age (만 나이) on the Korean day on which the claim was issued. */
    age: number;
    birth_year: number;
    /** Absent if the provider did not say. */
    foreigner?: boolean;
    /** When the person was verified, in seconds since 1970. */
    auth_time: number;
    /** Until when the claim counts, in seconds since 1970. */
    exp: number;
  }

  interface Failure extends Error {
    name: "CertifyError";
    /**
     * A code of docs/problems.md, or one of the script's own: `cancelled`,
     * `popup_blocked`, `click_again` (the click came before all was ready),
     * `script_blocked`, `script_failed` (an exception), `cookies_blocked`,
     * `network`.
     */
    code: string;
    /** A sentence for the visitor. */
    detail: string;
    /** The HTTP status, 0 if there was no answer. */
    status: number;
    /** "reverify" if a new verification may pass. */
    remedy: string;
    /**
     * For developers: what the provider's SDK said (V1 has error_code and
     * error_msg, V2 code and message), or the exception.
     */
    cause?: unknown;
  }

  /**
   * Fetches what `verify` needs, so that a click can open the window at once.
   * Call it when a click is likely: every attempt is a cookie, and of those that
   * opened no window only the newest is kept for sure. While the page is hidden
   * it waits. It does nothing while a window is open, nor for 10 seconds after a
   * failure, and never rejects: `verify` tries again.
   */
  function prepare(options?: Options): Promise<void>;

  /**
   * Opens the window, or asks again for a result that is pending. Call it
   * straight from a click. A second call while the first is under way is the
   * same call; after `done` it begins a new verification. It rejects with a
   * `Failure`.
   */
  function verify(options?: Options): Promise<Answer>;
}
