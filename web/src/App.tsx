import type { Client } from "@hongyan/sdk";
import { useEffect } from "preact/hooks";
import { useLanguage } from "./i18n/index.js";
import { useValue } from "./lib/hooks.js";
import { ClientContext } from "./model/client.js";
import { watchMessages } from "./model/notify.js";
import { onLinkClick } from "./model/router.js";
import { DialogHost, LiveRegion, ToastHost } from "./parts/hosts.js";
import { PopoverHost } from "./parts/Popover.js";
import { Entrance } from "./views/Entrance.js";
import { Shell } from "./views/Shell.js";

/** Everything on the page: the entrance, or the views behind it. */
export function App({ client }: { client: Client }) {
  const language = useLanguage();
  const session = useValue(client.session);
  useEffect(() => watchMessages(client), [client]);
  return (
    <ClientContext.Provider value={client}>
      <div class="page" onClick={onLinkClick}>
        {session.kind === "active" ? (
          <Shell key={`${session.userId} ${language}`} />
        ) : (
          <Entrance key={language} ended={session.ended} />
        )}
        <DialogHost />
        <PopoverHost />
        <ToastHost />
        <LiveRegion />
      </div>
    </ClientContext.Provider>
  );
}
