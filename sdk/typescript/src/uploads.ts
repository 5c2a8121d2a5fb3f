/** Uploads that survive breaks and reloads: a tus 1.0 client. */

import { type Accounts, problemOf } from "./accounts.js";
import type { UploadOptions, UploadState } from "./api.js";
import { Backoff } from "./backoff.js";
import { ConnectionLost, LoggedOut, Refused } from "./errors.js";
import type { Store } from "./store.js";
import { sleep } from "./timing.js";

const PATH = "/api/v1/uploads";
const CHUNK_MIN_BYTES = 256 * 1024;
const CHUNK_MAX_BYTES = 8 * 1024 * 1024;
/** A chunk is to take about so long, so that progress is seen and little is lost. */
const CHUNK_MS = 1000;
const AT_ONCE = 2;
const LOCKED_MS = 500;

interface KeptUpload {
  state: UploadState;
  file: Blob;
  /** The URL for the rest; empty before the server knows of it. */
  location: string;
}

export interface UploadsOptions {
  url: string;
  store: Store;
  accounts: Accounts;
  fetch: typeof globalThis.fetch;
  /** Wait for a connection; rejects when there will be none. */
  ready: () => Promise<void>;
  onChange: (state: UploadState) => void;
  /** Called when a file is on the server, before the upload is forgotten. */
  onDone: (uploadId: string, mediaId: string, state: UploadState) => Promise<void>;
  onFailed: (uploadId: string, error: { code: string; message: string }) => Promise<void>;
}

export class UploadWorker {
  private readonly all = new Map<string, KeptUpload>();
  private readonly running = new Set<string>();

  constructor(private readonly options: UploadsOptions) {}

  get states(): readonly UploadState[] {
    return [...this.all.values()].map(({ state }) => state);
  }

  async load(): Promise<void> {
    for (const { value } of await this.options.store.range<KeptUpload>("uploads")) {
      const isPaused = value.state.state === "paused" || value.state.state === "failed";
      const state = isPaused ? value.state.state : "waiting";
      this.all.set(value.state.id, { ...value, state: { ...value.state, state } });
    }
  }

  /** Go on with what is unfinished. */
  start(): void {
    for (const { state } of this.all.values()) {
      if (this.running.size >= AT_ONCE) return;
      if (state.state === "waiting" && !this.running.has(state.id)) void this.run(state.id);
    }
  }

  /** Forget everything in memory; running ones end at their next step. */
  reset(): void {
    this.all.clear();
  }

  async begin(id: string, file: Blob, options: UploadOptions): Promise<UploadState> {
    const known = this.all.get(id);
    if (known !== undefined) return known.state;
    const name = options.name ?? ("name" in file ? String(file.name) : "");
    const state: UploadState = {
      id,
      name,
      mime: options.mime ?? file.type,
      sizeBytes: file.size,
      sentBytes: 0,
      state: "waiting",
      mediaId: "",
      error: null,
    };
    await this.keep({ state, file, location: "" });
    this.start();
    return state;
  }

  async control(id: string, to: "pause" | "resume" | "cancel"): Promise<void> {
    const upload = this.all.get(id);
    if (upload === undefined) return;
    if (to === "pause") await this.change(id, { state: "paused" });
    else if (to === "resume") {
      await this.change(id, { state: "waiting", error: null });
      this.start();
    } else {
      await this.forget(id);
      this.options.onChange({ ...upload.state, state: "failed", error: CANCELLED });
      if (upload.location) void this.ask("DELETE", upload.location, {}).catch(() => {});
    }
  }

  private async run(id: string): Promise<void> {
    this.running.add(id);
    const backoff = new Backoff(500, 30_000);
    try {
      while (this.isWanted(id)) {
        await this.options.ready();
        try {
          await this.change(id, { state: "running" });
          if (await this.sendAll(id, () => backoff.reset())) return;
        } catch (error) {
          await this.failed(id, error, backoff);
        }
      }
    } catch (error) {
      if (!(error instanceof ConnectionLost || error instanceof LoggedOut)) throw error;
    } finally {
      this.running.delete(id);
      this.start();
    }
  }

  private isWanted(id: string): boolean {
    const state = this.all.get(id)?.state.state;
    return state === "waiting" || state === "running";
  }

  private async failed(id: string, error: unknown, backoff: Backoff): Promise<void> {
    if (error instanceof ConnectionLost) {
      await sleep(backoff.nextMs());
    } else if (error instanceof Refused && MENDABLE.has(error.code)) {
      if (error.code === "no_such_upload") await this.change(id, { sentBytes: 0 }, "");
      await sleep(LOCKED_MS);
    } else if (error instanceof Refused && error.retryable) {
      await sleep(Math.max(backoff.nextMs(), error.retryAfterMs));
    } else if (error instanceof Refused) {
      const why = { code: error.code, message: error.message };
      await this.change(id, { state: "failed", error: why });
      await this.options.onFailed(id, why);
    } else {
      throw error;
    }
  }

  /** Send what the server lacks. Returns whether it is done, else it was paused or cancelled. */
  private async sendAll(id: string, onProgress: () => void): Promise<boolean> {
    let answer = await this.place(id);
    let chunk = CHUNK_MIN_BYTES * 4;
    for (;;) {
      const upload = this.all.get(id);
      if (upload === undefined || upload.state.state !== "running") return false;
      const mediaId = answer.get("upload-media-id");
      const offset = Number(answer.get("upload-offset") ?? 0);
      if (mediaId) {
        await this.done(upload, mediaId);
        return true;
      }
      await this.change(id, { sentBytes: offset });
      const began = Date.now();
      const body = upload.file.slice(offset, offset + chunk);
      const headers = {
        "content-type": "application/offset+octet-stream",
        "upload-offset": String(offset),
      };
      answer = await this.ask("PATCH", upload.location, headers, body);
      onProgress();
      const tookMs = Math.max(1, Date.now() - began);
      const fitting = (chunk * CHUNK_MS) / tookMs;
      chunk = Math.min(CHUNK_MAX_BYTES, chunk * 2, Math.max(CHUNK_MIN_BYTES, fitting));
      chunk = Math.floor(chunk);
    }
  }

  /** Announce the file, or ask how far it has come. */
  private async place(id: string): Promise<Headers> {
    const { state, location } = this.all.get(id) as KeptUpload;
    if (location) return this.ask("HEAD", location, {});
    const metadata = `filename ${base64(state.name)},filetype ${base64(state.mime)}`;
    const headers = { "upload-length": String(state.sizeBytes), "upload-metadata": metadata };
    const answer = await this.ask("POST", PATH, headers);
    await this.change(id, {}, answer.get("location") ?? "");
    return answer;
  }

  private async done(upload: KeptUpload, mediaId: string): Promise<void> {
    const { id, sizeBytes } = upload.state;
    const state = { ...upload.state, sentBytes: sizeBytes, state: "done", mediaId } as const;
    await this.options.onDone(id, mediaId, state);
    await this.forget(id);
    this.options.onChange(state);
  }

  private async ask(
    method: string,
    path: string,
    more: Record<string, string>,
    body?: Blob,
  ): Promise<Headers> {
    const { url, accounts, fetch } = this.options;
    const { accessToken } = await accounts.fresh();
    const authorization = `Bearer ${accessToken}`;
    const headers = { authorization, "tus-resumable": "1.0.0", ...more };
    let response: Response;
    try {
      response = await fetch(new URL(path, `${url}/`), { method, headers, body: body ?? null });
    } catch (error) {
      throw new ConnectionLost(`cannot reach the server: ${error}`);
    }
    if (response.ok) return response.headers;
    // an answer to HEAD has no body that could say more
    const isGone = method === "HEAD" && (response.status === 404 || response.status === 410);
    if (isGone) throw new Refused("no_such_upload", "The upload has expired.");
    throw await problemOf(response);
  }

  private async change(id: string, news: Partial<UploadState>, location?: string): Promise<void> {
    const upload = this.all.get(id);
    if (upload === undefined) return;
    const state = { ...upload.state, ...news };
    await this.keep({ ...upload, state, location: location ?? upload.location });
  }

  private async keep(upload: KeptUpload): Promise<void> {
    this.all.set(upload.state.id, upload);
    const key = upload.state.id;
    await this.options.store.write([{ put: "uploads", key, value: upload }]);
    this.options.onChange(upload.state);
  }

  private async forget(id: string): Promise<void> {
    this.all.delete(id);
    await this.options.store.write([{ drop: "uploads", key: id }]);
  }
}

const CANCELLED = { code: "cancelled", message: "The upload was cancelled." };
/** Refusals after which one asks how far the upload is, and goes on. */
const MENDABLE = new Set(["wrong_offset", "upload_locked", "chunk_too_slow", "no_such_upload"]);

function base64(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
