import { Suspense, lazy } from "preact/compat";
import { useLayoutEffect } from "preact/hooks";
import { t } from "../i18n/index.js";
import { useMedia, useSelected, useValue } from "../lib/hooks.js";
import { useClient, useMyId, useName } from "../model/client.js";
import { openDialog } from "../model/feedback.js";
import { type Route, conversationPath, go, route } from "../model/router.js";
import { onShortcut } from "../model/shortcuts.js";
import { Avatar } from "../parts/Avatar.js";
import { Icon, type IconName } from "../parts/Icon.js";
import { Badge, Empty, Spinner } from "../parts/parts.js";
import { ConnectionBar } from "./ConnectionBar.js";
import { ContactList } from "./contacts/ContactList.js";
import { ContactPage } from "./contacts/ContactPage.js";
import { ConversationView } from "./conversation/ConversationView.js";
import { ConversationList } from "./list/ConversationList.js";
import { FavouriteList } from "./FavouriteList.js";
import { JoinPage } from "./JoinPage.js";

const SettingsPage = lazy(() => import("./settings/SettingsPage.js"));
const SettingsList = lazy(() => import("./settings/SettingsList.js"));
const Palette = lazy(() => import("./Palette.js"));
const ShortcutSheet = lazy(() => import("./ShortcutSheet.js"));

/** The views behind the entrance: rail, list and what is open. */
export function Shell() {
  const shown = useValue(route);
  const isPhone = useMedia("(max-width: 699px)");
  const client = useClient();
  useLayoutEffect(() => {
    const onKeyDown = (event: KeyboardEvent) =>
      onShortcut(event, client, {
        palette: () => openDialog(Palette, {}),
        help: () => openDialog(ShortcutSheet, {}),
      });
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, [client]);
  const hasMain = hasMainPane(shown);
  const isAlone = isPhone && !hasMain;
  const List = isAlone ? "main" : "section";
  return (
    <div class="shell" data-main={hasMain ? "open" : "closed"}>
      <a class="skip" href="#main">
        {t("nav.skip")}
      </a>
      {!(isPhone && hasMain) && <Rail shown={shown} />}
      {!(isPhone && hasMain) && (
        <List class="list-pane" aria-label={t("nav.list")} {...(isAlone ? { id: "main", tabIndex: -1 } : {})}>
          {isAlone && <ConnectionBar />}
          <ListPane shown={shown} />
        </List>
      )}
      {!isAlone && (
        <main class="main-pane" id="main" tabIndex={-1}>
          <ConnectionBar />
          <Suspense fallback={<Spinner />}>
            <MainPane shown={shown} />
          </Suspense>
        </main>
      )}
    </div>
  );
}

function hasMainPane(shown: Route): boolean {
  switch (shown.name) {
    case "conversation":
    case "join":
      return true;
    case "contacts":
      return shown.userId !== "";
    case "settings":
      return shown.section !== "";
    default:
      return false;
  }
}

const PLACES: readonly { name: Route["name"]; path: string; icon: IconName; label: Parameters<typeof t>[0] }[] = [
  { name: "chats", path: "/", icon: "chats", label: "nav.chats" },
  { name: "contacts", path: "/contacts", icon: "contacts", label: "nav.contacts" },
  { name: "favourites", path: "/favourites", icon: "star", label: "nav.favourites" },
  { name: "settings", path: "/settings", icon: "settings", label: "nav.settings" },
];

function Rail({ shown }: { shown: Route }) {
  const client = useClient();
  const me = useMyId();
  const account = useValue(client.me);
  const name = useName(me);
  const unread = useSelected(client.unread, (total) => total.messages);
  const requests = useSelected(client.contacts.incoming, (list) => list.length);
  const counts: Partial<Record<Route["name"], number>> = { chats: unread, contacts: requests };
  const open = shown.name === "conversation" || shown.name === "join" ? "chats" : shown.name;
  return (
    <nav class="rail" aria-label={t("nav.label")}>
      <a class="rail-me" href="/settings/profile" aria-label={t("nav.me", { name: account?.name || name })}>
        <Avatar id={me} name={account?.name || name} media={account?.avatar} size={40} />
      </a>
      {PLACES.map((place) => {
        const count = counts[place.name] ?? 0;
        return (
          <a key={place.name} class="rail-place" href={place.path} aria-current={open === place.name ? "page" : undefined}>
            <span class="rail-icon">
              <Icon name={place.icon} size={22} />
              {count > 0 && <Badge count={count} label={t("nav.count", { n: count })} />}
            </span>
            <span class="rail-label">{t(place.label)}</span>
          </a>
        );
      })}
    </nav>
  );
}

function ListPane({ shown }: { shown: Route }) {
  switch (shown.name) {
    case "contacts":
      return <ContactList shown={shown.userId} />;
    case "favourites":
      return <FavouriteList />;
    case "settings":
      return (
        <Suspense fallback={<Spinner />}>
          <SettingsList shown={shown.section} />
        </Suspense>
      );
    default:
      return <ConversationList openId={shown.name === "conversation" ? shown.id : ""} />;
  }
}

function MainPane({ shown }: { shown: Route }) {
  switch (shown.name) {
    case "conversation":
      return <ConversationView key={shown.id} id={shown.id} seq={shown.seq} />;
    case "contacts":
      return shown.userId ? (
        <ContactPage key={shown.userId} userId={shown.userId} />
      ) : (
        <Empty icon="contacts" title={t("contacts.pickTitle")} text={t("contacts.pickText")} />
      );
    case "join":
      return <JoinPage key={shown.token} way={{ token: shown.token }} done={(id) => go(conversationPath(id))} />;
    case "settings":
      return <SettingsPage section={shown.section || "profile"} />;
    case "favourites":
      return <Empty icon="star" title={t("favourites.pickTitle")} text={t("favourites.pickText")} />;
    default:
      return <Empty icon="goose" title={t("chats.pickTitle")} text={t("chats.pickText")} />;
  }
}
