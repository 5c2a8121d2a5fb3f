import type { wire } from "@hongyan/sdk";
import { useState } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { useClient } from "../../model/client.js";
import { type DialogProps, attempt } from "../../model/feedback.js";
import { saveMedia, useMediaLink, useMediaUrl, usePdfUrl } from "../../model/media.js";
import { Dialog } from "../../parts/Dialog.js";
import { Icon } from "../../parts/Icon.js";
import { IconButton } from "../../parts/IconButton.js";
import { Spinner } from "../../parts/parts.js";

interface Props extends DialogProps {
  content: wire.Image | wire.Video | wire.File;
  /** The URL at hand already; empty for none. */
  url: string;
}

/** A picture, a video or a PDF, as large as the window. */
export default function Viewer({ content, url, close }: Props) {
  const client = useClient();
  const { type, media_id: mediaId } = content;
  const fetched = useMediaUrl(type === "image" ? mediaId : "");
  const link = useMediaLink(type === "video" ? mediaId : "");
  const pdf = usePdfUrl(type === "file" ? mediaId : "");
  const shown = fetched || link || pdf || url;
  const title = content.name || t(content.type === "image" ? "content.image" : content.type === "video" ? "content.video" : "content.file");
  return (
    <Dialog
      title={title}
      close={close}
      wide
      footer={
        <button
          type="button"
          class="button"
          disabled={!content.media_id}
          onClick={() => void attempt(saveMedia(client, content.media_id, content.name ?? ""))}
        >
          <Icon name="download" size={18} />
          {t("file.save")}
        </button>
      }
    >
      <div class="viewer">{shown ? <Shown content={content} url={shown} title={title} /> : <Spinner />}</div>
    </Dialog>
  );
}

function Shown({ content, url, title }: { content: Props["content"]; url: string; title: string }) {
  if (content.type === "image") return <Picture url={url} title={content.caption || title} />;
  if (content.type === "video") return <video src={url} controls autoPlay playsInline aria-label={title} />;
  return <iframe class="pdf" src={`${url}#navpanes=0`} title={title} />;
}

function Picture({ url, title }: { url: string; title: string }) {
  const [zoom, setZoom] = useState(1);
  return (
    <>
      <div class="viewer-scroll scroll" tabIndex={0} role="region" aria-label={title}>
        <img src={url} alt={title} style={zoom > 1 ? { width: `${zoom * 100}%`, maxWidth: "none", maxHeight: "none" } : {}} />
      </div>
      <div class="viewer-tools">
        <IconButton icon="plus" label={t("viewer.zoomIn")} disabled={zoom >= 4} onClick={() => setZoom(zoom + 0.5)} />
        <button type="button" class="button small" onClick={() => setZoom(1)}>
          {Math.round(zoom * 100)}%
        </button>
      </div>
    </>
  );
}
