import type { ConversationHandle, FileContent } from "@hongyan/sdk";
import { keepLocal } from "./media.js";

/** Send files one after the other; the caption goes with the first. */
export async function sendFiles(handle: ConversationHandle, files: readonly File[], caption: string): Promise<void> {
  for (const [index, file] of files.entries()) {
    const content = await describe(file);
    const said = index === 0 && caption ? { ...content, caption } : content;
    const message = await handle.sendFile(file, said, { name: file.name, mime: file.type });
    keepLocal(message.key, file);
  }
}

/** The kind of a file: a picture, a video, or any other. */
export async function describe(file: File): Promise<FileContent> {
  try {
    if (/^image\/(png|jpeg|gif|webp|avif)$/.test(file.type)) return await describeImage(file);
    if (/^video\/(mp4|webm)$/.test(file.type)) return await describeVideo(file);
  } catch {
    // It is not what it says it is: it goes as a file.
  }
  return { type: "file" };
}

async function describeImage(file: File): Promise<FileContent> {
  const bitmap = await createImageBitmap(file);
  const { width, height } = bitmap;
  bitmap.close();
  return { type: "image", width, height };
}

function describeVideo(file: File): Promise<FileContent> {
  const url = URL.createObjectURL(file);
  const video = document.createElement("video");
  return new Promise<FileContent>((resolve, reject) => {
    video.onloadedmetadata = () =>
      resolve({
        type: "video",
        width: video.videoWidth,
        height: video.videoHeight,
        duration_ms: Number.isFinite(video.duration) ? Math.round(video.duration * 1000) : 0,
      });
    video.onerror = () => reject(new Error("The video cannot be read."));
    video.src = url;
  }).finally(() => URL.revokeObjectURL(url));
}
