import type { Client, MediaVariant } from "@hongyan/sdk";
import { useContext, useEffect, useState } from "preact/hooks";
import { ClientContext } from "./client.js";

const KEPT = 200;

/** Object URLs of media that were fetched, the latest used last. */
const urls = new Map<string, Promise<string>>();

function load(client: Client, mediaId: string, variant: MediaVariant): Promise<string> {
  const key = `${mediaId} ${variant}`;
  let found = urls.get(key);
  if (found) {
    urls.delete(key);
  } else {
    const fetched = client.uploads.download(mediaId, variant ? { variant } : {});
    const whole = variant && variant !== "poster" ? fetched.catch(() => client.uploads.download(mediaId)) : fetched;
    found = whole.then((blob) => URL.createObjectURL(blob));
    found.catch(() => urls.delete(key));
  }
  urls.set(key, found);
  const oldest = urls.size > KEPT ? urls.keys().next().value : undefined;
  if (oldest !== undefined) {
    void urls.get(oldest)?.then(URL.revokeObjectURL, () => {});
    urls.delete(oldest);
  }
  return found;
}

/** The address of a media object for `src`; empty until it is here, or when it cannot be had. */
export function useMediaUrl(mediaId: string, variant: MediaVariant = ""): string {
  const client = useContext(ClientContext);
  const [url, setUrl] = useState("");
  useEffect(() => {
    let current = true;
    setUrl("");
    if (mediaId && client)
      load(client, mediaId, variant).then(
        (loaded) => current && setUrl(loaded),
        () => {},
      );
    return () => {
      current = false;
    };
  }, [client, mediaId, variant]);
  return url;
}

/** Fetch a media object and give it to the browser to keep. */
export async function saveMedia(client: Client, mediaId: string, name: string): Promise<void> {
  saveUrl(await load(client, mediaId, ""), name);
}

function saveUrl(url: string, name: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = name || "file";
  link.click();
}

const SAVED_AFTER_MS = 60_000;

/** Give bytes to the browser to keep. */
export function saveBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  saveUrl(url, name);
  setTimeout(() => URL.revokeObjectURL(url), SAVED_AFTER_MS);
}

/** The address of a PDF for a frame; its type is said here, so that nothing else is ever run. */
export function usePdfUrl(mediaId: string): string {
  const client = useContext(ClientContext);
  const [url, setUrl] = useState("");
  useEffect(() => {
    let made = "";
    let current = true;
    const show = (blob: Blob) => {
      if (!current) return;
      made = URL.createObjectURL(new Blob([blob], { type: "application/pdf" }));
      setUrl(made);
    };
    if (mediaId && client) client.uploads.download(mediaId).then(show, () => {});
    return () => {
      current = false;
      URL.revokeObjectURL(made);
    };
  }, [client, mediaId]);
  return url;
}

/** Files that were chosen in this page, by the key of the message they go with. */
const chosen = new Map<string, string>();

/** Remember a file for the time until it is on the server. */
export function keepLocal(key: string, file: Blob): void {
  chosen.set(key, URL.createObjectURL(file));
}

/** The address of a message's own file while it has not been fetched; empty where there is none. */
export function useUploadUrl(message: { key: string } | null): string {
  return message ? (chosen.get(message.key) ?? "") : "";
}

/** A link to a media object for what is played or shown in parts; empty until it is here. */
export function useMediaLink(mediaId: string): string {
  const client = useContext(ClientContext);
  const [url, setUrl] = useState("");
  useEffect(() => {
    let current = true;
    setUrl("");
    if (mediaId && client)
      client.uploads.link(mediaId).then(
        (link) => current && setUrl(link),
        () => {},
      );
    return () => {
      current = false;
    };
  }, [client, mediaId]);
  return url;
}
