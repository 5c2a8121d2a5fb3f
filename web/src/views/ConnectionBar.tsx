import { t } from "../i18n/index.js";
import { useValue } from "../lib/hooks.js";
import { useClient } from "../model/client.js";

/** Says when the server cannot be reached; what is kept here is shown all the same. */
export function ConnectionBar() {
  const client = useClient();
  const connection = useValue(client.connection);
  if (connection.kind === "online" || connection.kind === "stopped") return null;
  const isOffline = connection.kind === "offline";
  return (
    <div class="connection-bar" role="status" data-kind={connection.kind}>
      <span class="spinner" aria-hidden="true" />
      <span>{t(isOffline ? "connection.offline" : `connection.${connection.kind}`)}</span>
      {isOffline && (
        <button type="button" class="button small" onClick={() => client.reconnect()}>
          {t("action.retryNow")}
        </button>
      )}
    </div>
  );
}
