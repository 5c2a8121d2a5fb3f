import { Cell } from "../lib/cell.js";

export type Route =
  | { name: "chats" }
  | { name: "conversation"; id: string; seq: number }
  | { name: "contacts"; userId: string }
  | { name: "favourites" }
  | { name: "settings"; section: string }
  | { name: "join"; token: string };

/** Return what an address of this app shows. */
export function parse(path: string): Route {
  const [first = "", second = "", third = "", fourth = ""] = path
    .split("/")
    .slice(1)
    .map(decodeURIComponent);
  switch (first) {
    case "c":
      if (!second) break;
      return { name: "conversation", id: second, seq: third === "m" ? Number(fourth) || 0 : 0 };
    case "contacts":
      return { name: "contacts", userId: second };
    case "favourites":
      return { name: "favourites" };
    case "settings":
      return { name: "settings", section: second };
    case "join":
      if (second) return { name: "join", token: second };
  }
  return { name: "chats" };
}

export const route = new Cell<Route>(parse(location.pathname));

/** Show another address of this app. */
export function go(path: string, options: { replace?: boolean } = {}): void {
  if (path === location.pathname) return;
  history[options.replace ? "replaceState" : "pushState"](null, "", path);
  route.set(parse(path));
}

export const conversationPath = (id: string, seq = 0) =>
  `/c/${encodeURIComponent(id)}${seq ? `/m/${seq}` : ""}`;

addEventListener("popstate", () => route.set(parse(location.pathname)));

/** Let links of this app change the view without loading the page anew. */
export function onLinkClick(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest?.("a[href]");
  if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute("download")) return;
  if (link.origin !== location.origin) return;
  event.preventDefault();
  go(link.pathname);
}
