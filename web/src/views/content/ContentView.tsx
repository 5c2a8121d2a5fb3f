import type { Message, wire } from "@hongyan/sdk";
import { t } from "../../i18n/index.js";
import { useName } from "../../model/client.js";
import { type Content, contentLine } from "../../model/preview.js";
import { isLargeEmoji } from "../../model/rich.js";
import { Avatar } from "../../parts/Avatar.js";
import { Icon } from "../../parts/Icon.js";
import { openDialog } from "../../model/feedback.js";
import { openPerson } from "../dialogs/openers.js";
import { FileView, ImageView, VideoView, VoiceView } from "./MediaView.js";
import { MergedForwardDialog } from "./MergedForwardDialog.js";
import { PollView } from "./PollView.js";
import { RichText } from "./RichText.js";

/** The content of a message. `message` is null inside a merged forward. */
export function ContentView({ content, message }: { content: Content; message: Message | null }) {
  switch (content.type) {
    case "text":
      if (isLargeEmoji(content.text) && !content.entities) return <span class="large-emoji">{content.text.trim()}</span>;
      return <RichText content={content} />;
    case "image":
      return <ImageView content={content} message={message} />;
    case "video":
      return <VideoView content={content} message={message} />;
    case "voice":
      return <VoiceView content={content} message={message} />;
    case "file":
      return <FileView content={content} message={message} />;
    case "sticker":
      return <span class="large-emoji">{content.emoji || t("content.sticker")}</span>;
    case "location":
      return <LocationView content={content} />;
    case "contact":
      return <ContactCard content={content} />;
    case "link":
      return <LinkCard content={content} />;
    case "forward":
      return <MergedCard content={content} />;
    case "poll":
      return <PollView content={content} message={message} />;
    default:
      return <span>{contentLine(content)}</span>;
  }
}

function LocationView({ content }: { content: wire.Location }) {
  const { latitude, longitude, name, address } = content;
  const place = `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=16/${latitude}/${longitude}`;
  return (
    <a class="card" href={place} target="_blank" rel="noreferrer noopener">
      <strong>{name || t("content.location")}</strong>
      <span class="sub">{address || `${latitude.toFixed(5)}, ${longitude.toFixed(5)}`}</span>
    </a>
  );
}

function ContactCard({ content }: { content: wire.Contact }) {
  const known = useName(content.user_id);
  const name = content.name || known;
  return (
    <button type="button" class="card contact-card" onClick={() => openPerson(content.user_id)}>
      <Avatar id={content.user_id} name={name} media={content.avatar} size={40} />
      <span>
        <strong class="block">{name}</strong>
        <span class="sub">{t("content.contactCard")}</span>
      </span>
    </button>
  );
}

function LinkCard({ content }: { content: wire.Link }) {
  if (!/^https?:/.test(content.url)) return <span>{content.title || content.url}</span>;
  return (
    <a class="card" href={content.url} target="_blank" rel="noreferrer noopener">
      <strong>{content.title || content.url}</strong>
      {content.description && <span class="sub clamp">{content.description}</span>}
      <span class="sub truncate block">{new URL(content.url).host}</span>
    </a>
  );
}

function MergedCard({ content }: { content: wire.MergedForward }) {
  return (
    <button type="button" class="card merged-card" onClick={() => openDialog(MergedForwardDialog, { content, view: ContentView })}>
      <strong class="block truncate">{content.title || t("forward.history")}</strong>
      {content.messages.slice(0, 3).map((one, index) => (
        <span key={index} class="sub truncate block">
          {one.name}: {contentLine(one.content as unknown as Content)}
        </span>
      ))}
      <span class="merged-foot">
        <Icon name="chats" size={14} />
        {t("forward.count", { n: content.messages.length })}
      </span>
    </button>
  );
}
