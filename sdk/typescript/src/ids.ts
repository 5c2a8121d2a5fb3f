/** Ids that a client chooses. */

const DIGITS = "0123456789abcdefghijklmnopqrstuv";

let lastMs = 0;
let lastCount = 0;

/** Return a fresh client id: 24 characters that sort by the time of making, also within a tab. */
export function newClientId(nowMs = Date.now()): string {
  if (nowMs > lastMs) {
    lastMs = nowMs;
    lastCount = 0;
  } else {
    lastCount += 1;
  }
  return digits(lastMs, 10) + digits(lastCount, 4) + randomDigits(10);
}

/** Return the id of the log that only this user's devices may read. */
export function userLog(userId: string): string {
  return `@${userId}`;
}

export function isUserLog(logId: string): boolean {
  return logId.startsWith("@");
}

export function randomDigits(count: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(count));
  return Array.from(bytes, (byte) => DIGITS.charAt(byte & 31)).join("");
}

function digits(value: number, width: number): string {
  return value.toString(32).padStart(width, "0");
}
