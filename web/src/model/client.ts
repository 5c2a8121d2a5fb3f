import type { Client, User } from "@hongyan/sdk";
import { createContext } from "preact";
import { useContext, useEffect, useMemo, useState } from "preact/hooks";
import { t } from "../i18n/index.js";
import { useValue } from "../lib/hooks.js";

export const ClientContext = createContext<Client | null>(null);

/** The client of this page. */
export function useClient(): Client {
  const client = useContext(ClientContext);
  if (!client) throw new Error("There is no client around this view.");
  return client;
}

/** The own user id; empty while nobody is logged in. */
export function useMyId(): string {
  const session = useValue(useClient().session);
  return session.kind === "active" ? session.userId : "";
}

/** A user's profile; null until it is known. */
export function useUser(userId: string): User | null {
  const client = useClient();
  const observed = useMemo(() => client.users.observe(userId), [client, userId]);
  return useValue(observed);
}

/** The name of a user. */
export function useName(userId: string): string {
  const user = useUser(userId);
  return titleOf(user);
}

export function titleOf(user: User | null | undefined): string {
  if (!user) return "…";
  return user.deleted ? t("user.deleted") : user.title;
}

/** The names of several users; drawn again when one of them becomes known. */
export function useNames(userIds: readonly string[]): string[] {
  const client = useClient();
  const [, redraw] = useState(0);
  const key = userIds.join();
  useEffect(
    () =>
      client.users.changes.subscribe((changed) => {
        if (userIds.some((id) => changed.has(id))) redraw((n) => n + 1);
      }),
    [client, key],
  );
  return userIds.map((id) => titleOf(client.users.get(id)));
}

/** Whether a user is online, and since when not; null until it is known. */
export function usePresence(userId: string) {
  const client = useClient();
  const observed = useMemo(() => client.presence.observe(userId), [client, userId]);
  return useValue(observed);
}
