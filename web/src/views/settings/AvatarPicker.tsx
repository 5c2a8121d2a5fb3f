import { useRef, useState } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { useClient } from "../../model/client.js";
import { explain, toast } from "../../model/feedback.js";
import { Avatar } from "../../parts/Avatar.js";

const SIDE_PX = 512;

interface Props {
  id: string;
  name: string;
  media: string;
  change: (mediaId: string) => void;
}

/** A picture that can be changed: cut to a square and made small before it is sent. */
export function AvatarPicker({ id, name, media, change }: Props) {
  const client = useClient();
  const input = useRef<HTMLInputElement>(null);
  const [isBusy, setBusy] = useState(false);
  const take = async (file: File) => {
    setBusy(true);
    try {
      const picture = await square(file); // PNG where the browser writes no WebP
      const upload = await client.uploads.start(picture, { name: "avatar", mime: picture.type, purpose: "avatar" });
      change(await upload.done);
    } catch (reason) {
      toast(explain(reason));
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="avatar-picker">
      <Avatar id={id} name={name} media={media} size={72} />
      <button type="button" class="button" disabled={isBusy} onClick={() => input.current?.click()}>
        {t("avatar.change")}
      </button>
      {media && (
        <button type="button" class="button quiet" onClick={() => change("")}>
          {t("avatar.remove")}
        </button>
      )}
      <input
        ref={input}
        type="file"
        accept="image/*"
        hidden
        aria-label={t("avatar.change")}
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          if (file) void take(file);
        }}
      />
    </div>
  );
}

async function square(file: File): Promise<Blob> {
  const bitmap = await createImageBitmap(file);
  const side = Math.min(bitmap.width, bitmap.height);
  const canvas = new OffscreenCanvas(SIDE_PX, SIDE_PX);
  const left = (bitmap.width - side) / 2;
  const top = (bitmap.height - side) / 2;
  canvas.getContext("2d")?.drawImage(bitmap, left, top, side, side, 0, 0, SIDE_PX, SIDE_PX);
  return canvas.convertToBlob({ type: "image/webp", quality: 0.85 });
}
