/** Uploads and downloads as a view works with them. */

import { problemOf } from "./accounts.js";
import type {
  DownloadOptions,
  MediaVariant,
  UploadHandle,
  UploadOptions,
  UploadState,
  Uploads,
} from "./api.js";
import type { Core } from "./core.js";
import { ConnectionLost, Refused } from "./errors.js";
import { randomDigits } from "./ids.js";
import { Value } from "./observable.js";
import type { Ticket } from "./protocol.js";
import { type Deferred, deferred } from "./timing.js";

const LINK_SPARE_MS = 60_000;

interface Followed {
  value: Value<UploadState>;
  done: Deferred<string>;
}

export class Files implements Uploads {
  readonly all = new Value<readonly UploadState[]>([]);
  private readonly followed = new Map<string, Followed>();
  private readonly links = new Map<string, Promise<Ticket>>();

  constructor(
    private readonly core: Core,
    private readonly serverUrl: string,
    private readonly fetch: typeof globalThis.fetch,
  ) {}

  async start(file: Blob, options: UploadOptions = {}): Promise<UploadHandle> {
    const id = randomDigits(16);
    this.take(await this.core.request("startUpload", { id, file, options }));
    return this.handle(id);
  }

  handle(uploadId: string): UploadHandle {
    const { value, done } = this.follow(uploadId);
    const control = async (to: "pause" | "resume" | "cancel") => {
      await this.core.request("controlUpload", { id: uploadId, to });
    };
    return {
      id: uploadId,
      done: done.promise,
      get value() {
        return value.value;
      },
      subscribe: (listener) => value.subscribe(listener),
      pause: () => control("pause"),
      resume: () => control("resume"),
      cancel: () => control("cancel"),
    };
  }

  async link(mediaId: string, variant: MediaVariant = ""): Promise<string> {
    const key = `${mediaId}/${variant}`;
    const known = await this.links.get(key)?.catch(() => undefined);
    if (known !== undefined && known.expires_at_ms - Date.now() > LINK_SPARE_MS) {
      return this.address(known.url);
    }
    const params = { media_id: mediaId, variant };
    const args = { method: "media.ticket", params, timeoutMs: 30_000 };
    const asked = this.core.request("call", args) as Promise<Ticket>;
    this.links.set(key, asked);
    asked.catch(() => this.links.delete(key));
    return this.address((await asked).url);
  }

  async download(mediaId: string, options: DownloadOptions = {}): Promise<Blob> {
    const token = await this.core.request("accessToken", null);
    const { variant = "", signal = null, onProgress, kept = [] } = options;
    const keptBytes = kept.reduce((sum, part) => sum + part.length, 0);
    const query = variant ? `?variant=${variant}` : "";
    const address = this.address(`/api/v1/media/${mediaId}${query}`);
    const headers: Record<string, string> = { authorization: `Bearer ${token}` };
    if (keptBytes > 0) headers.range = `bytes=${keptBytes}-`;
    let response: Response;
    try {
      response = await this.fetch(address, { headers, signal });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new ConnectionLost(`cannot reach the server: ${error}`);
    }
    if (!response.ok) throw await problemOf(response);
    if (response.status !== 206) kept.length = 0;
    const isFollowed = onProgress !== undefined || options.kept !== undefined;
    if (!isFollowed || response.body === null) return response.blob();
    return received(response, response.body, kept, onProgress);
  }

  take(state: UploadState): void {
    const { value, done } = this.follow(state.id);
    value.set(state);
    if (state.state === "done") done.resolve(state.mediaId);
    else if (state.state === "failed" && state.error !== null) {
      done.reject(new Refused(state.error.code, state.error.message));
    }
    const others = this.all.value.filter(({ id }) => id !== state.id);
    const isOver = state.state === "done" || state.error?.code === "cancelled";
    this.all.set(isOver ? others : [...others, state]);
    if (isOver) this.followed.delete(state.id);
  }

  reset(states: readonly UploadState[]): void {
    this.links.clear();
    this.all.set([]);
    for (const state of states) this.take(state);
  }

  private address(path: string): string {
    return new URL(path, `${this.serverUrl}/`).href;
  }

  private follow(id: string): Followed {
    let followed = this.followed.get(id);
    if (followed === undefined) {
      const unknown: UploadState = {
        id,
        name: "",
        mime: "",
        sizeBytes: 0,
        sentBytes: 0,
        state: "waiting",
        mediaId: "",
        error: null,
      };
      followed = { value: new Value(unknown), done: deferred<string>() };
      this.followed.set(id, followed);
    }
    return followed;
  }
}

async function received(
  response: Response,
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  parts: Uint8Array<ArrayBuffer>[],
  onProgress?: (receivedBytes: number, totalBytes: number) => void,
): Promise<Blob> {
  let count = parts.reduce((sum, part) => sum + part.length, 0);
  const total = count + Number(response.headers.get("content-length") ?? 0);
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    count += value.length;
    onProgress?.(count, total);
  }
  return new Blob(parts, { type: response.headers.get("content-type") ?? "" });
}
