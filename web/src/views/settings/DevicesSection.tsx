import type { wire } from "@hongyan/sdk";
import { t } from "../../i18n/index.js";
import { ago } from "../../i18n/when.js";
import { useLoaded, useMinute } from "../../lib/hooks.js";
import { useClient } from "../../model/client.js";
import { attempt, explain, openDialog } from "../../model/feedback.js";
import { Confirm } from "../../parts/Dialog.js";
import { Icon } from "../../parts/Icon.js";
import { Failed, Spinner } from "../../parts/parts.js";

/** The devices on which the user is logged in. */
export function DevicesSection() {
  const client = useClient();
  const loaded = useLoaded(() => client.call("user.list_devices", {}), []);
  if (loaded.state === "loading") return <Spinner />;
  if (loaded.state === "failed") return <Failed text={explain(loaded.error)} retry={loaded.reload} />;
  const { devices, current_device_id } = loaded.data;
  const remove = async (work: Promise<unknown>) => {
    if (await attempt(work, "devices.removed")) loaded.reload();
  };
  const removeOthers = () =>
    openDialog(Confirm, {
      title: t("devices.removeOthers"),
      text: t("confirm.devices"),
      label: t("devices.removeOthers"),
      run: () => remove(client.call("user.kick_other_devices", {})),
    });
  const order = [...devices].sort((a, b) => b.seen_at_ms - a.seen_at_ms);
  return (
    <div class="form">
      <ul>
        {order.map((device) => (
          <DeviceRow
            key={device.device_id}
            device={device}
            isThis={device.device_id === current_device_id}
            remove={() => void remove(client.call("user.kick_device", { device_id: device.device_id }))}
          />
        ))}
      </ul>
      {devices.length > 1 && (
        <button type="button" class="button danger" onClick={removeOthers}>
          {t("devices.removeOthers")}
        </button>
      )}
    </div>
  );
}

function DeviceRow({ device, isThis, remove }: { device: wire.DeviceInfo; isThis: boolean; remove: () => void }) {
  const now = useMinute();
  return (
    <li class="row">
      <Icon name="device" size={24} />
      <span class="main">
        <span class="truncate block">{device.name || device.platform}</span>
        <span class="sub truncate block">
          {device.address} · {t("devices.seen", { when: ago(device.seen_at_ms, now) })}
        </span>
      </span>
      {isThis ? (
        <span class="tag">{t("devices.this")}</span>
      ) : (
        <button type="button" class="button danger small" onClick={remove}>
          {t("devices.remove")}
        </button>
      )}
    </li>
  );
}
