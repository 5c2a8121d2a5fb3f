/** Errors of requests to the server. */

export class HongyanError extends Error {
  override name = "HongyanError";
}

/** The server says no. `code` never changes its meaning; `retryable` says that later may be yes. */
export class Refused extends HongyanError {
  override name = "Refused";

  constructor(
    readonly code: string,
    message: string,
    readonly retryable = false,
    readonly details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
  }

  /** Milliseconds that the server wants us to wait; 0 when it does not say. */
  get retryAfterMs(): number {
    const wait = this.details.retry_after_ms;
    return typeof wait === "number" ? wait : 0;
  }
}

/** No connection, or no answer; what was asked may have been carried out. */
export class ConnectionLost extends HongyanError {
  override name = "ConnectionLost";

  constructor(
    message: string,
    /** The WebSocket's close code, 1006 where there was none. */
    readonly closeCode = 1006,
  ) {
    super(message);
  }
}

/** Nobody is logged in on this device (any more). */
export class LoggedOut extends HongyanError {
  override name = "LoggedOut";

  constructor(readonly reason: string) {
    super(`Nobody is logged in (${reason}).`);
  }
}

/** An error as it goes from tab to tab. */
export interface PlainError {
  name: string;
  message: string;
  code?: string;
  retryable?: boolean;
  details?: Readonly<Record<string, unknown>>;
  reason?: string;
}

export function toPlain(error: unknown): PlainError {
  if (error instanceof Refused) {
    const { name, message, code, retryable, details } = error;
    return { name, message, code, retryable, details };
  }
  if (error instanceof LoggedOut) return { ...plain(error), reason: error.reason };
  return plain(error instanceof Error ? error : new Error(String(error)));
}

export function fromPlain(error: PlainError): Error {
  switch (error.name) {
    case "Refused":
      return new Refused(error.code ?? "internal", error.message, error.retryable, error.details);
    case "ConnectionLost":
      return new ConnectionLost(error.message);
    case "LoggedOut":
      return new LoggedOut(error.reason ?? "closed");
    default:
      return new HongyanError(error.message);
  }
}

function plain(error: Error): PlainError {
  return { name: error.name, message: error.message };
}
