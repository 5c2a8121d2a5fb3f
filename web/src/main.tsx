import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/layout.css";
import "./styles/list.css";
import "./styles/timeline.css";
import "./styles/composer.css";
import { Client } from "@hongyan/sdk";
import { render } from "preact";
import { App } from "./App.js";
import { followLanguage } from "./i18n/index.js";
import { followTheme } from "./model/settings.js";

/** After an update of the server a part may be gone: the page is loaded anew, once a minute at most. */
function reloadOnce(): void {
  const key = "hongyan.reloaded";
  if (Date.now() - Number(sessionStorage.getItem(key)) < 60_000) return;
  sessionStorage.setItem(key, String(Date.now()));
  location.reload();
}

followTheme();
const [client] = await Promise.all([Client.create({ client: "hongyan-web/0.1" }), followLanguage()]);
addEventListener("online", () => client.reconnect());
addEventListener("vite:preloadError", reloadOnce);
const root = document.getElementById("app");
if (root) render(<App client={client} />, root);

if ("serviceWorker" in navigator && import.meta.env.PROD) {
  void navigator.serviceWorker.register("/worker.js");
}
