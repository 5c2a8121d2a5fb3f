import { usePresence } from "../model/client.js";
import { useMediaUrl } from "../model/media.js";
import { t } from "../i18n/index.js";
import { Icon, type IconName } from "./Icon.js";

interface Props {
  /** The text that the colour is chosen by. */
  id: string;
  name: string;
  /** A media id, or empty. */
  media?: string;
  size?: number;
  icon?: IconName;
}

function hue(id: string): number {
  let sum = 0;
  for (let at = 0; at < id.length; at += 1) sum = (sum * 31 + id.charCodeAt(at)) >>> 0;
  return sum % 8;
}

/** The first letter, or for a Chinese name its last character, as people are called by it. */
export function initial(name: string): string {
  const trimmed = name.trim();
  const characters = [...trimmed];
  const isHan = /^\p{Script=Han}{2,4}$/u.test(trimmed);
  const chosen = isHan ? characters[characters.length - 1] : characters[0];
  return (chosen ?? "?").toUpperCase();
}

/** A picture, or a letter on a colour. It says nothing: the name stands beside it. */
export function Avatar({ id, name, media = "", size = 40, icon }: Props) {
  const url = useMediaUrl(media, "thumb");
  return (
    <span class="avatar" data-hue={hue(id)} style={{ "--size": `${size}px` }} aria-hidden="true">
      {url ? (
        <img src={url} alt="" />
      ) : icon ? (
        <Icon name={icon} size={Math.round(size * 0.55)} />
      ) : (
        initial(name)
      )}
    </span>
  );
}

/** A person's picture with a dot while they are online. */
export function PersonAvatar(props: Props) {
  const presence = usePresence(props.id);
  return (
    <span class="with-presence">
      <Avatar {...props} />
      {presence?.online && <span class="presence" role="img" aria-label={t("presence.online")} />}
    </span>
  );
}
