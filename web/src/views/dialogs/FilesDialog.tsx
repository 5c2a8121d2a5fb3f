import { useEffect, useMemo, useState } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { fileSize } from "../../i18n/when.js";
import type { DialogProps } from "../../model/feedback.js";
import { Dialog } from "../../parts/Dialog.js";
import { Icon } from "../../parts/Icon.js";
import { IconButton } from "../../parts/IconButton.js";
import { Field } from "../../parts/parts.js";

interface Props extends DialogProps {
  files: File[];
  send: (files: File[], caption: string) => void;
}

/** Look at files before they are sent. */
export default function FilesDialog({ files, send, close }: Props) {
  const [kept, setKept] = useState(files);
  const [caption, setCaption] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    send(kept, caption.trim());
    close();
  };
  const drop = (index: number) => {
    const left = kept.toSpliced(index, 1);
    if (left.length === 0) close();
    setKept(left);
  };
  return (
    <Dialog
      title={t("files.send", { n: kept.length })}
      close={close}
      footer={
        <button type="submit" form="files" class="button primary">
          {t("composer.send")}
        </button>
      }
    >
      <form id="files" class="form" onSubmit={submit}>
        <ul class="file-list">
          {kept.map((file, index) => (
            <li key={`${file.name} ${index}`} class="row">
              <Thumbnail file={file} />
              <span class="main">
                <span class="truncate block">{file.name}</span>
                <span class="sub">{fileSize(file.size)}</span>
              </span>
              <IconButton icon="close" size="small" label={t("files.drop", { name: file.name })} onClick={() => drop(index)} />
            </li>
          ))}
        </ul>
        <Field label={t("files.caption")} maxLength={1000} autoFocus value={caption} onValue={setCaption} />
      </form>
    </Dialog>
  );
}

function Thumbnail({ file }: { file: File }) {
  const url = useMemo(() => (file.type.startsWith("image/") ? URL.createObjectURL(file) : ""), [file]);
  useEffect(() => () => URL.revokeObjectURL(url), [url]);
  return <span class="thumbnail">{url ? <img src={url} alt="" /> : <Icon name="file" size={22} />}</span>;
}
