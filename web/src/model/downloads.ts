import type { Client } from "@hongyan/sdk";
import { Cell } from "../lib/cell.js";
import { saveBlob } from "./media.js";

export interface DownloadState {
  state: "idle" | "running" | "paused";
  receivedBytes: number;
  /** 0 until it is known. */
  totalBytes: number;
}

const IDLE: DownloadState = { state: "idle", receivedBytes: 0, totalBytes: 0 };

/** A file on its way to the browser's folder of downloads; it may pause and go on. */
export class Download {
  readonly state = new Cell<DownloadState>(IDLE);
  #kept: Uint8Array<ArrayBuffer>[] = [];
  #stop = new AbortController();

  constructor(
    readonly client: Client,
    readonly mediaId: string,
    readonly name: string,
  ) {}

  /** Fetch what is missing, and save the whole. Resolves when it is saved or paused. */
  async start(): Promise<void> {
    if (this.state.value.state === "running") return;
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.state.set({ ...this.state.value, state: "running" });
    const onProgress = (receivedBytes: number, totalBytes: number) =>
      this.state.set({ state: "running", receivedBytes, totalBytes });
    try {
      const blob = await this.client.uploads.download(this.mediaId, { kept: this.#kept, onProgress, signal });
      this.#kept = [];
      this.state.set(IDLE);
      saveBlob(blob, this.name);
    } catch (error) {
      this.state.set({ ...this.state.value, state: this.state.value.receivedBytes > 0 ? "paused" : "idle" });
      if (!signal.aborted) throw error;
    }
  }

  pause(): void {
    this.#stop.abort();
  }
}

const known = new Map<string, Download>();

/** The download of a media object; the same one wherever it is shown. */
export function downloadOf(client: Client, mediaId: string, name: string): Download {
  let found = known.get(mediaId);
  if (!found) known.set(mediaId, (found = new Download(client, mediaId, name)));
  return found;
}
