/** The texts of the widget before the panel and its catalogue are loaded. */

const zh = {
  title: "在线客服",
  open: "打开聊天",
  close: "关闭聊天",
  unread: "{n} 条未读消息",
  arrived: "{who}：{text}",
};

const en: typeof zh = {
  title: "Chat with us",
  open: "Open chat",
  close: "Close chat",
  unread: "{n} unread messages",
  arrived: "{who}: {text}",
};

export type Locale = "zh" | "en";
export type TextKey = keyof typeof zh;

/** The language of the attribute, else of the page, else of the browser. */
export function localeOf(attribute: string | null): Locale {
  const tag = attribute || document.documentElement.lang || navigator.language;
  return tag.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export function say(locale: Locale, key: TextKey, values: Record<string, string | number> = {}): string {
  const text = (locale === "zh" ? zh : en)[key];
  if (key === "unread" && locale === "en" && values.n === 1) return "1 unread message";
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}
