import type { Message, UploadState, wire } from "@hongyan/sdk";
import { Suspense, lazy } from "preact/compat";
import { useMemo } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { duration, fileSize } from "../../i18n/when.js";
import { useValue } from "../../lib/hooks.js";
import { useClient } from "../../model/client.js";
import { downloadOf } from "../../model/downloads.js";
import { attempt, openDialog } from "../../model/feedback.js";
import { useMediaUrl, useUploadUrl } from "../../model/media.js";
import { Icon } from "../../parts/Icon.js";
import { IconButton } from "../../parts/IconButton.js";
import { RichText } from "./RichText.js";

const Viewer = lazy(() => import("./Viewer.js"));
const VoicePlayer = lazy(() => import("./VoicePlayer.js"));

interface Props<C> {
  content: C;
  message: Message | null;
}

const BOX_WIDTH = 320;
const BOX_HEIGHT = 320;

/** The size at which a picture is drawn; known before it is here, so that nothing jumps. */
export function pictureSize(width = 0, height = 0): { width: number; height: number } {
  if (!width || !height) return { width: 240, height: 180 };
  const scale = Math.min(1, BOX_WIDTH / width, BOX_HEIGHT / height);
  return { width: Math.max(96, Math.round(width * scale)), height: Math.max(64, Math.round(height * scale)) };
}

export function ImageView({ content, message }: Props<wire.Image>) {
  const size = pictureSize(content.width, content.height);
  const isSmall = (content.size_bytes ?? 0) < 100_000;
  const fetched = useMediaUrl(content.media_id, isSmall ? "" : "preview");
  const local = useUploadUrl(message);
  const url = local || fetched;
  return (
    <>
      <span class="picture-box"><button
        type="button"
        class="picture"
        style={{ aspectRatio: `${size.width} / ${size.height}`, width: `${size.width}px` }}
        aria-label={content.name ? `${t("content.image")} ${content.name}` : t("content.image")}
        onClick={() => openDialog(Viewer, { content, url })}
      >
        {url ? <img src={url} alt="" /> : <Icon name="image" size={32} />}
      </button>
      <Progress message={message} /></span>
      {content.caption && <RichText content={{ type: "text", text: content.caption }} />}
    </>
  );
}

export function VideoView({ content, message }: Props<wire.Video>) {
  const size = pictureSize(content.width, content.height);
  const poster = useMediaUrl(content.poster_id || content.media_id, content.poster_id ? "" : "poster");
  return (
    <>
      <span class="picture-box"><button
        type="button"
        class="picture"
        style={{ aspectRatio: `${size.width} / ${size.height}`, width: `${size.width}px` }}
        aria-label={`${t("content.video")} ${content.name ?? ""}`}
        onClick={() => openDialog(Viewer, { content, url: "" })}
      >
        {poster && <img src={poster} alt="" />}
        <span class="play-mark">
          <Icon name="play" size={28} />
        </span>
        {content.duration_ms ? <span class="picture-note">{duration(content.duration_ms)}</span> : null}
      </button>
      <Progress message={message} /></span>
      {content.caption && <RichText content={{ type: "text", text: content.caption }} />}
    </>
  );
}

export function VoiceView({ content, message }: Props<wire.Voice>) {
  const uploadUrl = useUploadUrl(message);
  return (
    <span class="voice">
      <Suspense fallback={<span class="voice-player" />}>
        <VoicePlayer content={content} uploadUrl={uploadUrl} />
      </Suspense>
      <Progress message={message} />
    </span>
  );
}

const isPdf = (content: wire.File) => content.mime === "application/pdf" || /\.pdf$/i.test(content.name ?? "");

export function FileView({ content, message }: Props<wire.File>) {
  const client = useClient();
  const name = content.name || t("content.file");
  const download = useMemo(() => downloadOf(client, content.media_id, name), [client, content.media_id, name]);
  const { state, receivedBytes, totalBytes } = useValue(download.state);
  const isPaused = state === "paused";
  const toggle = () => (state === "running" ? download.pause() : void attempt(download.start()));
  const open = () => (isPdf(content) ? openDialog(Viewer, { content, url: "" }) : toggle());
  return (
    <>
      <span class="file">
        <button type="button" class="file-open" disabled={!content.media_id} onClick={open}>
          <span class="file-icon">
            <Icon name="file" size={22} />
            <span>{extension(name)}</span>
          </span>
          <span class="file-text">
            <span class="file-name">{name}</span>
            <span class="sub">{fileSize(content.size_bytes ?? 0)}</span>
          </span>
          {content.media_id && <Icon name={isPdf(content) ? "eye" : "download"} size={18} />}
        </button>
        {state !== "idle" && (
          <Transfer
            share={totalBytes ? receivedBytes / totalBytes : 0}
            label={t("download.progress", { name })}
            toggleLabel={t(isPaused ? "download.resume" : "download.pause")}
            isPaused={isPaused}
            toggle={toggle}
          />
        )}
        <Progress message={message} />
      </span>
      {content.caption && <RichText content={{ type: "text", text: content.caption }} />}
    </>
  );
}

const extension = (name: string) => (/\.([a-z0-9]{1,4})$/i.exec(name)?.[1] ?? "").toUpperCase();

/** The progress of a file's upload, with the means to pause and to go on. */
function Progress({ message }: { message: Message | null }) {
  if (!message?.uploadId || message.state === "sent") return null;
  return <UploadProgress id={message.uploadId} />;
}

function UploadProgress({ id }: { id: string }) {
  const client = useClient();
  const upload = useMemo(() => client.uploads.handle(id), [client, id]);
  const state: UploadState = useValue(upload);
  if (state.state === "done") return null;
  const share = state.sizeBytes ? state.sentBytes / state.sizeBytes : 0;
  const isPaused = state.state === "paused" || state.state === "failed";
  return (
    <Transfer
      share={share}
      label={t("upload.progress", { name: state.name })}
      toggleLabel={t(isPaused ? "upload.resume" : "upload.pause")}
      isPaused={isPaused}
      toggle={() => void attempt(isPaused ? upload.resume() : upload.pause())}
    />
  );
}

interface TransferProps {
  /** Of 1. */
  share: number;
  label: string;
  toggleLabel: string;
  isPaused: boolean;
  toggle: () => void;
}

/** The progress of a file, and the button to pause it and to go on. */
function Transfer({ share, label, toggleLabel, isPaused, toggle }: TransferProps) {
  const onClick = (event: MouseEvent) => {
    event.stopPropagation();
    toggle();
  };
  return (
    <span class="upload">
      <progress max={1} value={share} aria-label={label} />
      <span class="sub">{Math.round(share * 100)}%</span>
      <IconButton icon={isPaused ? "play" : "pause"} size="small" label={toggleLabel} onClick={onClick} />
    </span>
  );
}
